//! Whether a change is in force: asked until every live proxy that it concerns has it.

use std::collections::BTreeSet;

use gloo_timers::future::TimeoutFuture;
use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Outside, Tag};
use crate::api::{self, ApiError};
use crate::clock::{self, Style};
use crate::model::{Proxy, Resource};
use crate::session::Visitor;
use crate::text::counted;

/// How long is waited before it is asked again, in milliseconds: at first, and at last.
const SOON: u32 = 250;
const LATE: u32 = 5_000;

/// How far a change has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Reached {
    live: usize,
    behind: usize,
    /// Proxies under an override, which beats every policy.
    overridden: usize,
    /// What proxies said that did not take it.
    refused: BTreeSet<String>,
}

impl Reached {
    fn of(all: Vec<Proxy>) -> Self {
        let mut reached = Self::default();
        for proxy in all.into_iter().filter(|proxy| proxy.state == "live") {
            reached.live += 1;
            reached.behind += usize::from(proxy.behind);
            reached.overridden += usize::from(proxy.r#override.is_some());
            reached.refused.extend(proxy.policy_error.filter(|_| proxy.behind));
        }
        reached
    }
}

/// Follows a change of the policy of a resource, of a template or of the tenant, from the moment it is shown. A
/// proxy's revision is that of its effective policy and not `revision`, which is of the policy that was changed: a
/// change is in force when no live proxy that it concerns is behind.
#[component]
pub(crate) fn InForce(
    /// Whose policy was changed.
    resource: Resource,
    /// The revision that made.
    revision: i64,
) -> impl IntoView {
    let reached = RwSignal::new(None::<Reached>);
    let done = RwSignal::new(None::<String>);
    let visitor = Visitor::get();
    spawn_local(async move {
        let (begun, mut pause) = (Date::now(), SOON);
        loop {
            match ask(&resource).await {
                Ok(now) => {
                    let is_done = now.behind == 0;
                    if reached.try_set(Some(now)).is_some() {
                        return;
                    }
                    if is_done {
                        let at: String = Date::new_0().to_iso_string().into();
                        let seconds = (Date::now() - begun) / 1_000.0;
                        let _ = done.try_set(Some(format!(
                            "{}, after {seconds:.1} s",
                            clock::local(&at, Style::Time)
                        )));
                        return;
                    }
                }
                Err(error) if error.is_unauthenticated() => return visitor.left(),
                // Asked again.
                Err(_) => {}
            }
            TimeoutFuture::new(pause).await;
            if reached.try_get_untracked().is_none() {
                return;
            }
            pause = (pause * 3 / 2).min(LATE);
        }
    });
    view! {
        <span class="in-force" title=format!("revision {revision} of its policy")>
            {move || match reached.get() {
                None => view! { <Tag text="asking the proxies…" /> }.into_any(),
                Some(now) => shown(now, done.get()).into_any(),
            }}
        </span>
    }
}

fn shown(now: Reached, done: Option<String>) -> impl IntoView {
    let Reached {
        live,
        behind,
        overridden,
        refused,
    } = now;
    let (text, tone) = match (live, behind) {
        (0, _) => ("no proxy is connected: in force as soon as one is".to_owned(), "plain"),
        (live, 0) => (
            format!("in force everywhere ({})", counted(live as u64, "proxy", "proxies")),
            "good",
        ),
        (live, behind) => (
            format!(
                "in force in {} of {}…",
                live - behind,
                counted(live as u64, "proxy", "proxies")
            ),
            "info",
        ),
    };
    let done = done
        .filter(|_| live > 0)
        .map(|done| view! { <span class="soft">{done}</span> });
    let overridden = (overridden > 0).then(|| {
        let text = format!(
            "{} under an override, which beats it",
            counted(overridden as u64, "proxy is", "proxies are")
        );
        view! { <Tag text=text tone="warn" /> }
    });
    let refused = refused
        .into_iter()
        .map(|said| {
            view! {
                <span class="wrong">"A proxy did not take it: " <Outside text=said /></span>
            }
        })
        .collect_view();
    view! {
        <Tag text=text tone=tone />
        " "
        {done}
        {overridden}
        {refused}
    }
}

async fn ask(resource: &Resource) -> Result<Reached, ApiError> {
    let all = match resource.kind.as_str() {
        "tenant" => api::list::<Proxy>("/egress/proxies?state=live").await?.rows,
        "template" => {
            // The template's policy is copied into what is made from it.
            let made = api::list::<Resource>(&format!("/egress/resources?template={}", resource.id)).await?;
            let made: BTreeSet<Resource> = made.rows.into_iter().collect();
            let mut all = api::list::<Proxy>("/egress/proxies?state=live").await?.rows;
            all.retain(|proxy| made.contains(&proxy.resource));
            all
        }
        _ => {
            let path = format!("/egress/proxies?state=live&{}", resource.query());
            api::list::<Proxy>(&path).await?.rows
        }
    };
    Ok(Reached::of(all))
}

#[cfg(test)]
mod tests;
