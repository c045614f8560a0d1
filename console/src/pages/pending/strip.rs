//! What was decided, until every proxy has it.

use leptos::prelude::*;

use super::desk::Desk;
use crate::parts::{InForce, Outside};
use crate::text::visible;

/// The strip at the top.
#[component]
pub(super) fn Strip(desk: Desk) -> impl IntoView {
    view! {
        <div class="strip" role="status" aria-live="polite" aria-label="Decisions">
            <For each=move || desk.done.get() key=|done| done.number let:done>
                <div class="strip-one">
                    <p>
                        <strong>
                            <Outside text=done.host.clone() />
                        </strong> " " {done.what.clone()} ": "
                        <InForce resource=done.resource.clone() revision=done.revision />
                    </p>
                    <button
                        type="button"
                        class="button button-quiet"
                        aria-label=format!("Close what is said of {}", visible(&done.host))
                        on:click=move |_| {
                            desk.done.update(|all| all.retain(|other| other.number != done.number));
                        }
                    >
                        "✕"
                    </button>
                </div>
            </For>
        </div>
    }
}
