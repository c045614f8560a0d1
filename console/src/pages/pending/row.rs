//! One host in a row.

use leptos::html;
use leptos::prelude::*;
use leptos_router::components::A;

use super::choices::Choices;
use super::desk::{Allow, Asked, Desk, more_id, row_id};
use crate::model::Pending;
use crate::parts::{Button, Look, Moment, Tag};
use crate::queue::reason;
use crate::text::{counted, grouped, visible};

/// The row. It is made once; what changes in it changes in its place.
#[component]
pub(super) fn Row(id: String, desk: Desk) -> impl IntoView {
    let queue = desk.feed.queue;
    let of = id.clone();
    let row = Memo::new(move |before: Option<&Pending>| {
        let now = queue.with(|queue| queue.row(&of).cloned());
        now.or_else(|| before.cloned()).unwrap_or_default()
    });
    let first = row.get_untracked();
    let host = visible(&first.host);
    let state = Memo::new(move |_| row.with(|row| row.state.clone()));
    let id = StoredValue::new(id);
    let is_new = move || queue.with(|queue| id.with_value(|id| queue.is_new(id)));
    let busy = Signal::derive(move || desk.busy.with(|busy| id.with_value(|id| busy.contains(id))));
    let unfolded = Memo::new(move |_| desk.unfolded.with(|open| id.with_value(|id| open.as_ref() == Some(id))));
    let more = NodeRef::<html::Button>::new();
    let fold = move || {
        desk.unfolded.set(None);
        if let Some(button) = more.get_untracked() {
            // A button that is there can be focused.
            let _ = button.focus();
        }
    };
    let choices = format!("choices-{}", first.id);
    let controls = choices.clone();
    let allow = move || {
        if let Some(row) = id.with_value(|id| desk.row(id)) {
            if row.overflow {
                // It stands for hosts below its domain, which a rule for the domain alone would not take.
                desk.ask(Asked::Domain(row));
            } else {
                desk.allow(row, Allow::default());
            }
        }
    };
    let describe = (format!("Allow {host}"), format!("More for {host}"));
    view! {
        <article id=row_id(&first.id) class="queue-row" aria-label=host.clone() class:queue-new=is_new>
            <div class="queue-grid">
                <div class="cell cell-name">
                    <p class="cell-title mono" title=host.clone()>
                        <bdi>{host.clone()}</bdi>
                        {first.overflow.then_some(" and others below it")}
                    </p>
                    <p class="queue-why cut" title=move || row.with(why)>
                        {move || is_new().then(|| view! { <Tag text="new" tone="info" /> " " })}
                        {move || {
                            let state = state.get();
                            (state != "pending").then(|| view! { <Tag text=state /> " " })
                        }}
                        {move || row.with(why)}
                    </p>
                    <p class="soft cut">{move || row.with(asked)}</p>
                </div>
                <div class="cell queue-of">
                    <A href=format!("/resources/{}", first.resource.place()) attr:class="cut">
                        <bdi>{visible(&first.resource.label())}</bdi>
                    </A>
                    <span class="soft">{move || row.with(|row| seen_in(row.seen_in))}</span>
                </div>
                <div class="cell queue-when">
                    <span>
                        <strong>{move || row.with(|row| grouped(row.attempts))}</strong>
                        {move || if row.with(|row| row.attempts) == 1 { " attempt" } else { " attempts" }}
                    </span>
                    <span class="soft">
                        "last " {move || view! { <Moment at=row.with(|row| row.last_seen.clone()) /> }}
                    </span>
                    <span class="soft">"first " <Moment at=first.first_seen.clone() /></span>
                </div>
                <div class="queue-do">
                    <Show when=move || state.get() != "approved">
                        <Button
                            label="Allow"
                            on_click=allow
                            look=Look::Primary
                            operates=true
                            busy=busy
                            describe=describe.0.clone()
                        />
                    </Show>
                    <button
                        type="button"
                        class="button"
                        node_ref=more
                        id=more_id(&first.id)
                        aria-label=describe.1
                        aria-expanded=move || unfolded.get().to_string()
                        aria-controls=controls
                        on:click=move |_| {
                            if unfolded.get_untracked() {
                                desk.unfolded.set(None);
                            } else {
                                desk.unfolded.set(Some(id.get_value()));
                            }
                        }
                    >
                        "More "
                        <span aria-hidden="true">{move || if unfolded.get() { "▴" } else { "▾" }}</span>
                    </button>
                </div>
            </div>
            <div id=choices>
                {move || {
                    unfolded
                        .get()
                        .then(|| view! { <Choices row=row.get_untracked() desk=desk busy=busy fold=fold /> })
                }}
            </div>
        </article>
    }
}

/// Why it was rejected, and by whom it was decided.
fn why(row: &Pending) -> String {
    let why = reason(&row.rejected_by, row.nearest.as_ref());
    match (&row.changed_by, row.state.as_str()) {
        (Some(who), "approved" | "blocked" | "dismissed") => format!("by {} · {why}", visible(who)),
        _ => why,
    }
}

/// What was asked for, and whether it was ever let through.
fn asked(row: &Pending) -> impl IntoView + use<> {
    let ports: Vec<String> = row.ports.iter().filter(|port| **port > 0).map(u16::to_string).collect();
    let mut parts = Vec::new();
    match ports.as_slice() {
        [] => {}
        [one] => parts.push(format!("port {one}")),
        several => parts.push(format!("ports {}", several.join(", "))),
    }
    if row.ports.contains(&0) {
        parts.push("and more ports".to_owned());
    }
    if !row.methods.is_empty() {
        parts.push(visible(&row.methods.join(", ")));
    }
    let last = row.last_allowed_at.clone();
    view! {
        {parts.join(" · ")}
        {last.map(|at| view! { " · last allowed " <Moment at=at /> })}
    }
}

fn seen_in(resources: u64) -> String {
    match resources {
        0 | 1 => "seen in no other resource".to_owned(),
        _ => format!("seen in {}", counted(resources, "resource", "resources")),
    }
}
