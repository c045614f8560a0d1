//! The same policy for other resources.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use super::spread::{Answer, Answered, spread};
use crate::app::Workload;
use crate::parts::{Button, Check, Dialog, Field, Look};
use crate::session::Visitor;
use crate::targets::targets;

/// The button and what it opens.
#[component]
pub(super) fn CloneTo(workload: Workload) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <Button label="Clone to others…" on_click=move || open.set(true) operates=true />
        <Dialog open=open title="Clone to other resources" wide=true>
            <Form workload=workload open=open />
        </Dialog>
    }
}

#[component]
fn Form(workload: Workload, open: RwSignal<bool>) -> impl IntoView {
    let visitor = Visitor::get();
    let (to, note) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (with_mode, busy, tried) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let answer = RwSignal::new(Answer::None);
    let wrong = Signal::derive(move || {
        let wrong = targets(&to.get()).err();
        wrong.filter(|_| tried.get() || !to.with(String::is_empty))
    });
    let clone = move || {
        tried.set(true);
        let (Some(policy), Ok(targets)) = (workload.policy(), targets(&to.get_untracked())) else {
            return;
        };
        let body = json!({
            "targets": targets, "with_mode": with_mode.get_untracked(), "note": note.get_untracked().trim(),
        });
        busy.set(true);
        spawn_local(async move {
            let answered = spread(visitor, &format!("/egress/policies/{}/clone", policy.id), &body).await;
            let _ = answer.try_set(Some(answered));
            let _ = busy.try_set(false);
        });
    };
    view! {
        <p>
            "Rules and default of this policy replace those of every target. All targets are checked first: if one would not load, none is changed."
        </p>
        <Field
            label="Targets"
            value=to
            hint="sandbox/sb_2, computer/*, template/base, tenant; separated by commas. A glob means the resources that are known."
            error=wrong
        />
        <Check label="Also the mode" value=with_mode hint="Without it every target keeps its own mode." />
        <Field label="Note" value=note hint="Why, for the history of each" />
        <p class="actions">
            <Button label="Clone" on_click=clone look=Look::Primary operates=true busy=busy />
            <Button label="Close" on_click=move || open.set(false) />
        </p>
        <Answered answer=answer />
    }
}
