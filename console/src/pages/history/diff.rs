//! What is different between two revisions.

use leptos::prelude::*;

use crate::api;
use crate::app::Workload;
use crate::clock::{Style, local};
use crate::difference::{Change, Changed, Difference};
use crate::load::Load;
use crate::model::{RevisionDocument, Rule};
use crate::parts::{Outside, Shown, Tag};
use crate::text::counted;

/// How many rules of a kind are shown.
const SHOWN: usize = 200;

/// From one revision, or from nothing, to another.
#[component]
pub(super) fn Diff(workload: Workload, from: Option<i64>, to: i64) -> impl IntoView {
    let id = Memo::new(move |_| workload.policy().map(|policy| policy.id));
    let difference = Load::new(move || {
        let id = id.get();
        async move {
            let Some(id) = id else { return Ok(None) };
            let document = async |number: i64| {
                api::get::<RevisionDocument>(&format!("/egress/policies/{id}/revisions/{number}")).await
            };
            let before = match from {
                Some(number) => document(number).await?,
                None => RevisionDocument::default(),
            };
            Ok(Some(Difference::of(&before, &document(to).await?)))
        }
    });
    let heading = match from {
        Some(from) => format!("From revision {from} to {to}"),
        None => format!("Revision {to}, the first"),
    };
    view! {
        <section class="panel">
            <h3>{heading}</h3>
            <Shown
                load=difference
                children=move |difference| {
                    move || difference.get().map(|difference| view! { <Differences difference=difference /> })
                }
            />
        </section>
    }
}

/// All of a difference.
#[component]
pub(super) fn Differences(difference: Difference) -> impl IntoView {
    if difference.is_empty() {
        return view! { <p>"Nothing is different."</p> }.into_any();
    }
    let Difference {
        policy,
        added,
        removed,
        changed,
        is_reordered,
    } = difference;
    let kinds = [(added, "added", "good", "+"), (removed, "removed", "bad", "−")];
    let kinds = kinds
        .into_iter()
        .map(|(rules, word, tone, sign)| view! { <Rules rules=rules word=word tone=tone sign=sign /> })
        .collect_view();
    view! {
        <ul class="diff">{policy.into_iter().map(|change| view! { <Member change=change /> }).collect_view()}</ul>
        {kinds}
        <ChangedRules changed=changed />
        {is_reordered.then(|| view! { <p>"Rules that are in both stand in another order."</p> })}
    }
    .into_any()
}

#[component]
fn Rules(rules: Vec<Rule>, word: &'static str, tone: &'static str, sign: &'static str) -> impl IntoView {
    let count = rules.len() as u64;
    let left = rules.len().saturating_sub(SHOWN);
    let lines = rules
        .into_iter()
        .take(SHOWN)
        .map(|rule| {
            view! {
                <li>
                    <span class="diff-sign" aria-hidden="true">
                        {sign}
                    </span>
                    <Tag text=word tone=tone />
                    " "
                    <code>
                        <Outside text=in_a_line(&rule) />
                    </code>
                </li>
            }
        })
        .collect_view();
    (count > 0).then(|| {
        view! {
            <p class="diff-head">{format!("{} {word}", counted(count, "rule", "rules"))}</p>
            <ul class="diff">{lines}</ul>
            {(left > 0).then(|| view! { <p class="hint">{format!("and {left} more")}</p> })}
        }
    })
}

#[component]
fn ChangedRules(changed: Vec<Changed>) -> impl IntoView {
    let count = changed.len() as u64;
    let left = changed.len().saturating_sub(SHOWN);
    let lines = changed
        .into_iter()
        .take(SHOWN)
        .map(|Changed { rule, members }| {
            let members = members
                .into_iter()
                .map(|change| view! { <Member change=change /> })
                .collect_view();
            view! {
                <li>
                    <span class="diff-sign" aria-hidden="true">
                        "~"
                    </span>
                    <Tag text="changed" tone="info" />
                    " "
                    <code>
                        <Outside text=format!("{} {}", rule.effect, rule.host) />
                    </code>
                    <ul class="diff-members">{members}</ul>
                </li>
            }
        })
        .collect_view();
    (count > 0).then(|| {
        view! {
            <p class="diff-head">{format!("{} changed", counted(count, "rule", "rules"))}</p>
            <ul class="diff">{lines}</ul>
            {(left > 0).then(|| view! { <p class="hint">{format!("and {left} more")}</p> })}
        }
    })
}

#[component]
fn Member(change: Change) -> impl IntoView {
    let Change { member, from, to } = change;
    let side = |text: String| {
        let text = if member == "expires_at" {
            local(&text, Style::Short)
        } else {
            text
        };
        if text.is_empty() {
            view! { <span class="hint">"nothing"</span> }.into_any()
        } else {
            view! {
                <code>
                    <Outside text=text />
                </code>
            }
            .into_any()
        }
    };
    view! { <li><span class="rule-what">{member}</span> ": " {side(from)} " → " {side(to)}</li> }
}

/// A rule in a line.
fn in_a_line(rule: &Rule) -> String {
    let list = |what: &str, items: Vec<String>| (!items.is_empty()).then(|| format!("{what} {}", items.join(", ")));
    let parts = [
        Some(format!("{} {}", rule.effect, rule.host)),
        rule.warn_only.then(|| "warn only".to_owned()),
        list("ports", rule.ports.iter().map(ToString::to_string).collect()),
        list("methods", rule.methods.clone()),
        rule.path_glob.as_ref().map(|path| format!("path {path}")),
        rule.expires_at
            .as_ref()
            .map(|at| format!("until {}", local(at, Style::Short))),
        list("may lead to", rule.resolves_to.clone()),
        rule.note
            .as_ref()
            .filter(|note| !note.is_empty())
            .map(|note| format!("({note})")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
