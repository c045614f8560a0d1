//! Network.

use leptos::prelude::*;

/// Network.
#[component]
pub(crate) fn Network() -> impl IntoView {
    view! { <h1>"Network"</h1> }
}
