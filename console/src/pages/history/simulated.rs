//! What a policy would have done with what was seen.

use leptos::prelude::*;

use crate::api;
use crate::load::Load;
use crate::model::{Affected, Resource, RevisionDocument, Rule, Simulation};
use crate::parts::{Action, Moment, Outside, Shown, Tag};
use crate::text::{counted, grouped};

/// How many destinations are shown.
const SHOWN: usize = 50;

/// Asks what a revision would do if it were enforced now.
pub(super) fn simulate(resource: Memo<Resource>, document: RevisionDocument) -> Load<Simulation> {
    Load::new(move || {
        let rules: Vec<_> = crate::difference::rules(&document).iter().map(Rule::document).collect();
        let resource = resource.get();
        let policy = serde_json::json!({
            "mode": document.mode, "default_effect": document.default_effect, "rules": rules,
        });
        let mut question = serde_json::json!({"policy": policy, "resource_type": resource.kind});
        if !resource.is_tenant() {
            question["resource_id"] = serde_json::json!(resource.id);
        }
        async move { api::post::<Simulation>("/egress/simulate", &question).await }
    })
}

/// The sums, and what would not simply pass.
#[component]
pub(super) fn Simulated(load: Load<Simulation>) -> impl IntoView {
    view! {
        <section aria-label="Simulation">
            <h3>"Enforced, against the last 7 days"</h3>
            <Shown load=load children=move |simulation| move || view! { <Sums simulation=simulation.get() /> } />
        </section>
    }
}

#[component]
fn Sums(simulation: Simulation) -> impl IntoView {
    let Simulation {
        totals,
        destinations,
        breaks,
        ..
    } = simulation;
    let requests = |number| counted(number, "request", "requests");
    let sums = [
        (totals.allowed, "good", "would pass"),
        (totals.warned, "warn", "would pass with a warning"),
        (totals.rejected, "bad", "would be rejected"),
        (totals.uncertain, "plain", "of them cannot be told for sure"),
    ];
    let sums = sums
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, tone, what)| {
            view! { <li><Tag text=requests(number) tone=tone /> " " {what}</li> }
        })
        .collect_view();
    let left = destinations.len().saturating_sub(SHOWN);
    let broken = breaks.len() as u64;
    let is_empty = destinations.is_empty();
    let rows = destinations
        .into_iter()
        .take(SHOWN)
        .map(|affected| view! { <Row affected=affected /> })
        .collect_view();
    view! {
        <ul class="preview-sums">{sums}</ul>
        {(totals.requests == 0).then(|| view! { <p class="hint">"Nothing was recorded, so nothing can be said."</p> })}
        {(broken > 0)
            .then(|| {
                view! {
                    <p class="wrong">
                        {format!(
                            "{} would be rejected that pass today and were used in the last day.",
                            counted(broken, "destination", "destinations"),
                        )}
                    </p>
                }
            })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="scroll preview-rows" tabindex="0" role="region" aria-label="What would not simply pass">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Destination"</th>
                                    <th scope="col" class="number">
                                        "Requests"
                                    </th>
                                    <th scope="col">"Would be"</th>
                                    <th scope="col">"Last"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        {(left > 0).then(|| view! { <p class="hint">{format!("and {} more", grouped(left as u64))}</p> })}
    }
}

#[component]
fn Row(affected: Affected) -> impl IntoView {
    let port = affected.port.map_or_else(|| ":*".to_owned(), |port| format!(":{port}"));
    let by = affected.rejected_by.or(affected.rule_id).unwrap_or_default();
    view! {
        <tr>
            <th scope="row">
                <code>
                    <Outside text=format!("{}{port}", affected.host) />
                </code>
            </th>
            <td class="number">{grouped(affected.count)}</td>
            <td>
                <Action action=affected.action />
                <span class="hint">" by " <Outside text=by /> {affected.allowed_today.then_some(", passes today")}</span>
            </td>
            <td>
                <Moment at=affected.last_seen />
            </td>
        </tr>
    }
}
