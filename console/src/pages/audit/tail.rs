//! Rows as they are stored: heard while somebody looks, shown or counted, and never said one by one.

use futures_util::StreamExt;
use futures_util::stream::select;
use gloo_net::eventsource::futures::EventSource;
use gloo_timers::future::TimeoutFuture;
use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::feed::{Feed, Phase};
use super::view::View;
use crate::api;
use crate::audit_filter::{Member, just_after};
use crate::model::AuditRow;
use crate::parts::{Button, Look};
use crate::session::Visitor;
use crate::text::{counted, grouped};

/// How long is waited before it is tried again, in milliseconds.
const RETRY: u32 = 2_000;
/// How long rows are gathered before the page changes.
const GATHER: u32 = 200;
/// How often a screen reader is told how many there were.
const SAY: u32 = 5_000;
/// How many rows are read at once.
const CHUNK: usize = 500;

/// Whether new rows are shown as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// They are not asked for.
    Off,
    /// They are.
    On,
    /// They are counted.
    Paused,
}

/// What keeps a stream. One that is dropped is closed.
#[derive(Debug, Clone, Copy)]
struct Source {
    stream: StoredValue<Option<EventSource>, LocalStorage>,
    run: StoredValue<u64>,
}

/// Hears new rows while that is wanted, the rows are there, and somebody looks.
pub(super) fn listen(view: View, feed: Feed) {
    let source = Source {
        stream: StoredValue::new_local(None),
        run: StoredValue::new(0),
    };
    let looked_at = RwSignal::new(!document().hidden());
    let looks = window_event_listener_untyped("visibilitychange", move |_| looked_at.set(!document().hidden()));
    on_cleanup(move || looks.remove());
    let wanted = Memo::new(move |_| feed.follow.get() != Follow::Off && looked_at.get() && !ends(view));
    Effect::new(move |_| {
        let is_ready = feed.fresh.get() && feed.phase.with(|phase| *phase == Phase::Ready);
        source.run.update_value(|run| *run += 1);
        source.stream.set_value(None);
        feed.heard.set(false);
        if wanted.get() && is_ready {
            untrack(|| hear(view, feed, source));
        }
    });
}

/// Whether the view has an end, behind which nothing comes.
fn ends(view: View) -> bool {
    view.filter.with(|filter| !filter.get(Member::Until).is_empty())
}

/// Hears streams, one after the other, until there is a later listener.
fn hear(view: View, feed: Feed, source: Source) {
    let (number, visitor) = (source.run.get_value(), Visitor::get());
    let is_over = move || source.run.try_get_value() != Some(number);
    spawn_local(async move {
        while !is_over() {
            hear_one(view, feed, source, number).await;
            if is_over() {
                return;
            }
            source.stream.set_value(None);
            feed.heard.set(false);
            // If it is the session that ended, this tells.
            visitor.ask_quietly();
            TimeoutFuture::new(RETRY).await;
        }
    });
}

/// From the last row on, so that nothing is missed; without one, from when there was none, on the collector's clock.
fn begin(feed: Feed) -> String {
    let newest = feed.trail.with_untracked(|trail| trail.newest().and_then(just_after));
    newest.unwrap_or_else(|| {
        let seconds = ((Date::now() - feed.since.get_value()) / 1_000.0).max(0.0) as u64;
        format!("{}s", seconds + 60)
    })
}

/// Hears one stream to its end. A browser that reconnects by itself would begin where it began before, so at the first
/// error this begins anew.
async fn hear_one(view: View, feed: Feed, source: Source, number: u64) {
    let query = view.filter.with_untracked(|filter| filter.stream(&begin(feed)));
    let Ok(mut stream) = EventSource::new(&api::url(&format!("/egress/audit/stream?{query}"))) else {
        return;
    };
    let (Ok(rows), Ok(opened), Ok(failed)) = (
        stream.subscribe("message"),
        stream.subscribe("open"),
        stream.subscribe("error"),
    ) else {
        return;
    };
    source.stream.set_value(Some(stream));
    let mut events = select(select(rows, opened), failed).ready_chunks(CHUNK);
    while let Some(events) = events.next().await {
        if source.run.try_get_value() != Some(number) {
            return;
        }
        let mut is_over = false;
        let mut rows = Vec::new();
        for event in events {
            match event {
                Ok((kind, event)) if kind == "message" => {
                    let row = event.data().as_string();
                    rows.extend(row.and_then(|row| serde_json::from_str::<AuditRow>(&row).ok()));
                }
                Ok((kind, _)) if kind == "open" => feed.heard.set(true),
                _ => is_over = true,
            }
        }
        arrived(feed, rows);
        if is_over {
            return;
        }
        TimeoutFuture::new(GATHER).await;
    }
}

/// Shows rows if the newest are looked at and nothing is being read; else they wait.
fn arrived(feed: Feed, rows: Vec<AuditRow>) {
    if rows.is_empty() {
        return;
    }
    let is_reading = feed.open.with_untracked(Option::is_some) || !feed.at_top.get_untracked();
    let shows = feed.follow.get_untracked() == Follow::On && !is_reading;
    feed.trail.update(|trail| {
        for row in rows {
            trail.arrive(row);
        }
        if shows {
            trail.release();
        }
    });
}

/// Follow and Pause, and how many rows wait.
#[component]
pub(super) fn FollowButton(feed: Feed, view: View) -> impl IntoView {
    let label = move || match feed.follow.get() {
        Follow::On => "Pause",
        Follow::Off | Follow::Paused => "Follow",
    };
    let turn = move || match feed.follow.get_untracked() {
        Follow::On => feed.follow.set(Follow::Paused),
        Follow::Off | Follow::Paused => {
            feed.follow.set(Follow::On);
            feed.release();
        }
    };
    let waiting = Memo::new(move |_| feed.trail.with(|trail| trail.waiting()));
    let state = move || match (feed.follow.get(), feed.heard.get()) {
        _ if ends(view) => "The view has an end; without \"To\" it can be followed",
        (Follow::Off, _) => "",
        (_, false) => "Connecting…",
        (Follow::On, true) => "Following",
        (Follow::Paused, true) => "Paused",
    };
    let said = said(feed);
    view! {
        <span class="audit-follow">
            <Button
                label=Signal::derive(move || label().to_owned())
                on_click=turn
                look=Look::Primary
                disabled=Signal::derive(move || ends(view))
            />
            {move || {
                (waiting.get() > 0)
                    .then(|| {
                        view! {
                            <Button
                                label=format!("{} new", grouped(waiting.get() as u64))
                                describe=format!("Show {} at the top", counted(waiting.get() as u64, "new decision", "new decisions"))
                                on_click=move || feed.release()
                            />
                        }
                    })
            }}
            <span class="hint">{state}</span>
            <span class="visually-hidden" role="status" aria-live="polite">
                {move || said.get()}
            </span>
        </span>
    }
}

/// How many rows came, said now and then.
fn said(feed: Feed) -> RwSignal<String> {
    let said = RwSignal::new(String::new());
    let (told, waits) = (StoredValue::new(None::<i64>), StoredValue::new(false));
    let all = Memo::new(move |_| feed.trail.with(|trail| trail.added() + trail.waiting() as i64));
    Effect::new(move |_| {
        let now = all.get();
        if now <= told.get_value().unwrap_or(0) {
            // Another view, which begins at nothing.
            told.set_value(Some(now));
            return;
        }
        if waits.get_value() {
            return;
        }
        waits.set_value(true);
        spawn_local(async move {
            TimeoutFuture::new(SAY).await;
            let (Some(all), Some(before)) = (all.try_get_untracked(), told.try_get_value()) else {
                return;
            };
            waits.set_value(false);
            told.set_value(Some(all));
            if let Some(new @ 1..) = all.checked_sub(before.unwrap_or(0)) {
                said.set(counted(new as u64, "new decision", "new decisions"));
            }
        });
    });
    said
}
