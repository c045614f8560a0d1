//! What is filtered by, each with a way to take it away, and the view as a file.

use leptos::prelude::*;

use super::view::View;
use crate::api;
use crate::audit_filter::{Filter, Member, SPANS};
use crate::clock::{self, Style};
use crate::parts::{Button, Look, Outside};
use crate::text::visible;

/// A value as people read it.
pub(super) fn shown(member: Member, value: &str) -> String {
    match member {
        Member::Since if SPANS.contains(&value) => format!("the last {value}"),
        Member::Since | Member::Until => clock::local(value, Style::Full),
        Member::WouldReject => match value {
            "true" => "yes".to_owned(),
            "false" => "no".to_owned(),
            other => other.to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// The filters, one by one.
#[component]
pub(super) fn Chips(view: View) -> impl IntoView {
    move || {
        let filter = view.filter.get();
        if filter.is_empty() {
            return view! { <p class="hint">"All decisions, the newest first"</p> }.into_any();
        }
        let chips = filter
            .iter()
            .map(|(member, value)| {
                let (without, value) = (filter.without(member), shown(member, value));
                let remove = format!("Without {} {}", member.label(), visible(&value));
                view! {
                    <li class="chip">
                        <span class="chip-name">{member.label()}</span>
                        <Outside text=value />
                        <button
                            type="button"
                            class="button button-quiet"
                            aria-label=remove
                            on:click=move |_| view.show(&without)
                        >
                            "✕"
                        </button>
                    </li>
                }
            })
            .collect_view();
        view! {
            <ul class="chips" aria-label="Filtered by">
                {chips}
                <li>
                    <Button
                        label="Clear"
                        describe="Clear the filters"
                        look=Look::Quiet
                        on_click=move || view.show(&Filter::default())
                    />
                </li>
            </ul>
        }
        .into_any()
    }
}

/// The view as a file.
#[component]
pub(super) fn Exports(view: View) -> impl IntoView {
    let link = move |format: &'static str, name: &'static str, label: &'static str| {
        let place = move || {
            view.filter
                .with(|filter| api::url(&format!("/egress/audit/export?{}", filter.export(format))))
        };
        view! {
            <a class="button" href=place download=name rel="external">
                {label}
            </a>
        }
    };
    view! {
        {link("csv", "audit.csv", "Export CSV")}
        {link("jsonl", "audit.jsonl", "Export JSON Lines")}
    }
}
