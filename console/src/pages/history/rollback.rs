//! Going back to an earlier revision, after a look at what that does.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use super::diff::Differences;
use super::simulated::{Simulated, simulate};
use crate::api::{self, ApiError};
use crate::app::Workload;
use crate::difference::Difference;
use crate::load::Load;
use crate::model::{Policy, RevisionDocument};
use crate::parts::{Button, Check, Dialog, Field, Look, Messages, Shown};

/// Where somebody wants to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Going {
    to: RwSignal<Option<i64>>,
    open: RwSignal<bool>,
}

impl Going {
    /// Nowhere yet.
    pub(super) fn new() -> Self {
        Self {
            to: RwSignal::new(None),
            open: RwSignal::new(false),
        }
    }

    /// Asks about a revision.
    pub(super) fn ask(self, revision: i64) {
        self.to.set(Some(revision));
        self.open.set(true);
    }
}

/// The question, while there is one.
#[component]
pub(super) fn RollbackDialog(workload: Workload, going: Going) -> impl IntoView {
    let title = move || format!("Roll back to revision {}?", going.to.get().unwrap_or_default());
    view! {
        <Dialog open=going.open title=Signal::derive(title) wide=true>
            {move || going.to.get().map(|to| view! { <Rollback workload=workload to=to open=going.open /> })}
        </Dialog>
    }
}

#[component]
fn Rollback(workload: Workload, to: i64, open: RwSignal<bool>) -> impl IntoView {
    let messages = Messages::get();
    let (with_mode, note, busy) = (RwSignal::new(false), RwSignal::new(String::new()), RwSignal::new(false));
    let now = Memo::new(move |_| workload.policy().map(|policy| (policy.id, policy.revision)));
    let documents = Load::new(move || {
        let now = now.get();
        async move {
            let Some((id, latest)) = now else { return Ok(None) };
            let document = async |number: i64| {
                api::get::<RevisionDocument>(&format!("/egress/policies/{id}/revisions/{number}")).await
            };
            Ok(Some((document(latest).await?, document(to).await?)))
        }
    });
    let go = move || {
        let Some(policy) = workload.policy() else { return };
        let body = json!({
            "revision": to, "with_mode": with_mode.get_untracked(), "expected_revision": policy.revision,
            "note": note.get_untracked().trim(),
        });
        busy.set(true);
        spawn_local(async move {
            match api::post::<Policy>(&format!("/egress/policies/{}/rollback", policy.id), &body).await {
                Ok(policy) => {
                    messages.say(format!("Back to revision {to}, as revision {}", policy.revision));
                    workload.changed(policy);
                    open.set(false);
                }
                Err(error) if error.is_stale() => {
                    workload.policy.reload();
                    messages.fail(&ApiError {
                        message: "Somebody else changed this policy meanwhile. What is shown was loaded anew: look at it, then try again."
                            .to_owned(),
                        ..error
                    });
                }
                Err(error) => messages.fail(&error),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <Shown
            load=documents
            children=move |documents| {
                move || {
                    documents
                        .get()
                        .map(|(latest, target)| {
                            let mut difference = Difference::of(&latest, &target);
                            let mode = target.mode.clone();
                            let keeps = latest.mode.clone();
                            if !with_mode.get() {
                                difference.policy.retain(|change| change.member != "mode");
                            }
                            view! {
                                <p>
                                    {if keeps == mode {
                                        format!("The mode is {mode} then as now.")
                                    } else {
                                        format!("The mode stays {keeps}, unless you take that of then, {mode}, too.")
                                    }}
                                </p>
                                <Differences difference=difference />
                            }
                        })
                }
            }
        />
        <Shown
            load=documents
            children=move |documents| {
                move || {
                    documents
                        .get()
                        .map(|(_, target)| {
                            let load = simulate(workload.resource, target);
                            view! { <Simulated load=load /> }
                        })
                }
            }
        />
        <Check
            label="Also the mode"
            value=with_mode
            hint="Without it only rules and default go back: what is locked down stays locked down."
        />
        <Field label="Note" value=note hint="Why, for the history" />
        <p class="actions">
            <Button label="Roll back" on_click=go look=Look::Danger operates=true busy=busy />
            <Button label="Cancel" on_click=move || open.set(false) />
        </p>
    }
}
