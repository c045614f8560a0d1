//! What a policy said before: who changed what, going back, and taking it elsewhere as a file or a clone.

mod clone;
mod diff;
mod file;
mod revisions;
mod rollback;
mod simulated;
mod spread;

use leptos::prelude::*;

use crate::api;
use crate::app::Workload;
use crate::load::Load;
use crate::model::Revision;
use crate::parts::{Empty, Shown};

/// History.
#[component]
pub(crate) fn History() -> impl IntoView {
    let workload = Workload::get();
    let of = Memo::new(move |_| workload.policy().map(|policy| (policy.id, policy.revision)));
    let rows = Load::new(move || {
        // A new revision is a new list.
        let of = of.get();
        async move {
            match of {
                Some((id, _)) => Ok(api::list::<Revision>(&format!("/egress/policies/{id}/revisions"))
                    .await?
                    .rows),
                None => Ok(Vec::new()),
            }
        }
    });
    let back = rollback::Going::new();
    view! {
        <section>
            <div class="rules-head">
                <h2>"History"</h2>
                <div class="actions">
                    <file::Export workload=workload />
                    <file::Apply workload=workload />
                    <clone::CloneTo workload=workload />
                </div>
            </div>
            <Shown
                load=workload.policy
                children=move |_| {
                    view! {
                        <Shown
                            load=rows
                            children=move |rows| {
                                move || {
                                    if rows.with(Vec::is_empty) {
                                        view! {
                                            <Empty what="No revision yet">
                                                "Every change of the policy makes one: a rule, a lockdown, an applied file."
                                            </Empty>
                                        }
                                            .into_any()
                                    } else {
                                        view! { <revisions::Revisions workload=workload rows=rows back=back /> }
                                            .into_any()
                                    }
                                }
                            }
                        />
                    }
                }
            />
        </section>
        <rollback::RollbackDialog workload=workload going=back />
    }
}
