//! Long lists that change while somebody looks: rows are told apart by keys, so that one keeps its place in the
//! page, and whatever is focused in it, when others come and go.

use std::hash::Hash;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

/// How many rows beyond the view are there already.
const MARGIN: usize = 10;

/// A list in a box that scrolls. Rows are all as high as `row_height` says (in pixels), but the one that is
/// `unfolded`. What is in view stays in view when rows come in above it.
#[component]
pub(crate) fn KeyedRows<K, V>(
    /// The keys of all rows, in their order.
    keys: Signal<Arc<Vec<K>>>,
    /// What the list is, for screen readers.
    #[prop(into)]
    label: String,
    /// How high a row is.
    row_height: f64,
    /// Which row is unfolded.
    #[prop(into, optional)]
    unfolded: Signal<Option<K>>,
    /// How much higher that makes it.
    #[prop(default = 0.0)]
    unfolded_height: f64,
    /// Shows a row; made once for each key that comes into view.
    row: impl Fn(K) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let node = NodeRef::<html::Div>::new();
    let (top, height) = (RwSignal::new(0.0_f64), RwSignal::new(view_height()));
    // The row at the top of the view, and how far it is scrolled out.
    let anchor = StoredValue::new(None::<(K, f64)>);
    let total = Memo::new(move |_| keys.with(|keys| keys.len()));
    let open = Memo::new(move |_| {
        let key = unfolded.get()?;
        keys.with(|keys| keys.iter().position(|other| *other == key))
    });
    let offset = move |place: usize, open: Option<usize>| {
        let extra = if open.is_some_and(|open| open < place) {
            unfolded_height
        } else {
            0.0
        };
        place as f64 * row_height + extra
    };
    let scrolled = move || {
        let Some(element) = node.get_untracked() else { return };
        let now = f64::from(element.scroll_top());
        top.set(now);
        let open = open.get_untracked();
        let extra = if open.is_some_and(|open| offset(open + 1, None) + unfolded_height <= now) {
            unfolded_height
        } else {
            0.0
        };
        let place = ((now - extra).max(0.0) / row_height) as usize;
        let key = keys.with_untracked(|keys| keys.get(place).cloned());
        anchor.set_value(key.filter(|_| now >= 1.0).map(|key| (key, now - offset(place, open))));
    };
    let resized = window_event_listener(leptos::ev::resize, move |_| height.set(view_height()));
    on_cleanup(move || resized.remove());
    Effect::new(move |before: Option<()>| {
        keys.track();
        if before.is_none() {
            return;
        }
        let (Some(element), Some((key, beyond))) = (node.get_untracked(), anchor.get_value()) else {
            return;
        };
        let Some(place) = keys.with_untracked(|keys| keys.iter().position(|other| *other == key)) else {
            return;
        };
        let wanted = offset(place, open.get_untracked()) + beyond;
        if (wanted - f64::from(element.scroll_top())).abs() >= 1.0 {
            element.set_scroll_top(wanted as i32);
            top.set(wanted);
        }
    });
    let visible = Memo::new(move |_| {
        let first = ((top.get() - unfolded_height).max(0.0) / row_height) as usize;
        let last = ((top.get() + height.get()) / row_height) as usize + 1;
        keys.with(|keys| {
            let (from, to) = (
                first.saturating_sub(MARGIN).min(keys.len()),
                (last + MARGIN).min(keys.len()),
            );
            let shown = keys.iter().enumerate().skip(from).take(to - from);
            shown.map(|(place, key)| (place, key.clone())).collect::<Vec<_>>()
        })
    });
    let full = move || {
        let extra = if open.get().is_some() { unfolded_height } else { 0.0 };
        format!("{}px", total.get() as f64 * row_height + extra)
    };
    let row = StoredValue::new(row);
    view! {
        <div
            class="virtual virtual-fit"
            node_ref=node
            tabindex="0"
            role="group"
            aria-label=label
            on:scroll=move |_| scrolled()
        >
            <div class="virtual-all" role="list" style:height=full>
                <For each=move || visible.get() key=|(_, key)| key.clone() let((_, key))>
                    {
                        let own = key.clone();
                        let place = Memo::new(move |before: Option<&usize>| {
                            let found = visible
                                .with(|visible| {
                                    visible.iter().find(|(_, other)| *other == own).map(|(place, _)| *place)
                                });
                            found.or(before.copied()).unwrap_or_default()
                        });
                        let high = move || {
                            let extra = if open.get() == Some(place.get()) { unfolded_height } else { 0.0 };
                            format!("{}px", row_height + extra)
                        };
                        view! {
                            <div
                                class="virtual-row"
                                role="listitem"
                                aria-setsize=move || total.get().to_string()
                                aria-posinset=move || (place.get() + 1).to_string()
                                style:height=high
                                style:transform=move || {
                                    format!("translateY({}px)", offset(place.get(), open.get()))
                                }
                            >
                                {row.with_value(|row| row(key))}
                            </div>
                        }
                    }
                </For>
            </div>
        </div>
    }
}

/// The box is never higher than the window.
fn view_height() -> f64 {
    let inner = window().inner_height().ok().and_then(|height| height.as_f64());
    inner.unwrap_or(800.0)
}

/// Whether the window is as narrow as that of a phone, where rows are higher.
pub(crate) fn narrow() -> Memo<bool> {
    let width = || {
        let inner = window().inner_width().ok().and_then(|width| width.as_f64());
        inner.unwrap_or(1_280.0)
    };
    let now = RwSignal::new(width());
    let resized = window_event_listener(leptos::ev::resize, move |_| now.set(width()));
    on_cleanup(move || resized.remove());
    Memo::new(move |_| now.get() < 900.0)
}
