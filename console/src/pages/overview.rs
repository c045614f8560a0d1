//! Overview.

use leptos::prelude::*;

/// Overview.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    view! { <h1>"Overview"</h1> }
}
