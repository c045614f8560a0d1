//! What is probably not meant in the policy as it would be, by the collector.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::desk::Desk;
use super::settled::settled;
use crate::api;
use crate::draft::{Draft, THIS_RULE};
use crate::load::Load;
use crate::model::{Finding, Rule};
use crate::parts::{Outside, Shown, Tag};

/// How long somebody has to pause, in milliseconds.
const PAUSE: u32 = 400;

/// Findings of the whole candidate, those of the rule in question first.
#[component]
pub(super) fn Lint(desk: Desk, draft: Memo<Draft>, replaces: Option<String>) -> impl IntoView {
    let candidate = Memo::new(move |_| {
        let draft = draft.get();
        draft.document().ok()?;
        let policy = desk.own()?;
        let body = draft.body(THIS_RULE);
        let mut rules: Vec<Value> = Vec::with_capacity(policy.rules.len() + 1);
        let mut is_in = false;
        for rule in &policy.rules {
            if Some(&rule.id) == replaces.as_ref() {
                rules.push(body.clone());
                is_in = true;
            } else {
                // Under ids, which no two rules share, and which every name can be found by.
                rules.push(
                    Rule {
                        name: rule.id.clone(),
                        ..rule.clone()
                    }
                    .document(),
                );
            }
        }
        if !is_in {
            rules.push(body);
        }
        Some(json!({"mode": policy.mode, "default_effect": policy.default_effect, "rules": rules}))
    });
    let candidate = settled(candidate, PAUSE);
    let resource = desk.workload.resource;
    let findings = Load::new(move || {
        let (candidate, resource) = (candidate.get(), resource.get());
        let names = untrack(|| desk.names());
        async move {
            let Some(policy) = candidate else { return Ok(None) };
            let mut question = json!({"policy": policy, "resource_type": resource.kind});
            if !resource.is_tenant() {
                question["resource_id"] = json!(resource.id);
            }
            let mut findings = api::ask::<Finding>("/egress/lint", &question).await?;
            for finding in &mut findings {
                let about = [finding.rule.clone(), finding.related.clone()].into_iter().flatten();
                finding.message = about.fold(std::mem::take(&mut finding.message), |text, id| {
                    text.replace(&id, &names.of(&id))
                });
            }
            findings.sort_by_key(|finding| (finding.rule.as_deref() != Some(THIS_RULE), finding.severity != "error"));
            Ok(Some(findings))
        }
    });
    view! {
        <section class="lint" aria-label="Lint">
            <h3>"Lint of the policy as it would be"</h3>
            <Shown
                load=findings
                children=move |findings| {
                    move || match findings.get() {
                        None => view! { <p class="hint">"Nothing to check yet."</p> }.into_any(),
                        Some(findings) if findings.is_empty() => {
                            view! { <p class="hint">"Nothing stands out."</p> }.into_any()
                        }
                        Some(findings) => {
                            let lines = findings
                                .into_iter()
                                .map(|finding| view! { <Line finding=finding /> })
                                .collect_view();
                            view! {
                                <div role="status">
                                    <ul>{lines}</ul>
                                </div>
                            }
                                .into_any()
                        }
                    }
                }
            />
        </section>
    }
}

/// A finding.
#[component]
pub(in crate::pages) fn Line(finding: Finding) -> impl IntoView {
    let tone = if finding.severity == "error" { "bad" } else { "warn" };
    let mine = finding.rule.as_deref() == Some(THIS_RULE);
    view! {
        <li class:lint-mine=mine>
            <Tag text=finding.severity tone=tone />
            " "
            <Outside text=finding.message />
        </li>
    }
}
