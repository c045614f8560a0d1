//! Taking a rule away, after a look at what that does.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::desk::Desk;
use super::facts::Facts;
use super::judged::Judged;
use crate::api;
use crate::model::Rule;
use crate::parts::{Button, Dialog, Look};
use crate::preview::Edit;

/// The question, while there is one.
#[component]
pub(super) fn RemovalDialog(desk: Desk) -> impl IntoView {
    view! {
        <Dialog open=desk.removal title="Remove this rule?" wide=true>
            {move || desk.removing.get().map(|rule| view! { <Removal desk=desk rule=rule /> })}
        </Dialog>
    }
}

#[component]
fn Removal(desk: Desk, rule: Rule) -> impl IntoView {
    let busy = RwSignal::new(false);
    let edit = Edit::Remove(rule.id.clone());
    let (id, host) = (rule.id.clone(), rule.host.clone());
    let remove = move || {
        let (id, host) = (id.clone(), host.clone());
        busy.set(true);
        spawn_local(async move {
            match api::delete(&format!("/egress/allowlist/{id}")).await {
                Ok(()) => {
                    desk.say(&format!("The rule for {host} was removed"));
                    desk.removal.set(false);
                    desk.workload.policy.reload();
                    desk.workload.overview.reload();
                }
                Err(error) => desk.failed(&error),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <div class="rule-says">
            <Facts rule=rule />
        </div>
        <Judged desk=desk edit=Signal::stored(Some(edit)) />
        <p class="actions">
            <Button
                label="Remove"
                on_click=remove
                look=Look::Danger
                operates=true
                disabled=desk.barred
                busy=busy
            />
            <Button label="Cancel" on_click=move || desk.removal.set(false) />
        </p>
    }
}
