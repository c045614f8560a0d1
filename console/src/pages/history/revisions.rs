//! The list of revisions, and which of them are compared.

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::query_signal_with_options;

use super::diff::Diff;
use super::rollback::Going;
use crate::app::Workload;
use crate::model::Revision;
use crate::parts::{Button, Mode, Moment, Outside, Tag};
use crate::text::grouped;

/// How many are shown before somebody asks for more.
const STEP: usize = 50;

/// The latest first.
#[component]
pub(super) fn Revisions(workload: Workload, rows: Signal<Vec<Revision>>, back: Going) -> impl IntoView {
    let options = NavigateOptions {
        replace: true,
        scroll: false,
        ..NavigateOptions::default()
    };
    let (kept, keep) = query_signal_with_options::<String>("show", options);
    // One or two numbers, which the address bar keeps.
    let chosen = Memo::new(move |_| {
        let text = kept.get().unwrap_or_default();
        text.split(',')
            .filter_map(|number| number.parse().ok())
            .collect::<BTreeSet<i64>>()
    });
    let choose = move |number: i64| {
        let mut chosen = chosen.get_untracked();
        if !chosen.remove(&number) {
            while chosen.len() > 1 {
                chosen.pop_first();
            }
            chosen.insert(number);
        }
        let text: Vec<String> = chosen.iter().map(ToString::to_string).collect();
        keep.set(Some(text.join(",")).filter(|text| !text.is_empty()));
    };
    let pair = Memo::new(move |_| {
        let chosen = chosen.get();
        let numbers: Vec<i64> = rows.with(|rows| rows.iter().map(|row| row.revision).collect());
        let to = chosen.last().copied().filter(|to| numbers.contains(to))?;
        let from = match chosen.first().copied() {
            Some(from) if from != to => Some(from),
            // The one before it; the first has none.
            _ => numbers.iter().copied().find(|number| *number < to),
        };
        Some((from, to))
    });
    let latest = Memo::new(move |_| rows.with(|rows| rows.first().map(|row| row.revision)));
    let most = RwSignal::new(STEP);
    let left = move || rows.with(Vec::len).saturating_sub(most.get());
    let shown = move || rows.with(|rows| rows.iter().take(most.get()).cloned().collect::<Vec<_>>());
    view! {
        <p class="hint">
            "Choose one revision to see what it changed, or two to see what is between them."
        </p>
        {move || pair.get().map(|(from, to)| view! { <Diff workload=workload from=from to=to /> })}
        <div class="scroll">
            <table class="revisions">
                <thead>
                    <tr>
                        <th scope="col">"Compare"</th>
                        <th scope="col">"Revision"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Mode"</th>
                        <th scope="col" class="number">
                            "Rules"
                        </th>
                        <th scope="col">
                            <span class="visually-hidden">"Go back"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    <For each=shown key=|row| row.revision let:row>
                        <Row
                            row=row.clone()
                            is_chosen=Signal::derive(move || chosen.with(|chosen| chosen.contains(&row.revision)))
                            is_latest=Signal::derive(move || latest.get() == Some(row.revision))
                            choose=choose
                            back=back
                        />
                    </For>
                </tbody>
            </table>
        </div>
        <Show when=move || left() != 0>
            <Button
                label=Signal::derive(move || format!("Show more ({} left)", left()))
                on_click=move || most.update(|most| *most += STEP * 4)
            />
        </Show>
    }
}

#[component]
fn Row(
    row: Revision,
    is_chosen: Signal<bool>,
    is_latest: Signal<bool>,
    choose: impl Fn(i64) + 'static,
    back: Going,
) -> impl IntoView {
    let Revision {
        revision,
        at,
        author,
        operation,
        note,
        mode,
        rule_count,
    } = row;
    view! {
        <tr class:revision-chosen=move || is_chosen.get()>
            <td>
                <input
                    type="checkbox"
                    aria-label=format!("Compare revision {revision}")
                    prop:checked=move || is_chosen.get()
                    on:change=move |_| choose(revision)
                />
            </td>
            <th scope="row">{revision}</th>
            <td>
                <Moment at=at />
            </td>
            <td>
                <Outside text=author />
            </td>
            <td>
                <Outside text=operation />
                {(!note.is_empty())
                    .then(|| {
                        view! {
                            <span class="hint revision-note">
                                <Outside text=note />
                            </span>
                        }
                    })}
            </td>
            <td>
                <Mode mode=mode />
            </td>
            <td class="number">{grouped(rule_count)}</td>
            <td>
                {move || {
                    if is_latest.get() {
                        view! { <Tag text="latest" tone="info" /> }.into_any()
                    } else {
                        view! {
                            <Button
                                label="Roll back to this…"
                                on_click=move || back.ask(revision)
                                operates=true
                                describe=format!("Roll back to revision {revision}")
                            />
                        }
                            .into_any()
                    }
                }}
            </td>
        </tr>
    }
}
