//! Locking down: what the list would do to what was seen, a confirmation, and until it is in force.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::affected::Affected;
use super::in_force::InForce;
use super::looking::Looking;
use super::rules::Rules;
use crate::api::{self, ApiError};
use crate::app::Workload;
use crate::load::{Load, State};
use crate::model::{ListToApply, Policy, Resource, Rule, Simulation};
use crate::narrow::Narrow;
use crate::parts::{Button, Check, Field, Look, Moment, Outside, Shown};
use crate::plan::Plan;
use crate::session::Visitor;
use crate::text::{counted, grouped};
use crate::ticks::Ticks;

/// What is in the sheet: the plan, or what was applied.
#[component]
pub(super) fn Sheet(looking: Looking, open: RwSignal<bool>) -> impl IntoView {
    let applied = RwSignal::new(None::<Policy>);
    move || match applied.get() {
        Some(policy) => view! { <Applied looking=looking policy=policy open=open /> }.into_any(),
        None => view! { <Planned looking=looking applied=applied open=open /> }.into_any(),
    }
}

/// The list, tried on what was seen.
#[component]
fn Planned(looking: Looking, applied: RwSignal<Option<Policy>>, open: RwSignal<bool>) -> impl IntoView {
    let plan = Load::<Arc<Plan>>::new(move || {
        let resource = looking.resource();
        let since = looking.narrow.get_untracked().since;
        let question = looking.ticks.get_untracked().question(&resource, &since);
        // What was needed this week is asked for next week too.
        let back = if since == "24h" { "7d".to_owned() } else { since };
        async move {
            let list = match looking.has_traffic() {
                true => api::post("/egress/audit/suggestions/policy", &question).await?,
                false => own(&resource).await?,
            };
            let trial = match resource.kind.as_str() {
                "template" => Simulation::default(),
                _ => api::post("/egress/simulate", &Plan::simulation(&list, &resource, &back)).await?,
            };
            Ok(Arc::new(Plan { list, trial }))
        }
    });
    let failed = RwSignal::new(None::<String>);
    let has_gone = move || match plan.state() {
        State::Failed(error) => error.status == 422 && !looking.ticks.with(Ticks::is_as_recommended),
        _ => false,
    };
    view! {
        <p>
            {if looking.has_traffic() {
                format!(
                    "What no rule of the list allows will be rejected. The list: the rules there are, and what is ticked of {}.",
                    looking.narrow.with_untracked(Narrow::window),
                )
            } else {
                "What no rule of the list allows will be rejected. The list: the rules there are.".to_owned()
            }}
        </p>
        <div role="alert">
            {move || {
                failed
                    .get()
                    .map(|text| {
                        view! {
                            <p class="sheet-wrong">
                                <Outside text=text />
                            </p>
                        }
                    })
            }}
        </div>
        <Show when=move || matches!(plan.state(), State::Loading)>
            <p class="hint">"Making the list, and trying it on what was seen…"</p>
        </Show>
        <Shown load=plan let:ready>
            {move || {
                view! { <Decide looking=looking plan=ready.get() load=plan failed=failed applied=applied open=open /> }
            }}
        </Shown>
        <Show when=has_gone>
            <p class="actions">
                <Button
                    label="Go on as recommended"
                    on_click=move || {
                        looking.ticks.set(Ticks::default());
                        plan.reload();
                    }
                />
            </p>
        </Show>
    }
}

/// The rules of what has no traffic of its own.
async fn own(resource: &Resource) -> Result<ListToApply, ApiError> {
    let found = api::list::<Policy>(&format!("/egress/policies?{}", resource.query())).await?;
    let policy = found.rows.into_iter().next().unwrap_or_default();
    Ok(ListToApply {
        mode: policy.mode,
        default_effect: policy.default_effect,
        rules: policy.rules.iter().map(Rule::document).collect(),
        added: 0,
        expected_revision: Some(policy.revision),
    })
}

/// What it would do, and whether it is to be.
#[component]
fn Decide(
    looking: Looking,
    plan: Arc<Plan>,
    load: Load<Arc<Plan>>,
    failed: RwSignal<Option<String>>,
    applied: RwSignal<Option<Policy>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let (workload, visitor) = (Workload::get(), Visitor::get());
    let (note, seen, busy) = (RwSignal::new(String::new()), RwSignal::new(false), RwSignal::new(false));
    let breaks = plan.breaks().count() as u64;
    let stored = StoredValue::new(Arc::clone(&plan));
    let apply = move |mode: Option<&'static str>| {
        let Some(policy) = workload.policy.ready().flatten() else {
            return;
        };
        let change = stored.with_value(|plan| plan.change(mode, &note.get_untracked()));
        busy.set(true);
        failed.set(None);
        spawn_local(async move {
            match api::patch::<Policy>(&format!("/egress/policies/{}", policy.id), &change).await {
                Ok(policy) => {
                    workload.changed(policy.clone());
                    let _ = applied.try_set(Some(policy));
                }
                Err(error) if error.is_unauthenticated() => visitor.left(),
                Err(error) if error.is_stale() => {
                    let text = "Somebody else changed the policy meanwhile, so nothing was applied. \
                                This is the list as it is now: please look at it once more.";
                    let _ = failed.try_set(Some(text.to_owned()));
                    workload.policy.reload();
                    load.reload();
                }
                Err(error) => {
                    let _ = failed.try_set(Some(error.message));
                }
            }
            let _ = busy.try_set(false);
        });
    };
    let enforces = move || workload.policy().is_some_and(|policy| policy.mode == "enforce");
    let is_unknown = move || workload.policy().is_none();
    let barred = move || looking.resource().is_tenant() && !visitor.operates_tenant();
    view! {
        <Sums plan=Arc::clone(&plan) resource=looking.resource() />
        <Affected
            rows=plan.breaks().cloned().collect()
            title="Would be rejected, and was seen in the last day"
            breaks=true
            open=true
        />
        <Affected rows=plan.rejected().into_iter().cloned().collect() title="Would be rejected, not seen in the last day or rejected today" />
        <Affected rows=plan.warned().into_iter().cloned().collect() title="Would pass on trial" />
        <Rules plan=Arc::clone(&plan) />
        <div class="sheet-foot">
            <Field label="Note" value=note hint="Why, for the history" />
            {(breaks > 0)
                .then(|| {
                    view! {
                        <Check
                            label="I have seen what would be rejected"
                            value=seen
                            hint=counted(
                                breaks,
                                "destination of the last day will not be reached any more",
                                "destinations of the last day will not be reached any more",
                            )
                        />
                    }
                })}
            <p class="actions">
                <Button
                    label=Signal::derive(move || {
                        if enforces() { "Apply the list" } else { "Lock down" }.to_owned()
                    })
                    look=Look::Primary
                    operates=true
                    busy=busy
                    disabled=Signal::derive(move || is_unknown() || barred() || (breaks > 0 && !seen.get()))
                    on_click=move || apply(Some("enforce"))
                />
                <Show when=move || looking.has_traffic() && !enforces()>
                    <Button
                        label="Apply the list, keep observing"
                        operates=true
                        busy=busy
                        disabled=Signal::derive(is_unknown)
                        on_click=move || apply(None)
                    />
                </Show>
                <Button label="Cancel" on_click=move || open.set(false) />
            </p>
        </div>
    }
}

/// The sums, and what is easily overlooked.
#[component]
fn Sums(plan: Arc<Plan>, resource: Resource) -> impl IntoView {
    let totals = plan.trial.totals;
    let (rules, added) = (plan.list.rules.len() as u64, plan.list.added);
    let breaks = plan.breaks().count();
    let figures = [
        ("requests", totals.requests),
        ("pass", totals.allowed),
        ("pass on trial", totals.warned),
        ("rejected", totals.rejected),
        ("uncertain", totals.uncertain),
    ];
    let figures = figures
        .into_iter()
        .filter(|(what, number)| *number > 0 || matches!(*what, "requests" | "rejected"));
    let figures = figures.map(|(what, number)| {
        view! {
            <div>
                <dt>{what}</dt>
                <dd>{grouped(number)}</dd>
            </div>
        }
    });
    let tried = totals.requests > 0;
    let fine = (tried && breaks == 0).then(|| {
        let all = plan.trial.totals.rejected == 0;
        view! {
            <p class="sheet-fine">
                {if all {
                    "Nothing that was seen would be rejected."
                } else {
                    "Nothing that passes today and was seen in the last day would be rejected."
                }}
            </p>
        }
    });
    let untried = (!tried).then(|| {
        view! {
            <p class="sheet-care">
                {if resource.kind == "template" {
                    "There is no traffic to try it on: look at the rules."
                } else {
                    "Nothing was seen to try it on. What is asked for later and not listed will be rejected."
                }}
            </p>
        }
    });
    let empty = (rules == 0 && plan.list.default_effect != "allow").then(|| {
        view! { <p class="sheet-care">"The list is empty: everything would be rejected."</p> }
    });
    let open = (plan.list.default_effect == "allow").then(|| {
        view! {
            <p class="sheet-care">
                "The default effect of this policy is allow: what no rule denies passes when it is locked down too."
            </p>
        }
    });
    view! {
        <p>
            {counted(rules, "rule", "rules")} ", " {grouped(added)} " of them new."
            {tried
                .then(|| {
                    view! {
                        " Tried on what was seen since "
                        <Moment at=plan.trial.since.clone() />
                        ":"
                    }
                })}
        </p>
        {tried.then(|| view! { <dl class="sums">{figures.collect_view()}</dl> })}
        {fine} {untried} {empty} {open}
    }
}

/// What was done, and until every proxy has it.
#[component]
fn Applied(looking: Looking, policy: Policy, open: RwSignal<bool>) -> impl IntoView {
    let locked = policy.mode == "enforce";
    let text = if locked {
        "Locked down: what no rule of the list allows is rejected from now on, and waits among what is pending."
    } else {
        "The list is applied; everything passes still, and what the list would reject is recorded as such."
    };
    let pending = format!("/pending?{}", looking.resource().query());
    view! {
        <p class="sheet-fine">{text}</p>
        <InForce resource=looking.resource() revision=policy.revision />
        <p class="actions">
            <Button label="Done" look=Look::Primary on_click=move || open.set(false) />
            {locked.then(|| view! { <a class="button" href=pending>"What is pending"</a> })}
        </p>
    }
}
