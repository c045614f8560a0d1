//! An address that is no page.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::parts::Empty;

/// Says so, and where to go on.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <h1>"No such page"</h1>
        <Empty what="This address is no page of the console">
            <A href="/">"Go on with the overview"</A>
        </Empty>
    }
}
