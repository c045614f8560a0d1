//! Until what was applied is in force in every proxy.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::force::Force;
use crate::live::Live;
use crate::load::{Load, State};
use crate::model::{Proxy, Resource};
use crate::parts::{Moment, Outside, Tag};

/// How often is asked, in milliseconds, and how many times.
const PAUSE: u32 = 1_000;
const TIMES: u32 = 60;

/// In how many it is.
#[component]
pub(super) fn InForce(resource: Resource, revision: i64) -> impl IntoView {
    let live = Live::get();
    let path = match resource.is_tenant() {
        // It reaches everybody.
        true => "/egress/proxies".to_owned(),
        false => format!("/egress/proxies?{}", resource.query()),
    };
    let proxies = Load::<Vec<Proxy>>::new(move || {
        live.proxies.track();
        let path = path.clone();
        async move { Ok(api::list(&path).await?.rows) }
    });
    let force = Memo::new(move |_| proxies.map(|proxies| Force::of(proxies, revision)));
    let late = RwSignal::new(false);
    spawn_local(async move {
        for _ in 0..TIMES {
            TimeoutFuture::new(PAUSE).await;
            match force.try_get_untracked() {
                Some(Some(force)) if force.is_whole() => return,
                // The sheet is gone.
                None => return,
                _ => proxies.reload(),
            }
        }
        let _ = late.try_set(true);
    });
    view! {
        <div class="in-force" role="status">
            {move || match force.get() {
                None => match proxies.state() {
                    State::Failed(error) => {
                        view! {
                            <p class="wrong">
                                <Outside text=error.message />
                            </p>
                        }
                            .into_any()
                    }
                    _ => view! { <p>"Asking the proxies…"</p> }.into_any(),
                },
                Some(Force { all: 0, .. }) => {
                    view! { <p>"No proxy of this resource is connected. Each gets the policy when it comes."</p> }
                        .into_any()
                }
                Some(force) => {
                    let tone = match (force.is_whole(), late.get()) {
                        (true, _) => "good",
                        (false, false) => "info",
                        (false, true) => "bad",
                    };
                    let proxies = if force.all == 1 { "proxy" } else { "proxies" };
                    let text = format!("In force in {} of {} {proxies}", force.have, force.all);
                    let rest = match (force.is_whole(), late.get()) {
                        (true, _) => "",
                        (false, false) => "Waiting for the others…",
                        (false, true) => "Not in force everywhere after a minute:",
                    };
                    view! {
                        <p>
                            <Tag text=text tone=tone />
                            " "
                            {rest}
                        </p>
                        <ul>{force.behind.into_iter().map(behind).collect_view()}</ul>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}

fn behind(proxy: Proxy) -> impl IntoView {
    let has = proxy.live.and_then(|live| live.revision);
    let has = has.map_or_else(
        || "has none yet".to_owned(),
        |revision| format!("has revision {revision}"),
    );
    let error = proxy.policy_error.map(|error| {
        view! {
            <span class="wrong">
                ", did not take the policy: " <Outside text=error />
            </span>
        }
    });
    view! {
        <li>
            <span class="mono">
                <Outside text=proxy.instance />
            </span>
            " "
            {has}
            ", last heard "
            <Moment at=proxy.last_seen />
            {error}
        </li>
    }
}
