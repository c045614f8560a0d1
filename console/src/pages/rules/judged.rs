//! What a change makes of what was recorded, as a table that changes with every key.

use leptos::prelude::*;
use sluice_policy::Mode;

use super::desk::{Desk, MOST, Names, Recorded};
use crate::parts::{Action, Outside, Shown, Tag};
use crate::preview::{Edit, Ground, Matched, Outcome, Preview, Row};
use crate::text::{counted, grouped};

/// How many rows are shown.
const SHOWN: usize = 60;

/// The preview of a change; `None` while the rule is none.
#[component]
pub(super) fn Judged(desk: Desk, edit: Signal<Option<Edit>>) -> impl IntoView {
    let recorded = desk.recorded();
    view! {
        <section class="preview" aria-label="Preview">
            <h3>"Against the last 7 days"</h3>
            <Shown
                load=recorded
                children=move |recorded| {
                    let names = Memo::new(move |_| desk.names());
                    let ground = Memo::new(move |_| desk.ground());
                    let preview = Memo::new(move |_| {
                        let (ground, _) = ground.get()?;
                        let edit = edit.get()?;
                        recorded.with(|recorded| ground.preview(&edit, &recorded.rows).ok())
                    });
                    view! {
                        <Limits desk=desk recorded=recorded ground=ground />
                        {move || match preview.get() {
                            Some(preview) => {
                                let mode = ground.get().map_or(Mode::AuditOnly, |(ground, _)| ground.mode());
                                view! { <Judgement preview=preview mode=mode names=names.get() /> }.into_any()
                            }
                            None => {
                                view! { <p class="hint">"Write a host, and see here what the rule does."</p> }.into_any()
                            }
                        }}
                    }
                }
            />
        </section>
    }
}

/// What the preview does not know.
#[component]
fn Limits(desk: Desk, recorded: Signal<Recorded>, ground: Memo<Option<(Ground, bool)>>) -> impl IntoView {
    let more = move || {
        recorded.with(|recorded| {
            let (all, some) = (recorded.total, recorded.rows.len() as u64);
            (all > some).then(|| {
                format!(
                    "Judged are the {} most requested of {}.",
                    grouped(some.min(MOST)),
                    counted(all, "destination", "destinations")
                )
            })
        })
    };
    let none = move || recorded.with(|recorded| recorded.rows.is_empty());
    let whose = move || match desk.workload.resource.with(|resource| resource.kind.clone()).as_str() {
        "tenant" => Some("Judged is the traffic of all resources, as if none had rules of its own."),
        "template" => Some("A template has no traffic of its own: what it was copied to has."),
        _ => None,
    };
    let blind = move || ground.get().is_some_and(|(_, knows_tenant)| !knows_tenant);
    view! {
        <p class="hint">{whose}</p>
        <p class="hint">{more}</p>
        <p class="hint">
            {move || none().then_some("Nothing was recorded yet, so there is nothing to judge: run the workload first.")}
        </p>
        <p class="hint wrong">
            {move || blind().then_some("The tenant's rules could not be read: what they deny is not in this preview.")}
        </p>
    }
}

#[component]
fn Judgement(preview: Preview, mode: Mode, names: Names) -> impl IntoView {
    let counts = preview.counts;
    let requests = |number| counted(number, "request", "requests");
    let sums = [
        (counts.opened, "good", "would pass that would not pass now"),
        (counts.stopped, "bad", "would be rejected that would pass now"),
        (
            counts.rewarned,
            "warn",
            "pass before and after, with a warning on one side only",
        ),
        (
            counts.uncertain,
            "plain",
            "cannot be told: method, path or address was not recorded",
        ),
    ];
    let sums = sums
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, tone, what)| {
            view! { <li><Tag text=requests(number) tone=tone /> " " {what}</li> }
        })
        .collect_view();
    let matched = format!(
        "Matches {}, {}.",
        counted(counts.destinations, "destination", "destinations"),
        requests(counts.requests)
    );
    let unchanged = counts.opened == 0 && counts.stopped == 0 && counts.rewarned == 0;
    let left = preview.rows.len().saturating_sub(SHOWN);
    let is_empty = preview.rows.is_empty();
    let rows = preview
        .rows
        .into_iter()
        .take(SHOWN)
        .map(|row| view! { <JudgedRow row=row mode=mode names=names.clone() /> })
        .collect_view();
    let audit_only = (mode == Mode::AuditOnly && !is_empty).then_some(
        "The mode is audit_only: whatever would be rejected still passes. The counts say what enforce would do.",
    );
    view! {
        <div role="status">
            <p>{matched}</p>
            <ul class="preview-sums">{sums}</ul>
            {unchanged.then_some(view! { <p class="hint">"It changes nothing for what was recorded."</p> })}
            <p class="hint">{audit_only}</p>
        </div>
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="scroll preview-rows" tabindex="0" role="region" aria-label="Destinations, changes first">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Destination"</th>
                                    <th scope="col" class="number">
                                        "Requests"
                                    </th>
                                    <th scope="col">"Now → with this change"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        {(left > 0).then(|| view! { <p class="hint">{format!("and {} more", grouped(left as u64))}</p> })}
    }
}

#[component]
fn JudgedRow(row: Row, mode: Mode, names: Names) -> impl IntoView {
    let port = if row.port == 0 {
        ":*".to_owned()
    } else {
        format!(":{}", row.port)
    };
    let is_changed = row.is_changed();
    let perhaps = (row.matched == Matched::Perhaps).then_some("matched perhaps");
    let gone = (row.matched == Matched::No).then_some("not matched any more");
    let examples = row.examples.join("; ");
    view! {
        <tr class:preview-changed=is_changed>
            <th scope="row">
                <code>
                    <Outside text=format!("{}{port}", row.host) />
                </code>
                {(!examples.is_empty())
                    .then(|| {
                        view! {
                            <span class="hint preview-examples">
                                <Outside text=examples />
                            </span>
                        }
                    })}
                <span class="hint">{perhaps} {gone}</span>
            </th>
            <td class="number">{grouped(row.count)}</td>
            <td>
                {if is_changed {
                    view! {
                        <Fare outcome=row.before mode=mode names=names.clone() />
                        <span class="preview-to">"→"</span>
                        <span class="visually-hidden">" becomes "</span>
                        <Fare outcome=row.after mode=mode names=names />
                    }
                        .into_any()
                } else {
                    view! {
                        <Fare outcome=row.after mode=mode names=names />
                        <span class="hint">" as now"</span>
                    }
                        .into_any()
                }}
            </td>
        </tr>
    }
}

/// How a request fares, and by what.
#[component]
fn Fare(outcome: Outcome, mode: Mode, names: Names) -> impl IntoView {
    let (action, would_reject) = outcome.in_mode(mode);
    let by = outcome.rejected_by.as_deref().or(outcome.rule_id.as_deref());
    let by = by.map_or_else(|| "the default".to_owned(), |by| names.of(by));
    let nearest = outcome.nearest().map(|nearest| names.nearly(&nearest));
    view! {
        <span class="fare">
            <Action action=action would_reject=would_reject />
            {outcome.is_uncertain.then(|| view! { <Tag text="uncertain" /> })}
            <span class="hint">
                "by " <Outside text=by />
                {nearest
                    .map(|text| {
                        view! {
                            "; "
                            <Outside text=text />
                        }
                    })}
            </span>
        </span>
    }
}
