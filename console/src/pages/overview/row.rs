//! One resource in a row.

use leptos::prelude::*;
use leptos_router::components::A;

use super::resources::ByResource;
use crate::model::{Overview, Resource};
use crate::parts::{Mode, Moment, Outside, Tag};
use crate::standing::difference;
use crate::text::{counted, grouped, visible};

/// The row. It is made once; what changes in it changes in its place.
#[component]
pub(super) fn Row(resource: Resource, rows: ByResource) -> impl IntoView {
    let place = format!("/resources/{}", resource.place());
    let pending_place = format!("/pending?{}", resource.query());
    let label = visible(&resource.label());
    let (title, of) = (label.clone(), format!(" pending hosts of {label}"));
    let row = Memo::new(move |before: Option<&Overview>| {
        let now = rows.with(|rows| rows.get(&resource).cloned());
        now.or_else(|| before.cloned()).unwrap_or_default()
    });
    let differs = Memo::new(move |_| row.with(difference));
    let number = move |of: fn(&Overview) -> u64| move || grouped(row.with(of));
    view! {
        <div class="overview-row overview-grid" class:overview-differs=move || differs.get().is_some()>
            <div class="cell cell-name">
                <A href=place attr:class="cell-title" attr:title=title>
                    <bdi>{label}</bdi>
                </A>
                <span class="soft cut">{move || row.with(about)}</span>
                {move || {
                    differs
                        .get()
                        .map(|said| {
                            view! {
                                <p class="differs" title=said.clone()>
                                    <span aria-hidden="true">"⚠ "</span>
                                    <span class="visually-hidden">"Not as intended: "</span>
                                    {said.clone()}
                                </p>
                            }
                        })
                }}
            </div>
            <div class="cell">
                <span class="cell-label">"In force"</span>
                <span>
                    {move || view! { <Mode mode=row.with(|row| row.mode.clone()) /> }} " "
                    <span class="soft">{move || row.with(revisions)}</span>
                </span>
            </div>
            <div class="cell">
                <span class="cell-label">"Proxies"</span>
                <span>
                    {move || row.with(|row| format!("{} live of {}", row.proxies.live, row.proxies.total))} " "
                    {move || {
                        let lost = row.with(|row| u64::try_from(row.proxies.lost).unwrap_or_default());
                        (lost > 0)
                            .then(|| {
                                view! { <Tag text=counted(lost, "event lost", "events lost") tone="bad" /> }
                            })
                    }}
                </span>
            </div>
            <div class="cell number">
                <span class="cell-label">"Requests"</span>
                <span>{number(|row| row.requests)}</span>
            </div>
            <div class="cell number">
                <span class="cell-label">"Rejected"</span>
                <span>{number(|row| row.rejected)}</span>
            </div>
            <div class="cell number">
                <span class="cell-label">"Would reject"</span>
                <span>{number(|row| row.would_reject)}</span>
            </div>
            <div class="cell number">
                <span class="cell-label">"Pending"</span>
                <A href=pending_place>
                    {number(|row| row.pending)}
                    <span class="visually-hidden">{of}</span>
                </A>
            </div>
            <div class="cell cell-seen">
                <span class="cell-label">"Last seen"</span>
                <span>
                    {move || match row.with(|row| row.last_seen.clone()) {
                        Some(at) => view! { <Moment at=at /> }.into_any(),
                        None => "never".into_any(),
                    }}
                </span>
            </div>
        </div>
    }
}

/// What people call it, what it was made from, and how much is said about it.
fn about(row: &Overview) -> impl IntoView + use<> {
    let rules = if row.has_policy {
        counted(row.rule_count, "rule", "rules")
    } else if row.resource.is_tenant() {
        "no policy".to_owned()
    } else {
        "no policy of its own".to_owned()
    };
    let template = row.template.clone().map(|template| {
        view! {
            "from "
            <Outside text=template />
            " · "
        }
    });
    let name = row.name.clone().filter(|name| !name.is_empty()).map(|name| {
        view! {
            <Outside text=name />
            " · "
        }
    });
    view! {
        {name}
        {template}
        {rules}
    }
}

/// The intended revision, and those that are live where they are others.
fn revisions(row: &Overview) -> String {
    let Some(intended) = row.revision else {
        return "no policy".to_owned();
    };
    let live: Vec<String> = row.live_revisions.iter().map(i64::to_string).collect();
    if live.is_empty() || row.live_revisions == [intended] {
        format!("revision {intended}")
    } else {
        format!("revision {intended}, live {}", live.join(" and "))
    }
}
