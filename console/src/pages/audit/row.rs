//! A decision in a line, and opened.

use std::sync::Arc;

use leptos::prelude::*;

use super::detail::Detail;
use super::feed::Feed;
use super::list::Window;
use crate::audit_words::{by, nearest, outcome, request, target};
use crate::clock::{self, Style};
use crate::model::AuditRow;
use crate::parts::{Action, Mode, Outside, Tag};
use crate::text::counted;

/// A row of the list.
#[component]
pub(super) fn Row(
    /// Its place, which stays.
    place: i64,
    /// What is in it.
    row: Arc<AuditRow>,
    /// Where it is from.
    feed: Feed,
    /// The box it is in.
    window: Window,
    /// The place of the row that Tab leads to.
    stop: Memo<Option<i64>>,
) -> impl IntoView {
    let (id, mine, own) = (row.id.clone(), row.id.clone(), format!("audit-{}", row.id));
    let is_open = Memo::new(move |_| feed.open.with(|open| open.as_deref() == Some(id.as_str())));
    let turn = move |_| {
        let next = (!is_open.get_untracked()).then(|| mine.clone());
        feed.open.set(next);
    };
    let index = move || feed.trail.with(|trail| place + trail.added() + 1);
    let controls = own.clone();
    let opened = row.clone();
    view! {
        <li class="audit-row" class:audit-row-open=move || is_open.get() aria-posinset=move || index().to_string() aria-setsize="-1">
            <button
                type="button"
                class="audit-row-head audit-grid"
                aria-expanded=move || is_open.get().to_string()
                aria-controls=move || is_open.get().then(|| controls.clone())
                tabindex=move || if stop.get() == Some(place) { "0" } else { "-1" }
                data-place=place.to_string()
                on:click=turn
                on:focus=move |_| window.came(place)
                on:keydown=move |event| window.key(place, &event)
            >
                <Line row=row />
            </button>
            {move || {
                is_open
                    .get()
                    .then(|| {
                        view! {
                            <div class="audit-open" id=own.clone()>
                                <Detail row=opened.clone() window=window />
                            </div>
                        }
                    })
            }}
        </li>
    }
}

/// What is in the line.
#[component]
fn Line(row: Arc<AuditRow>) -> impl IntoView {
    let is_invalid = row.host.is_none();
    let request = match request(&row) {
        Some(request) => view! { <Outside text=request /> }.into_any(),
        None => view! { <span class="audit-opaque">"opaque"</span> }.into_any(),
    };
    let decided = by(&row).map_or_else(
        || view! { <span class="audit-soft">"no rule"</span> }.into_any(),
        |by| view! { <Outside text=by.to_owned() /> }.into_any(),
    );
    let day = clock::local(&row.timestamp, Style::Day);
    view! {
        <time class="audit-time" datetime=row.timestamp.clone() title=format!("{} {}", day, row.timestamp)>
            <span>{clock::local(&row.timestamp, Style::Time)}</span>
            " "
            <span class="audit-soft">{day.clone()}</span>
        </time>
        <span class="audit-action">
            <Action action=row.action.clone() would_reject=row.would_reject && row.action != "reject" />
            " "
            <Mode mode=row.mode.clone() />
        </span>
        <span class="audit-resource">
            <Outside text=row.resource.label() />
        </span>
        <span class="audit-target">
            <span class="audit-host">
                <Outside text=target(&row) />
                {is_invalid.then(|| view! { " " <Tag text="invalid" tone="bad" /> })}
                {(row.count > 1).then(|| view! { " " <Tag text=format!("× {}", counted(row.count, "time", "times")) tone="info" /> })}
            </span>
            " "
            <span class="audit-soft">{request}</span>
        </span>
        <span class="audit-by">
            <span class="visually-hidden">"by "</span>
            {decided}
            " "
            {row.nearest.as_ref().map(|found| view! { <span class="audit-soft"><Outside text=nearest(found) /></span> })}
        </span>
        <span class="audit-outcome">
            <Outside text=outcome(&row) />
        </span>
    }
}
