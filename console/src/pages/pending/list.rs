//! The list of hosts.

use std::sync::Arc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

use super::desk::Desk;
use super::row::Row;
use crate::load::State;
use crate::parts::{Empty, Failure, KeyedRows, narrow};
use crate::queue::Queue;
use crate::text::counted;

/// How high a row is, in pixels, and how much its choices add.
const WIDE: (f64, f64) = (92.0, 96.0);
const NARROW: (f64, f64) = (244.0, 296.0);

/// How long a pointer may rest before the list may move again, in milliseconds.
const RESTS: f64 = 4_000.0;

/// The list. While somebody points at it or is in it with the keyboard, nothing moves.
#[component]
pub(super) fn List(desk: Desk) -> impl IntoView {
    let feed = desk.feed;
    // 0: on its way, 1: there, 2: failed, 3: nothing there.
    let phase = Memo::new(move |_| match feed.phase.get() {
        State::Loading => 0,
        State::Ready(()) if feed.queue.with(Queue::is_empty) => 3,
        State::Ready(()) => 1,
        State::Failed(_) => 2,
    });
    move || match phase.get() {
        0 => view! {
            <div class="loading" role="status">
                <span class="visually-hidden">"Loading"</span>
                <span class="bone"></span>
                <span class="bone"></span>
                <span class="bone"></span>
            </div>
        }
        .into_any(),
        1 => view! { <Rows desk=desk /> }.into_any(),
        2 => match feed.phase.get_untracked() {
            State::Failed(error) => view! { <Failure error=error retry=move || feed.begin() /> }.into_any(),
            _ => ().into_any(),
        },
        _ => view! { <Nothing desk=desk /> }.into_any(),
    }
}

#[component]
fn Rows(desk: Desk) -> impl IntoView {
    let feed = desk.feed;
    let (pointed, focused) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move |_| {
        let now = pointed.get() || focused.get() || desk.asking.get();
        if feed.engaged.get_untracked() != now {
            feed.engaged.set(now);
        }
    });
    on_cleanup(move || {
        let _ = feed.engaged.try_set(false);
    });
    let keys = Memo::new(move |_| feed.queue.with(|queue| Arc::new(queue.order().to_vec())));
    let narrow = narrow();
    let held = move || feed.queue.with(Queue::held) as u64;
    // A pointer that rests for a while is not about to click.
    let moved = StoredValue::new(0.0_f64);
    let at_it = move || {
        moved.set_value(js_sys::Date::now());
        if pointed.get_untracked() {
            return;
        }
        pointed.set(true);
        spawn_local(async move {
            while let Some(last) = moved.try_get_value() {
                let left = last + RESTS - js_sys::Date::now();
                if left <= 0.0 {
                    let _ = pointed.try_set(false);
                    return;
                }
                TimeoutFuture::new(left as u32 + 1).await;
            }
        });
    };
    let came = move |event: leptos::ev::FocusEvent| {
        // A click focuses too, but whoever clicks is at the list with the pointer.
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        focused.set(target.is_some_and(|target| target.matches(":focus-visible").unwrap_or_default()));
    };
    let left = move |event: leptos::ev::FocusEvent| {
        let list = event
            .current_target()
            .and_then(|list| list.dyn_into::<web_sys::Node>().ok());
        // A row that goes takes the focus with it, to nowhere.
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            let active = document().active_element();
            let inside = list.is_some_and(|list| list.contains(active.as_ref().map(AsRef::as_ref)));
            if !inside {
                let _ = focused.try_set(false);
            }
        });
    };
    view! {
        <div class="queue-head">
            <p class="soft" role="status">
                {move || counted(feed.queue.with(|queue| queue.order().len() as u64), "host", "hosts")}
            </p>
            <div role="status">
                {move || {
                    (held() > 0)
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    class="button button-primary"
                                    on:click=move |_| feed.queue.update(Queue::release)
                                >
                                    {move || format!("Show {} new", held())}
                                </button>
                            }
                        })
                }}
            </div>
        </div>
        <div
            class="queue"
            on:pointermove=move |_| at_it()
            on:pointerdown=move |_| at_it()
            on:pointerleave=move |_| pointed.set(false)
            on:focusin=came
            on:focusout=left
        >
            {move || {
                let (high, more) = if narrow.get() { NARROW } else { WIDE };
                view! {
                    <KeyedRows
                        keys=Signal::derive(move || keys.get())
                        label="Hosts"
                        row_height=high
                        unfolded=desk.unfolded
                        unfolded_height=more
                        row=move |id| view! { <Row id=id desk=desk /> }
                    />
                }
            }}
        </div>
    }
}

/// Nothing there, and what that means.
#[component]
fn Nothing(desk: Desk) -> impl IntoView {
    move || {
        match desk.state.get().as_str() {
        "pending" => view! {
            <Empty what="Nothing waits">
                <p>
                    "When a request is blocked because no rule names its host, or because a rule that names it does not match, the host appears here by itself: allow it, for a time or for good, or block it."
                </p>
            </Empty>
        }
        .into_any(),
        _ => view! { <Empty what="Nothing is like that">"Look for other hosts, or for those that wait."</Empty> }
            .into_any(),
    }
    }
}
