//! Rules in the order in which they decide, with search, filter and what can be done with each.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::query_signal_with_options;
use serde_json::json;

use super::desk::{Desk, Editing, now};
use super::facts::Facts;
use crate::api;
use crate::listing::{Kind, found};
use crate::model::{Policy, Rule};
use crate::parts::{Button, Choice, Empty, Field, Look};
use crate::text::counted;

/// How many are shown before somebody asks for more.
const STEP: usize = 100;

/// The own rules.
#[component]
pub(super) fn RuleList(desk: Desk, rules: Memo<Vec<Rule>>) -> impl IntoView {
    let (part, kind) = (kept_in_query("q"), kept_in_query("show"));
    let shown = Memo::new(move |_| rules.with(|rules| found(rules, Kind::of(&kind.get()), &part.get(), now())));
    let options = || {
        [
            ("", "all"),
            ("allow", "allow"),
            ("deny", "deny"),
            ("warn", "warn only"),
            ("expired", "expired"),
        ]
        .map(|(word, shown)| (word.to_owned(), shown.to_owned()))
        .to_vec()
    };
    let most = RwSignal::new(STEP);
    let visible = move || shown.with(|shown| first(shown, most.get()));
    let count = move || {
        let (all, some) = (rules.with(Vec::len) as u64, shown.with(Vec::len) as u64);
        if all == some {
            counted(all, "rule", "rules")
        } else {
            format!("{} of {}", some, counted(all, "rule", "rules"))
        }
    };
    let everything = move || {
        part.set(String::new());
        kind.set(String::new());
    };
    view! {
        <div class="bar">
            <div class="grow">
                <Field label="Search host, path, name, note or id" value=part kind="search" />
            </div>
            <Choice label="Show" value=kind options=options() />
        </div>
        <p class="hint" role="status">
            {count}
            ", in the order in which they decide: denies first, then the most specific allow."
        </p>
        <Show
            when=move || !shown.with(Vec::is_empty)
            fallback=move || {
                view! {
                    <Empty what="No rule fits">
                        <Button label="Show all" on_click=everything />
                    </Empty>
                }
            }
        >
            <ol class="rules">
                <For each=visible key=Clone::clone let:rule>
                    <Row desk=desk rule=rule />
                </For>
            </ol>
            <More most=most total=Signal::derive(move || shown.with(Vec::len)) />
        </Show>
    }
}

/// Rules to be looked at only.
#[component]
pub(super) fn Plain(rules: Memo<Vec<Rule>>) -> impl IntoView {
    let most = RwSignal::new(STEP);
    let shown = Memo::new(move |_| rules.with(|rules| found(rules, Kind::All, "", now())));
    let visible = move || shown.with(|shown| first(shown, most.get()));
    view! {
        <ol class="rules">
            <For each=visible key=Clone::clone let:rule>
                <li class="rule">
                    <div class="rule-says">
                        <Facts rule=rule />
                    </div>
                </li>
            </For>
        </ol>
        <More most=most total=Signal::derive(move || shown.with(Vec::len)) />
    }
}

fn first(rules: &[Rule], most: usize) -> Vec<Rule> {
    rules.iter().take(most).cloned().collect()
}

/// More of a long list.
#[component]
fn More(most: RwSignal<usize>, total: Signal<usize>) -> impl IntoView {
    let left = move || total.get().saturating_sub(most.get());
    view! {
        <Show when=move || left() != 0>
            <p>
                <Button
                    label=Signal::derive(move || format!("Show more ({} left)", left()))
                    on_click=move || most.update(|most| *most += STEP * 5)
                />
            </p>
        </Show>
    }
}

/// One rule and what can be done with it.
#[component]
fn Row(desk: Desk, rule: Rule) -> impl IntoView {
    let busy = RwSignal::new(false);
    let about = |what: &str| format!("{what}: {} {}", rule.effect, crate::text::visible(&rule.host));
    let (edited, removed, turned) = (rule.clone(), rule.clone(), rule.clone());
    let trial = (rule.effect == "allow").then(|| {
        let (label, next) = if rule.warn_only {
            ("Allow without warning", false)
        } else {
            ("Make warn only", true)
        };
        view! {
            <Button
                label=label
                on_click=move || warn_only(desk, &turned, next, busy)
                look=Look::Quiet
                operates=true
                disabled=desk.barred
                busy=busy
                describe=about(label)
            />
        }
    });
    view! {
        <li class="rule">
            <div class="rule-says">
                <Facts rule=rule.clone() />
            </div>
            <div class="actions">
                <Button
                    label="Edit"
                    on_click=move || desk.edit(Editing::Rule(edited.clone()))
                    operates=true
                    disabled=desk.barred
                    describe=about("Edit")
                />
                {trial}
                <Button
                    label="Remove"
                    on_click=move || desk.remove(removed.clone())
                    look=Look::Danger
                    operates=true
                    disabled=desk.barred
                    describe=about("Remove")
                />
            </div>
        </li>
    }
}

fn warn_only(desk: Desk, rule: &Rule, is: bool, busy: RwSignal<bool>) {
    let Some(policy) = desk.own() else { return };
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|one| {
            if one.id == rule.id {
                Rule {
                    warn_only: is,
                    ..one.clone()
                }
                .document()
            } else {
                one.document()
            }
        })
        .collect();
    let body = json!({"rules": rules, "expected_revision": policy.revision});
    let said = if is {
        format!("{} passes with a warning now", rule.host)
    } else {
        format!("{} passes without a warning now", rule.host)
    };
    busy.set(true);
    spawn_local(async move {
        match api::patch::<Policy>(&format!("/egress/policies/{}", policy.id), &body).await {
            Ok(policy) => {
                desk.say(&said);
                desk.warnings.set(policy.warnings.clone());
                desk.workload.changed(policy);
            }
            Err(error) => desk.failed(&error),
        }
        // The row may have gone with the change.
        let _ = busy.try_set(false);
    });
}

/// A text that the address bar keeps.
fn kept_in_query(key: &'static str) -> RwSignal<String> {
    let options = NavigateOptions {
        replace: true,
        scroll: false,
        ..NavigateOptions::default()
    };
    let (kept, keep) = query_signal_with_options::<String>(key, options);
    let text = RwSignal::new(kept.get_untracked().unwrap_or_default());
    Effect::new(move |_| {
        let new = Some(text.get()).filter(|text| !text.is_empty());
        if kept.get_untracked() != new {
            keep.set(new);
        }
    });
    text
}
