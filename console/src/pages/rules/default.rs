//! What becomes of what no rule names.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use super::desk::Desk;
use crate::api;
use crate::model::Policy;
use crate::parts::{Button, Dialog, Look, Mode, Tag};

/// Mode and default effect, and changing the latter.
#[component]
pub(super) fn DefaultEffect(desk: Desk, policy: Signal<Option<Policy>>) -> impl IntoView {
    let asking = RwSignal::new(false);
    let effect = Memo::new(move |_| policy.get().map(|policy| policy.default_effect).unwrap_or_default());
    let mode = Memo::new(move |_| policy.get().map(|policy| policy.mode).unwrap_or_default());
    let meaning = move || match (mode.get().as_str(), effect.get().as_str()) {
        ("enforce", "allow") => "What no rule names passes.",
        ("enforce", _) => "What no rule names is rejected.",
        (_, "allow") => "Nothing is blocked. Enforced, what no rule names would pass.",
        _ => "Nothing is blocked. Enforced, what no rule names would be rejected.",
    };
    view! {
        <div class="panel rules-default">
            <p>
                "Mode " {move || view! { <Mode mode=mode.get() /> }} " Default "
                {move || {
                    let tone = if effect.get() == "deny" { "good" } else { "warn" };
                    view! { <Tag text=effect.get() tone=tone /> }
                }}
            </p>
            <p class="grow">{meaning}</p>
            <Button
                label="Change the default…"
                on_click=move || asking.set(true)
                operates=true
                disabled=desk.barred
            />
        </div>
        <Dialog open=asking title="Change the default">
            <Confirm desk=desk effect=effect open=asking />
        </Dialog>
    }
}

#[component]
fn Confirm(desk: Desk, effect: Memo<String>, open: RwSignal<bool>) -> impl IntoView {
    let busy = RwSignal::new(false);
    let next = move || if effect.get() == "allow" { "deny" } else { "allow" };
    let change = move || {
        let Some(policy) = desk.own() else { return };
        let body = json!({"default_effect": untrack(next), "expected_revision": policy.revision});
        busy.set(true);
        spawn_local(async move {
            match api::patch::<Policy>(&format!("/egress/policies/{}", policy.id), &body).await {
                Ok(policy) => {
                    desk.say(&format!("The default is {} now", policy.default_effect));
                    desk.warnings.set(policy.warnings.clone());
                    desk.workload.changed(policy);
                    open.set(false);
                }
                Err(error) => desk.failed(&error),
            }
            let _ = busy.try_set(false);
        });
    };
    let consequence = move || match next() {
        "allow" => {
            "With allow, only what a deny rule names is rejected: the list of allows decides nothing any more, and hosts that nobody has heard of pass."
        }
        _ => {
            "With deny, only what an allow rule names passes. In enforce it takes effect at once: look at the Network page first for what is not listed."
        }
    };
    view! {
        <p>"The default becomes " <strong>{next}</strong> ". " {consequence}</p>
        <p class="actions">
            <Button
                label=Signal::derive(move || format!("Make it {}", next()))
                on_click=change
                look=Look::Danger
                operates=true
                busy=busy
            />
            <Button label="Cancel" on_click=move || open.set(false) />
        </p>
    }
}
