//! All of the window in a line, and whether there is newer traffic.

use leptos::prelude::*;

use super::looking::Looking;
use crate::clock::{self, Style};
use crate::live::Live;
use crate::model::Summary;
use crate::narrow::RECOMMENDATIONS;
use crate::parts::{Button, Look, Shown, Tag};
use crate::text::{counted, grouped};

/// The line.
#[component]
pub(super) fn Counts(looking: Looking) -> impl IntoView {
    let live = Live::get();
    // Traffic that came after this was asked for. What is being read is not moved; only who waits for the first of it
    // sees it by itself.
    let newer = RwSignal::new(false);
    Effect::new(move |before: Option<u64>| {
        let now = live.audit.get();
        if before.is_some_and(|before| before != now) {
            let is_empty = looking.summary.map(|summary| summary.total == 0).unwrap_or(false);
            if is_empty && !looking.summary.busy.get_untracked() {
                looking.again.update(|again| *again += 1);
            } else {
                newer.set(true);
            }
        }
        now
    });
    Effect::new(move |_| {
        looking.as_of.track();
        newer.set(false);
    });
    view! {
        <Shown load=looking.summary let:summary>
            <Show when=move || summary.with(|summary| summary.total > 0)>
                <p class="network-counts">
                    {move || summary.with(line)}
                    <span class="hint">
                        "as of " {move || clock::local(&looking.as_of.get(), Style::Time)}
                    </span>
                    <Show when=move || newer.get()>
                        <Button
                            label="Show newer traffic"
                            look=Look::Quiet
                            busy=looking.summary.busy
                            on_click=move || looking.again.update(|again| *again += 1)
                        />
                    </Show>
                </p>
            </Show>
        </Shown>
    }
}

fn line(summary: &Summary) -> impl IntoView + use<> {
    let parts = RECOMMENDATIONS.map(|word| {
        let number = summary.by_recommendation.get(word).copied().unwrap_or_default();
        view! { <Tag text=format!("{word} {}", grouped(number)) tone=tone(word) /> }
    });
    view! {
        <span>
            <strong>{counted(summary.total, "destination", "destinations")}</strong>
            ", "
            {counted(summary.requests, "request", "requests")}
        </span>
        {parts.into_iter().collect_view()}
        <span>{format!("{} listed already", grouped(summary.listed))}</span>
    }
}

/// The colour of a recommendation.
pub(super) fn tone(recommendation: &str) -> &'static str {
    match recommendation {
        "keep" => "good",
        "deny" => "bad",
        "question" => "warn",
        _ => "plain",
    }
}
