//! The fields of a rule.

use leptos::prelude::*;
use sluice_policy::Timestamp;

use super::super::desk::now;
use super::super::host::to_ascii;
use crate::clock::{from_now, of_input, to_input};
use crate::draft::{Draft, Wrong};
use crate::model::Rule;
use crate::parts::{Button, Check, Choice, Field, Look, Outside};

/// What is in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    host: RwSignal<String>,
    effect: RwSignal<String>,
    warn_only: RwSignal<bool>,
    ports: RwSignal<String>,
    methods: RwSignal<String>,
    path_glob: RwSignal<String>,
    /// As the browser's field holds it.
    expires_at: RwSignal<String>,
    resolves_to: RwSignal<String>,
    terminated_only: RwSignal<bool>,
    name: RwSignal<String>,
    note: RwSignal<String>,
    /// The end that was there, to the microsecond, which the field does not hold.
    end: StoredValue<String>,
}

impl Fields {
    /// Of a rule that is there, or of none.
    pub(super) fn of(rule: Option<&Rule>) -> Self {
        let draft = rule.map_or_else(Draft::new, Draft::of);
        // A name that only repeats the host would not follow it.
        let name = if draft.name == draft.host {
            String::new()
        } else {
            draft.name
        };
        Self {
            host: RwSignal::new(draft.host),
            effect: RwSignal::new(draft.effect),
            warn_only: RwSignal::new(draft.warn_only),
            ports: RwSignal::new(draft.ports),
            methods: RwSignal::new(draft.methods),
            path_glob: RwSignal::new(draft.path_glob),
            expires_at: RwSignal::new(to_input(&draft.expires_at)),
            resolves_to: RwSignal::new(draft.resolves_to),
            terminated_only: RwSignal::new(draft.terminated_only),
            name: RwSignal::new(name),
            note: RwSignal::new(draft.note),
            end: StoredValue::new(draft.expires_at),
        }
    }

    /// What they say.
    pub(super) fn draft(self) -> Draft {
        let typed = self.expires_at.get();
        let had = self.end.get_value();
        let expires_at = if typed == to_input(&had) {
            had
        } else {
            of_input(&typed).unwrap_or(typed)
        };
        Draft {
            host: to_ascii(&self.host.get()),
            effect: self.effect.get(),
            warn_only: self.warn_only.get(),
            ports: self.ports.get(),
            methods: self.methods.get(),
            path_glob: self.path_glob.get(),
            expires_at,
            resolves_to: self.resolves_to.get(),
            terminated_only: self.terminated_only.get(),
            name: self.name.get(),
            note: self.note.get(),
        }
    }

    /// The fields, each with what is wrong with it.
    pub(super) fn view(self, wrong: Signal<Wrong>, draft: Memo<Draft>) -> impl IntoView {
        let of = move |field: &'static str| Signal::derive(move || wrong.with(|wrong| wrong.get(field).cloned()));
        // What has no field of its own is still said.
        let rest = move || {
            let known = [
                "host",
                "ports",
                "methods",
                "path_glob",
                "expires_at",
                "resolves_to",
                "name",
            ];
            let rest = wrong
                .get()
                .into_iter()
                .filter(|(field, _)| !known.contains(&field.as_str()));
            rest.map(|(field, text)| format!("{field}: {text}"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let is_allow = Memo::new(move |_| self.effect.get() == "allow");
        let converted = move || {
            let typed = self.host.get();
            (!typed.is_ascii())
                .then(|| draft.with(|draft| draft.host.clone()))
                .filter(|host| host.is_ascii())
        };
        let effects = [("allow", "allow"), ("deny", "deny")].map(|(word, shown)| (word.to_owned(), shown.to_owned()));
        view! {
            <div class="editor-pair">
                <Field
                    label="Host"
                    value=self.host
                    hint="api.example.com, *.example.com, *, 192.0.2.1 or 10.0.0.0/8"
                    error=of("host")
                />
                <Choice label="Effect" value=self.effect options=effects.to_vec() />
            </div>
            <p class="hint" role="status">
                {move || {
                    converted()
                        .map(|host| {
                            view! {
                                "Stored and matched as "
                                <code>
                                    <Outside text=host />
                                </code>
                            }
                        })
                }}
            </p>
            <Show when=move || is_allow.get()>
                <Check
                    label="Warn only"
                    value=self.warn_only
                    hint="It passes, and is recorded as warn: for hosts on trial."
                />
            </Show>
            <div class="editor-pair">
                <Field label="Ports" value=self.ports hint="443, 8443; empty for any" error=of("ports") />
                <Field label="Methods" value=self.methods hint="GET, HEAD; empty for any" error=of("methods") />
            </div>
            <Field
                label="Path"
                value=self.path_glob
                hint="/repos/**; empty for any. Only requests in clear have methods and paths."
                error=of("path_glob")
            />
            <Expiry value=self.expires_at error=of("expires_at") />
            <p class="hint wrong" role="status">
                {move || {
                    let has_ended = draft.with(|draft| {
                        Timestamp::parse_rfc3339(&draft.expires_at).is_ok_and(|end| end <= now())
                    });
                    has_ended.then_some("That is past: the rule matches nothing.")
                }}
            </p>
            <Show when=move || is_allow.get()>
                <Field
                    label="May lead to private addresses"
                    value=self.resolves_to
                    hint="10.2.0.0/16; empty for public addresses only"
                    error=of("resolves_to")
                />
            </Show>
            <Show when=move || !is_allow.get()>
                <Check
                    label="For requests in clear only"
                    value=self.terminated_only
                    hint="With methods or a path: says that you know that it does not see into opaque connections."
                />
            </Show>
            <Field label="Name" value=self.name hint="Its id in files; empty for the host" error=of("name") />
            <Field label="Note" value=self.note hint="Why it is there" />
            <p class="hint wrong">{rest}</p>
        }
    }
}

/// When it ends, in the viewer's zone.
#[component]
fn Expiry(value: RwSignal<String>, #[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    let presets = [
        ("1 hour", 3_600.0),
        ("1 day", 86_400.0),
        ("1 week", 604_800.0),
        ("30 days", 2_592_000.0),
    ];
    let presets = presets
        .map(|(label, seconds)| {
            view! {
                <Button
                    label=label
                    on_click=move || value.set(to_input(&from_now(seconds)))
                    look=Look::Quiet
                    describe=format!("Ends in {label}")
                />
            }
        })
        .collect_view();
    view! {
        <Field
            label="Ends"
            value=value
            kind="datetime-local"
            hint="In your time zone; empty for never"
            error=error
        />
        <div class="actions" role="group" aria-label="Ends in">
            {presets}
            <Button
                label="Never"
                on_click=move || value.set(String::new())
                look=Look::Quiet
                describe="Never ends"
            />
        </div>
    }
}
