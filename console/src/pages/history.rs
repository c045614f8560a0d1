//! History.

use leptos::prelude::*;

/// History.
#[component]
pub(crate) fn History() -> impl IntoView {
    view! { <h1>"History"</h1> }
}
