//! Overview: every resource, what its proxies have in force, and what it did.

mod decisions;
mod figures;
mod resources;
mod row;

use std::sync::Arc;

use leptos::prelude::*;

use crate::api;
use crate::calm::calm;
use crate::linked::linked;
use crate::live::Live;
use crate::load::Load;
use crate::model;
use crate::parts::{Choice, Empty, Shown};
use crate::span::{SPANS, Span};
use crate::standing::is_workload;
use decisions::Decisions;
use figures::Figures;
use resources::Resources;

/// How often rows are asked for anew at most, in milliseconds: when a policy or a proxy changed, and when only traffic
/// came.
const SOON: u32 = 1_500;
const TRAFFIC: u32 = 10_000;

/// All rows. Shared, because there may be thousands.
type Rows = Arc<Vec<model::Overview>>;

/// Overview.
#[component]
pub(crate) fn Overview() -> impl IntoView {
    let live = Live::get();
    let since = linked("since", "24h");
    let span = Memo::new(move |_| Span::of(&since.settled.get()));
    let soon = calm(
        move || {
            live.policy.track();
            live.proxies.track();
            live.pending.track();
        },
        SOON,
    );
    let traffic = calm(move || live.audit.track(), TRAFFIC);
    let rows = Load::new(move || {
        soon.track();
        traffic.track();
        let path = format!("/egress/overview?since={}", span.get().word);
        async move { Ok(Arc::new(api::list::<model::Overview>(&path).await?.rows)) }
    });
    let spans = SPANS.map(|span| (span.word.to_owned(), span.shown.to_owned())).to_vec();
    view! {
        <div class="page-head">
            <h1>"Overview"</h1>
            <Choice label="Counted over" value=since.value options=spans />
        </div>
        <Shown load=rows let:rows>
            <Figures rows=rows span=span />
            {
                let silent = Memo::new(move |_| rows.with(|rows: &Rows| !rows.iter().any(is_workload)));
                move || silent.get().then(first_steps)
            }
            <Decisions span=span again=traffic />
            <Resources rows=rows />
        </Shown>
    }
}

/// What to do while there is no resource.
fn first_steps() -> impl IntoView {
    view! {
        <Empty what="No resource yet">
            <p>
                "A resource appears here with its first request. On your machine, " <code>"make run"</code>
                " starts a proxy and prints the two lines that send a shell through it."
            </p>
            <p>
                "A proxy of your own needs this collector in the plugin's configuration: "
                <code>"\"events\": {\"cluster\": \"sluice\"}"</code> ", and "
                <code>"\"policy_service\": {\"cluster\": \"sluice\"}"</code> " to get its policy from here."
            </p>
        </Empty>
    }
}
