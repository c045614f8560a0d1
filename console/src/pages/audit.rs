//! Audit.

use leptos::prelude::*;

/// Audit.
#[component]
pub(crate) fn Audit() -> impl IntoView {
    view! { <h1>"Audit"</h1> }
}
