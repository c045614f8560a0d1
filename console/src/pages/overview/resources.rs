//! The list of resources, those that differ from what is intended first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use leptos::prelude::*;

use super::Rows;
use super::row::Row;
use crate::linked::linked;
use crate::model::{Overview, Resource};
use crate::parts::{Button, Choice, Empty, Field, KeyedRows, narrow};
use crate::standing;
use crate::text::{counted, visible};

/// How high a row is, in pixels; on a phone it has a line for each pair of facts.
const WIDE: f64 = 92.0;
const NARROW: f64 = 300.0;

/// Rows by their resource, for the parts of a row.
pub(super) type ByResource = Memo<Arc<HashMap<Resource, Overview>>>;

/// The list, its search and its filters.
#[component]
pub(super) fn Resources(rows: Signal<Rows>) -> impl IntoView {
    let (part, kind) = (linked("q", ""), linked("type", ""));
    let (show, order) = (linked("show", ""), linked("sort", "name"));
    let chosen = Memo::new(move |_| standing::Choice {
        part: part.value.get(),
        kind: kind.value.get(),
        differing: show.value.get() == "differs",
        order: order.value.get(),
    });
    // While somebody points at a row, none moves.
    let engaged = RwSignal::new(false);
    let places = Memo::new(move |before: Option<&(standing::Choice, Arc<Vec<Resource>>)>| {
        let choice = chosen.get();
        rows.with(|rows| {
            if let Some((same, keys)) = before
                && engaged.get()
                && *same == choice
            {
                return (choice, keys.clone());
            }
            let keys = choice.of(rows).into_iter().filter_map(|place| rows.get(place));
            let keys = keys.map(|row| row.resource.clone()).collect();
            (choice, Arc::new(keys))
        })
    });
    let keys = Memo::new(move |_| places.with(|(_, keys)| keys.clone()));
    let by_resource = Memo::new(move |_| {
        rows.with(|rows| {
            let each = rows.iter().map(|row| (row.resource.clone(), row.clone()));
            Arc::new(each.collect::<HashMap<_, _>>())
        })
    });
    let kinds = Memo::new(move |_| {
        let mut kinds: BTreeSet<String> = rows.with(|rows| rows.iter().map(|row| row.resource.kind.clone()).collect());
        // A link may name one that is not there.
        kinds.insert(kind.value.get());
        kinds.remove("");
        kinds
    });
    let found = move || keys.with(|keys| keys.len() as u64);
    let narrow = narrow();
    let clear = move || {
        for word in [part, kind, show] {
            word.value.set(String::new());
        }
    };
    view! {
        <section aria-labelledby="resources-head" class="stack">
            <h2 id="resources-head">"Resources"</h2>
            <div class="bar" role="search">
                <div class="grow">
                    <Field label="Search by id, name or template" value=part.value kind="search" />
                </div>
                {move || {
                    let each = kinds.get().into_iter().map(|kind| (kind.clone(), visible(&kind)));
                    let options = std::iter::once((String::new(), "Every type".to_owned())).chain(each).collect();
                    view! { <Choice label="Type" value=kind.value options=options /> }
                }}
                <Choice
                    label="Show"
                    value=show.value
                    options=words(&[("", "Everything"), ("differs", "Only what differs from its intention")])
                />
                <Choice
                    label="Order"
                    value=order.value
                    options=words(
                        &[
                            ("name", "By name"),
                            ("requests", "Most requests"),
                            ("rejected", "Most rejected"),
                            ("pending", "Most pending"),
                            ("last_seen", "Last seen"),
                        ],
                    )
                />
            </div>
            <p class="soft" role="status">
                {move || counted(found(), "row", "rows")}
            </p>
            <Show
                when=move || { found() > 0 }
                fallback=move || {
                    view! {
                        <Empty what="Nothing is like that">
                            <Button label="Show everything" on_click=clear />
                        </Empty>
                    }
                }
            >
                <div
                    on:pointerenter=move |_| engaged.set(true)
                    on:pointerleave=move |_| engaged.set(false)
                    class="overview"
                >
                    <div class="row-heads overview-grid" aria-hidden="true">
                        <span>"Resource"</span>
                        <span>"In force"</span>
                        <span>"Proxies"</span>
                        <span class="number">"Requests"</span>
                        <span class="number">"Rejected"</span>
                        <span class="number">"Would reject"</span>
                        <span class="number">"Pending"</span>
                        <span>"Last seen"</span>
                    </div>
                    {move || {
                        view! {
                            <KeyedRows
                                keys=Signal::derive(move || keys.get())
                                label="Resources"
                                row_height=if narrow.get() { NARROW } else { WIDE }
                                row=move |resource| view! { <Row resource=resource rows=by_resource /> }
                            />
                        }
                    }}
                </div>
            </Show>
        </section>
    }
}

fn words(words: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = words
        .iter()
        .map(|(word, shown)| ((*word).to_owned(), (*shown).to_owned()));
    owned.collect()
}
