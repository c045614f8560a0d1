//! Whether the window was long enough to lock down by.

use leptos::prelude::*;

use super::looking::Looking;
use crate::api;
use crate::clock::{self, Style};
use crate::load::Load;
use crate::model::Coverage;
use crate::parts::{Curve, Moment, Outside, Shown, Tag};
use crate::text::counted;

/// The panel. It is asked for when the destinations are there: with very many of them both read the same, and a
/// collector that does both at once shows the list later.
#[component]
pub(super) fn Panel(looking: Looking) -> impl IntoView {
    let is_counted = Memo::new(move |_| looking.summary.map(|_| ()).is_some());
    view! {
        <Show when=move || is_counted.get()>
            <Counted looking=looking />
        </Show>
    }
}

#[component]
fn Counted(looking: Looking) -> impl IntoView {
    let coverage = Load::<Coverage>::new(move || {
        looking.again.track();
        let (query, since) = (looking.resource().query(), looking.narrow.get().since);
        async move { api::get(&format!("/egress/coverage?{query}&since={since}")).await }
    });
    view! {
        <Shown load=coverage let:coverage>
            <Show when=move || coverage.with(|coverage| coverage.requests > 0)>
                <section class="panel network-coverage" aria-label="Coverage">
                    <div class="network-coverage-words">
                        <h3>"Was the window long enough?"</h3>
                        {move || coverage.with(words)}
                    </div>
                    <Show when=move || coverage.with(|coverage| coverage.growth.len() > 1)>
                        <Curve label="Destinations known" of="Day (UTC)" points=Signal::derive(move || points(coverage)) />
                    </Show>
                </section>
            </Show>
        </Shown>
    }
}

fn points(coverage: Signal<Coverage>) -> Vec<(String, u64)> {
    coverage.with(|coverage| {
        let days = coverage.growth.iter();
        // The day alone; it is one of UTC, which is not the viewer's everywhere.
        days.map(|growth| (growth.day.chars().take(10).collect(), growth.total))
            .collect()
    })
}

fn words(coverage: &Coverage) -> impl IntoView + use<> {
    let (text, tone) = match coverage.verdict.as_str() {
        "complete" => ("long enough", "good"),
        "growing" => ("still growing", "warn"),
        "too_short" => ("too short", "warn"),
        _ => ("unknown", "plain"),
    };
    let newest = coverage.last_new_destination.clone().map(|at| {
        view! {
            <p>
                "Last new destination " {clock::ago(&at)} ", " <Moment at=at.clone() />
            </p>
        }
    });
    view! {
        <p>
            <Tag text=text tone=tone />
            " "
            <Outside text=in_zone(&coverage.reason) />
        </p>
        <p>
            {counted(coverage.days, "day", "days")} " with traffic, " <strong>{counted(coverage.requests, "request", "requests")}</strong>
            " to " <strong>{counted(coverage.destinations, "host and port", "hosts and ports")}</strong>
        </p>
        {newest}
    }
}

/// A sentence with its moments in the viewer's zone.
fn in_zone(sentence: &str) -> String {
    let words = sentence.split(' ').map(|word| {
        let moment = word.trim_end_matches(['.', ',', ':', ';']);
        let is_moment = moment.len() >= 20 && moment.ends_with('Z') && moment.get(10..11) == Some("T");
        if is_moment {
            format!("{}{}", clock::local(moment, Style::Short), &word[moment.len()..])
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
