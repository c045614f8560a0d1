//! Network: what one resource talked to, and locking down what it did not.

mod affected;
mod bar;
mod coverage;
mod destinations;
mod details;
mod in_force;
mod looking;
mod none;
mod row;
mod rules;
mod sheet;
mod summary;

use leptos::prelude::*;

use crate::app::Workload;
use crate::parts::Dialog;
use looking::Looking;

/// The page: made anew for each resource.
#[component]
pub(crate) fn Network() -> impl IntoView {
    let workload = Workload::get();
    move || {
        let looking = Looking::at(workload.resource.get());
        let open = looking.sheet();
        view! {
            {if looking.has_traffic() {
                view! { <Review looking=looking /> }.into_any()
            } else {
                view! { <none::NoTraffic looking=looking /> }.into_any()
            }}
            <Dialog open=open title="Lock down" wide=true>
                <sheet::Sheet looking=looking open=open />
            </Dialog>
        }
    }
}

/// What the resource talked to.
#[component]
fn Review(looking: Looking) -> impl IntoView {
    view! {
        <h2 class="visually-hidden">"What it talked to"</h2>
        <bar::Bar looking=looking />
        <summary::Counts looking=looking />
        <coverage::Panel looking=looking />
        <destinations::Destinations looking=looking />
    }
}
