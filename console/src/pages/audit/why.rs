//! Why it was decided so: what the row says, and what the policy in force says of the same target.

use std::sync::Arc;

use leptos::prelude::*;

use super::list::Window;
use crate::api;
use crate::audit_words::{canonical, nearest, question, reason, verdict};
use crate::load::Load;
use crate::model::{AuditRow, Explanation, Matched, Overview};
use crate::parts::{Action, Outside, Shown, Tag};

/// Why.
#[component]
pub(super) fn Why(row: Arc<AuditRow>, window: Window) -> impl IntoView {
    let said = row.rejected_by.as_deref().and_then(reason);
    let near = row.nearest.as_ref().map(nearest);
    let is_summary = row.count > 1;
    view! {
        {said.map(|said| view! { <p>"Then: " {said}</p> })}
        {near.map(|near| view! { <p><Outside text=near /></p> })}
        {is_summary.then_some(view! { <p class="hint">"This row stands for several decisions; what is explained is their common part."</p> })}
        {match question(&row) {
            Some(question) => view! { <Explained row=row question=question window=window /> }.into_any(),
            None => view! { <p class="hint">"There was no target that could be decided on again."</p> }.into_any(),
        }}
    }
}

/// What the collector explains.
#[component]
fn Explained(row: Arc<AuditRow>, question: serde_json::Value, window: Window) -> impl IntoView {
    let load = Load::new(move || {
        let question = question.clone();
        async move { api::post::<Explanation>("/egress/explain", &question).await }
    });
    let resource = row.resource.clone();
    let now = Load::new(move || {
        let resource = resource.clone();
        async move {
            let kind = if resource.kind.is_empty() {
                "tenant"
            } else {
                &resource.kind
            };
            let path = format!("/egress/overview?resource_type={kind}&q={}&limit=200", resource.id);
            let rows = api::list::<Overview>(&path).await?.rows;
            Ok(rows
                .into_iter()
                .find(|row| row.resource == resource)
                .and_then(|row| row.revision))
        }
    });
    Effect::new(move |_| {
        load.map(|_| ());
        now.map(|_| ());
        window.measure_soon();
    });
    let then = row.revision;
    let policy = move || match (then, now.ready().flatten()) {
        (Some(then), Some(now)) if then == now => {
            format!("Explained by revision {now}, which was in force then and is now.")
        }
        (Some(then), Some(now)) => {
            format!("Explained by the policy in force now, revision {now}; then it was revision {then}.")
        }
        (Some(then), None) => format!("Explained by the policy in force now; then it was revision {then}."),
        (None, _) => "Explained by the policy in force now; then the proxy had none.".to_owned(),
    };
    let (action, would_reject) = (row.action.clone(), row.would_reject);
    view! {
        <Shown load=load let:explanation>
            <p class="hint">{policy}</p>
            {
                let action = action.clone();
                move || {
                    let explanation = explanation.get();
                    let differs = explanation.would_reject != would_reject || explanation.action != action;
                    view! { <Answer explanation=explanation differs=differs /> }
                }
            }
        </Shown>
    }
}

/// An explanation.
#[component]
fn Answer(explanation: Explanation, differs: bool) -> impl IntoView {
    let form = canonical(&explanation.canonical);
    let sentence = verdict(&explanation);
    let near = explanation.nearest.as_ref().map(nearest);
    let matches = explanation.matches;
    view! {
        <p>
            <Action action=explanation.action would_reject=explanation.would_reject />
            " "
            <Outside text=sentence />
            {differs.then(|| view! { " " <Tag text="not as it was decided then" tone="warn" /> })}
        </p>
        {near.map(|near| view! { <p><Outside text=near /></p> })}
        {form.map(|form| view! { <p>"Decided on: " <code><Outside text=form /></code></p> })}
        {if matches.is_empty() {
            view! { <p class="hint">"No rule matches it."</p> }.into_any()
        } else {
            view! { <Matches matches=matches /> }.into_any()
        }}
    }
}

/// The rules that matched, the one that won first.
#[component]
fn Matches(matches: Vec<Matched>) -> impl IntoView {
    let line = |found: Matched| {
        view! {
            <tr>
                <th scope="row">
                    <Outside text=found.rule_id />
                </th>
                <td>{found.effect}</td>
                <td>{found.scope}</td>
                <td>
                    {found.won.then(|| view! { <Tag text="decides" tone="info" /> " " })}
                    <Outside text=found.why />
                </td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Rules that match">
            <table>
                <caption class="visually-hidden">"Rules that match, in the order of their weight"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Rule"</th>
                        <th scope="col">"Effect"</th>
                        <th scope="col">"Scope"</th>
                        <th scope="col">"Why it wins or not"</th>
                    </tr>
                </thead>
                <tbody>{matches.into_iter().map(line).collect_view()}</tbody>
            </table>
        </div>
    }
}
