//! The list of suggestions, and what is decided about all that it shows.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::looking::Looking;
use super::none::Nothing;
use super::row::Row;
use crate::api;
use crate::live::Live;
use crate::model::Suggestion;
use crate::narrow::Narrow;
use crate::parts::{Button, Look, Messages, Pages, VirtualRows};
use crate::text::grouped;
use crate::ticks::Ticks;

/// From this width on (in pixels) a row's columns stand side by side.
const WIDE: f64 = 900.0;
/// How high a row is, and how much higher unfolded, side by side and one below the other.
const HEIGHT: (f64, f64) = (68.0, 240.0);
const HEIGHT_NARROW: (f64, f64) = (158.0, 300.0);
/// Up to how many can be ticked together.
const TOGETHER: usize = 2_000;

/// The list.
#[component]
pub(super) fn Destinations(looking: Looking) -> impl IntoView {
    let live = Live::get();
    let unfolded = RwSignal::new(None::<usize>);
    let pages = Pages::<Suggestion>::new(move |offset, limit| {
        live.policy.track();
        looking.again.track();
        let path = looking.narrow.with(|narrow| looking.suggestions(narrow));
        async move { api::list(&format!("{path}&offset={offset}&limit={limit}")).await }
    });
    // Another list has another row in that place.
    Effect::new(move |_| {
        live.policy.track();
        looking.again.track();
        looking.narrow.track();
        unfolded.set(None);
    });
    Effect::new(move |before: Option<Narrow>| {
        let narrow = looking.narrow.get();
        if before.is_some_and(|before| before != narrow) {
            pages.show_start();
        }
        narrow
    });
    let is_wide = wide();
    let is_empty = Memo::new(move |_| pages.total.get() == Some(0));
    move || {
        if is_empty.get() {
            return view! { <Nothing looking=looking /> }.into_any();
        }
        let (row_height, unfolded_height) = if is_wide.get() { HEIGHT } else { HEIGHT_NARROW };
        view! {
            <Decisions looking=looking pages=pages />
            <VirtualRows
                pages=pages
                label="Destinations"
                row_height=row_height
                unfolded=unfolded
                unfolded_height=unfolded_height
                row=move |index, suggestion| {
                    view! { <Row looking=looking suggestion=suggestion index=index unfolded=unfolded /> }
                }
            />
        }
        .into_any()
    }
}

/// What was decided otherwise, deciding about all that is shown, and locking down.
#[component]
fn Decisions(looking: Looking, pages: Pages<Suggestion>) -> impl IntoView {
    let (messages, busy) = (Messages::get(), RwSignal::new(false));
    let few = move || pages.total.get().filter(|total| (1..=TOGETHER).contains(total));
    let tick_all = move |ticked: bool| {
        let path = looking.suggestions(&looking.narrow.get_untracked());
        busy.set(true);
        spawn_local(async move {
            let rows = api::list::<Suggestion>(&format!("{path}&limit={TOGETHER}")).await;
            // The page may be gone.
            let _ = busy.try_set(false);
            match rows {
                Ok(rows) => {
                    let _ = looking.ticks.try_update(|ticks| {
                        for row in &rows.rows {
                            ticks.set(row, ticked);
                        }
                    });
                }
                Err(error) => messages.fail(&error),
            }
        });
    };
    let together = move |verb: &str| {
        let count = few().map(|total| grouped(total as u64)).unwrap_or_default();
        format!("{verb} all shown ({count})")
    };
    view! {
        <div class="bar network-decisions">
            <p class="grow" role="status">
                {move || looking.ticks.with(otherwise)}
            </p>
            <div class="actions">
                <Show when=move || !looking.ticks.with(Ticks::is_as_recommended)>
                    <Button
                        label="As recommended"
                        look=Look::Quiet
                        on_click=move || looking.ticks.set(Ticks::default())
                    />
                </Show>
                <Show when=move || few().is_some()>
                    <Button
                        label=Signal::derive(move || together("Tick"))
                        look=Look::Quiet
                        busy=busy
                        on_click=move || tick_all(true)
                    />
                    <Button
                        label=Signal::derive(move || together("Untick"))
                        look=Look::Quiet
                        busy=busy
                        on_click=move || tick_all(false)
                    />
                </Show>
                <Button label="Lock down…" look=Look::Primary on_click=move || looking.lock_down() />
            </div>
        </div>
    }
}

fn otherwise(ticks: &Ticks) -> String {
    match ticks.exceptions() {
        (0, 0) => "Ticked goes into the list: as recommended, keep as allow and deny as deny.".to_owned(),
        (also, 0) => format!("Otherwise than recommended: {also} more."),
        (0, without) => format!("Otherwise than recommended: {without} left out."),
        (also, without) => format!("Otherwise than recommended: {also} more, {without} left out."),
    }
}

/// Whether there is room for columns side by side.
fn wide() -> Memo<bool> {
    let width = || {
        window()
            .inner_width()
            .ok()
            .and_then(|width| width.as_f64())
            .unwrap_or(WIDE)
    };
    let now = RwSignal::new(width());
    let resized = window_event_listener(leptos::ev::resize, move |_| now.set(width()));
    on_cleanup(move || resized.remove());
    Memo::new(move |_| now.get() >= WIDE)
}
