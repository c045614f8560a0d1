//! Long lists: only the rows in view are in the page, and only their pages are fetched.

use std::collections::BTreeMap;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Button, Outside};
use crate::api::{ApiError, List};
use crate::session::Visitor;

/// How many rows are fetched together.
const PAGE: usize = 100;
/// How many rows beyond the view are there already.
const MARGIN: usize = 12;
/// Past this many pages the ones fetched first are forgotten.
const KEPT: usize = 50;

/// The rows of a list as far as they were fetched.
#[derive(Debug)]
pub(crate) struct Pages<T: Send + Sync + 'static> {
    rows: RwSignal<BTreeMap<usize, Vec<T>>>,
    /// How many there are in all, once that is known.
    pub(crate) total: RwSignal<Option<usize>>,
    error: RwSignal<Option<ApiError>>,
    wanted: RwSignal<(usize, usize)>,
    again: RwSignal<u64>,
    start: RwSignal<u64>,
}

impl<T: Send + Sync + 'static> Clone for Pages<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Pages<T> {}

impl<T: Clone + Send + Sync + 'static> Pages<T> {
    /// Asks for pages by `(offset, limit)` as they come into view, and for all anew when a signal changes that
    /// `question` reads before it answers its future.
    pub(crate) fn new<F>(question: impl Fn(usize, usize) -> F + 'static) -> Self
    where
        F: Future<Output = Result<List<T>, ApiError>> + 'static,
    {
        let pages = Self {
            rows: RwSignal::new(BTreeMap::new()),
            total: RwSignal::new(None),
            error: RwSignal::new(None),
            wanted: RwSignal::new((0, 0)),
            again: RwSignal::new(0),
            start: RwSignal::new(0),
        };
        let visitor = Visitor::get();
        // Which questions are on their way, and of which generation they are.
        let generation = StoredValue::new(0_u64);
        let asked = StoredValue::new(std::collections::BTreeSet::<usize>::new());
        let question = std::rc::Rc::new(question);
        let ask = move |page: usize| {
            let number = generation.get_value();
            let answer = question(page * PAGE, PAGE);
            spawn_local(async move {
                let answer = answer.await;
                if generation.try_get_value() != Some(number) {
                    return;
                }
                asked.update_value(|asked| {
                    asked.remove(&page);
                });
                match answer {
                    Ok(List { rows, total, .. }) => {
                        let known = page * PAGE + rows.len();
                        let total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(known);
                        pages.error.set(None);
                        pages.total.set(Some(total));
                        pages.rows.update(|all| {
                            all.insert(page, rows);
                            while all.len() > KEPT {
                                // What is farthest from the view.
                                let far = if all.keys().next().is_some_and(|first| page - first > KEPT / 2) {
                                    all.keys().next().copied()
                                } else {
                                    all.keys().next_back().copied()
                                };
                                let Some(far) = far else { break };
                                all.remove(&far);
                            }
                        });
                    }
                    Err(error) if error.is_unauthenticated() => visitor.left(),
                    Err(error) => pages.error.set(Some(error)),
                }
            });
        };
        let ask = std::rc::Rc::new(ask);
        // Anew: what was fetched stays in view until the first new page has come.
        let first = ask.clone();
        Effect::new(move |before: Option<u64>| {
            let again = pages.again.get();
            generation.update_value(|generation| *generation += 1);
            asked.set_value(std::collections::BTreeSet::new());
            let (from, to) = pages.wanted.get_untracked();
            let shown = from..=to.min(from + KEPT);
            if before.is_some() {
                pages.rows.update(|all| all.retain(|page, _| shown.contains(page)));
            }
            for page in shown {
                asked.update_value(|asked| {
                    asked.insert(page);
                });
                first(page);
            }
            again
        });
        Effect::new(move |_| {
            let (from, to) = pages.wanted.get();
            for page in from..=to.min(from + KEPT) {
                let is_there = pages.rows.with_untracked(|all| all.contains_key(&page))
                    || asked.with_value(|asked| asked.contains(&page));
                if !is_there {
                    asked.update_value(|asked| {
                        asked.insert(page);
                    });
                    untrack(|| ask(page));
                }
            }
        });
        pages
    }

    /// Asks for all of it anew.
    pub(crate) fn reload(&self) {
        self.again.update(|again| *again += 1);
    }

    /// Shows the first rows, as another list begins.
    pub(crate) fn show_start(&self) {
        self.start.update(|start| *start += 1);
    }

    /// The row at a place, if it was fetched.
    pub(crate) fn row(&self, index: usize) -> Option<T> {
        self.rows.with(|all| {
            all.get(&(index / PAGE))
                .and_then(|page| page.get(index % PAGE))
                .cloned()
        })
    }
}

/// A long list in a box of its own that scrolls. Rows are all as high as `row_height` says (in pixels), but the one
/// that is `unfolded`, which is `unfolded_height` higher.
#[component]
pub(crate) fn VirtualRows<T, V>(
    /// The rows.
    pages: Pages<T>,
    /// What the list is, for screen readers.
    #[prop(into)]
    label: String,
    /// How high a row is.
    row_height: f64,
    /// Which row is unfolded.
    #[prop(into, optional)]
    unfolded: Signal<Option<usize>>,
    /// How much higher that makes it.
    #[prop(default = 0.0)]
    unfolded_height: f64,
    /// Shows a row, given its place.
    row: impl Fn(usize, T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let node = NodeRef::<html::Div>::new();
    let (top, height) = (RwSignal::new(0.0_f64), RwSignal::new(800.0_f64));
    let measure = move || {
        // The list may be gone when the browser has painted.
        if let Some(element) = node.try_get_untracked().flatten() {
            let _ = top.try_set(f64::from(element.scroll_top()));
            let _ = height.try_set(f64::from(element.client_height()).max(row_height));
        }
    };
    Effect::new(move |_| {
        if node.get().is_some() {
            measure();
        }
    });
    Effect::new(move |before: Option<u64>| {
        let start = pages.start.get();
        if let (true, Some(element)) = (before.is_some_and(|before| before != start), node.get_untracked()) {
            element.set_scroll_top(0);
            measure();
        }
        start
    });
    // The box is as high as its rows until these are too many.
    Effect::new(move |_| {
        pages.total.track();
        unfolded.track();
        request_animation_frame(measure);
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    let extra_before = move |index: usize| match unfolded.get() {
        Some(open) if open < index => unfolded_height,
        _ => 0.0,
    };
    let total = move || pages.total.get().unwrap_or(0);
    let range = Memo::new(move |_| {
        let total = total();
        let first = ((top.get() - unfolded_height).max(0.0) / row_height) as usize;
        let last = ((top.get() + height.get()) / row_height) as usize + 1;
        (first.saturating_sub(MARGIN).min(total), (last + MARGIN).min(total))
    });
    Effect::new(move |_| {
        let (from, to) = range.get();
        let wanted = (from / PAGE, to.saturating_sub(1).max(from) / PAGE);
        if pages.wanted.get_untracked() != wanted {
            pages.wanted.set(wanted);
        }
    });
    let full = move || {
        let extra = if unfolded.get().is_some() { unfolded_height } else { 0.0 };
        format!("{}px", total() as f64 * row_height + extra)
    };
    let row = StoredValue::new(row);
    let visible = move || {
        let (from, to) = range.get();
        (from..to).collect::<Vec<_>>()
    };
    view! {
        <div class="virtual" node_ref=node tabindex="0" role="group" aria-label=label on:scroll=move |_| measure()>
            {move || {
                pages
                    .error
                    .get()
                    .map(|error| {
                        view! {
                            <div class="state state-failed" role="alert">
                                <p>
                                    <Outside text=error.message />
                                </p>
                                <Button label="Try again" on_click=move || pages.reload() />
                            </div>
                        }
                    })
            }}
            <Show when=move || pages.total.get().is_none() && pages.error.with(Option::is_none)>
                <div class="loading" role="status">
                    <span class="visually-hidden">"Loading"</span>
                    <span class="bone"></span>
                    <span class="bone"></span>
                    <span class="bone"></span>
                </div>
            </Show>
            <div class="virtual-all" role="list" style:height=full>
                <For each=visible key=|index| *index let:index>
                    <div
                        class="virtual-row"
                        role="listitem"
                        aria-setsize=move || total().to_string()
                        aria-posinset=(index + 1).to_string()
                        style:transform=move || {
                            format!("translateY({}px)", index as f64 * row_height + extra_before(index))
                        }
                    >
                        {
                            // Made anew only if it is another one, not whenever a page has come.
                            let value = Memo::new(move |_| pages.row(index));
                            move || match value.get() {
                                Some(value) => row.with_value(|row| row(index, value)).into_any(),
                                None => view! { <span class="bone"></span> }.into_any(),
                            }
                        }
                    </div>
                </For>
            </div>
        </div>
    }
}
