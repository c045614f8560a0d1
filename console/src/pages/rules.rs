//! Rules.

use leptos::prelude::*;

/// Rules.
#[component]
pub(crate) fn Rules() -> impl IntoView {
    view! { <h1>"Rules"</h1> }
}
