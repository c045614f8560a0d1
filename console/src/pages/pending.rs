//! Pending.

use leptos::prelude::*;

/// Pending.
#[component]
pub(crate) fn Pending() -> impl IntoView {
    view! { <h1>"Pending"</h1> }
}
