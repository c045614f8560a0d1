//! The rows in a box of their own: only those in view are in the page, however many were fetched.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::feed::Feed;
use super::row::Row;
use crate::audit_trail::Layout;
use crate::model::AuditRow;
use crate::parts::{Button, Outside};
use crate::text::{counted, grouped};

/// How many rows beyond the view are there already.
const MARGIN: usize = 8;
/// Older rows are fetched when fewer than this are left below the view.
const AHEAD: usize = 60;
/// How high a row is until one was measured.
const GUESS: f64 = 56.0;

/// The box, where it is scrolled to, and which row the keyboard is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    feed: Feed,
    node: NodeRef<html::Div>,
    top: RwSignal<f64>,
    height: RwSignal<f64>,
    row: RwSignal<f64>,
    /// How much higher the opened row is.
    extra: RwSignal<f64>,
    /// The place of the opened row.
    open: Memo<Option<i64>>,
    /// The place of the row that the keyboard was at last.
    at: RwSignal<Option<i64>>,
}

impl Window {
    fn new(feed: Feed) -> Self {
        // Looked up once, since a list may be long.
        let open = Memo::new(move |_| {
            let id = feed.open.get()?;
            feed.trail.with(|trail| {
                let rows = trail.shown(0, usize::MAX);
                rows.iter().find(|(_, row)| row.id == id).map(|(place, _)| *place)
            })
        });
        Self {
            feed,
            node: NodeRef::new(),
            top: RwSignal::new(0.0),
            height: RwSignal::new(800.0),
            row: RwSignal::new(GUESS),
            extra: RwSignal::new(0.0),
            open,
            at: RwSignal::new(None),
        }
    }

    fn layout(self) -> Layout {
        self.feed.trail.with(|trail| Layout {
            row: self.row.get(),
            count: trail.len(),
            unfolded: self
                .open
                .get()
                .and_then(|place| trail.index(place))
                .map(|index| (index, self.extra.get())),
        })
    }

    /// Looks how high things are: that depends on fonts, zoom and the width of the screen.
    pub(super) fn measure(self) {
        let Some(node) = self.node.get_untracked() else { return };
        let height_of = |selector: &str| {
            let found = node.query_selector(selector).ok().flatten();
            found
                .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
                .map(|element| f64::from(element.offset_height()))
        };
        change(self.top, f64::from(node.scroll_top()));
        change(self.height, f64::from(node.client_height()));
        if let Some(row) = height_of(".audit-row-head").filter(|row| *row > 1.0) {
            change(self.row, row);
        }
        if let Some(extra) = height_of(".audit-open") {
            change(self.extra, extra);
        }
        let is_at_top = self.top.get_untracked() < 4.0;
        if self.feed.at_top.get_untracked() != is_at_top {
            self.feed.at_top.set(is_at_top);
        }
    }

    /// Measures once the page was laid out.
    pub(super) fn measure_soon(self) {
        request_animation_frame(move || {
            if self.top.try_get_untracked().is_some() {
                self.measure();
            }
        });
    }

    /// The place of the row that Tab leads to.
    fn stop(self, from: usize, to: usize) -> Option<i64> {
        self.feed.trail.with(|trail| {
            let at = self.at.get().and_then(|place| trail.index(place));
            let index = at.unwrap_or(from).clamp(from, to.checked_sub(1)?.max(from));
            Some(index as i64 - trail.added())
        })
    }

    /// Moves the keyboard by so many rows.
    fn step(self, from: i64, by: i64) {
        let Some(node) = self.node.get_untracked() else { return };
        let layout = untrack(|| self.layout());
        let target = self.feed.trail.with_untracked(|trail| {
            let index = from.saturating_add(trail.added()).saturating_add(by);
            index.clamp(0, trail.len().saturating_sub(1) as i64) as usize
        });
        let (begin, end) = (layout.offset(target), layout.offset(target) + layout.row);
        let (top, height) = (f64::from(node.scroll_top()), f64::from(node.client_height()));
        let wanted = if begin < top {
            begin
        } else if end > top + height {
            (end - height).ceil()
        } else {
            top
        };
        let place = target as i64 - self.feed.trail.with_untracked(|trail| trail.added());
        self.at.set(Some(place));
        // The row that has the focus may go, and a browser scrolls when it does: the box takes the focus meanwhile,
        // and is scrolled once more when the rows are there.
        let _ = node.focus();
        node.set_scroll_top(wanted as i32);
        self.measure();
        request_animation_frame(move || {
            node.set_scroll_top(wanted as i32);
            if self.top.try_get_untracked().is_some() {
                self.measure();
            }
            request_animation_frame(move || {
                let found = node.query_selector(&format!("[data-place=\"{place}\"]")).ok().flatten();
                if let Some(row) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
                    // Fails only where nothing can have the focus.
                    let _ = row.focus();
                }
            });
        });
    }

    /// What a key does in a row.
    pub(super) fn key(self, place: i64, event: &leptos::ev::KeyboardEvent) {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "PageDown" => 10,
            "PageUp" => -10,
            "Home" => i64::from(i32::MIN),
            "End" => i64::from(i32::MAX),
            _ => return,
        };
        event.prevent_default();
        self.step(place, by);
    }

    /// The keyboard came to a row.
    pub(super) fn came(self, place: i64) {
        self.at.set(Some(place));
    }
}

fn change(signal: RwSignal<f64>, value: f64) {
    if signal.get_untracked() != value {
        signal.set(value);
    }
}

/// The rows.
#[component]
pub(super) fn List(feed: Feed) -> impl IntoView {
    let window = Window::new(feed);
    Effect::new(move |_| {
        feed.top.track();
        if let Some(node) = window.node.get() {
            node.set_scroll_top(0);
            window.measure_soon();
        }
    });
    Effect::new(move |_| {
        feed.open.track();
        window.measure_soon();
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| window.measure());
    on_cleanup(move || resized.remove());
    let range = Memo::new(move |_| window.layout().seen(window.top.get(), window.height.get(), MARGIN));
    Effect::new(move |_| {
        let (_, to) = range.get();
        let (count, has_failed) = (
            feed.trail.with(|trail| trail.len()),
            feed.older_error.with(Option::is_some),
        );
        if !has_failed && to + AHEAD > count && to > 2 * MARGIN {
            untrack(|| feed.older());
        }
    });
    let stop = Memo::new(move |_| {
        let (from, to) = range.get();
        window.stop(from, to)
    });
    let rows = move || {
        let (from, to) = range.get();
        feed.trail.with(|trail| trail.shown(from, to))
    };
    let above = move || format!("{}px", window.layout().offset(range.get().0));
    let below = move || {
        let layout = window.layout();
        format!("{}px", (layout.height() - layout.offset(range.get().1)).max(0.0))
    };
    view! {
        <div class="audit-heads audit-grid" aria-hidden="true">
            <span>"Time"</span>
            <span>"Action, mode"</span>
            <span>"Resource"</span>
            <span>"Target"</span>
            <span>"Decided by"</span>
            <span>"Outcome"</span>
        </div>
        <div class="audit-box" node_ref=window.node tabindex="-1" on:scroll=move |_| window.measure()>
            <div style:height=above></div>
            <ol aria-label="Decisions, the newest first">
                <For each=rows key=|(_, row): &(i64, Arc<AuditRow>)| row.id.clone() let((place, row))>
                    <Row place=place row=row feed=feed window=window stop=stop />
                </For>
            </ol>
            <div style:height=below></div>
            <End feed=feed />
        </div>
    }
}

/// What is below the last row.
#[component]
fn End(feed: Feed) -> impl IntoView {
    let count = Memo::new(move |_| feed.trail.with(|trail| trail.len()));
    let has_older = Memo::new(move |_| feed.trail.with(|trail| trail.older().is_some()));
    let label = Signal::derive(|| "Older".to_owned());
    view! {
        <div class="audit-end">
            {move || {
                feed.older_error
                    .get()
                    .map(|error| {
                        view! {
                            <p class="wrong" role="alert">
                                <Outside text=error.message />
                            </p>
                        }
                    })
            }}
            {move || {
                if has_older.get() {
                    view! {
                        <span class="hint">{move || format!("{} fetched", grouped(count.get() as u64))}</span>
                        <Button label=label on_click=move || feed.older() busy=feed.busy />
                    }
                        .into_any()
                } else {
                    view! {
                        <span class="hint">
                            {move || format!("{}; there are no older ones in this view", counted(count.get() as u64, "decision", "decisions"))}
                        </span>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}
