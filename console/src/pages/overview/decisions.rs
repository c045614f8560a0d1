//! Decisions over time.

use leptos::prelude::*;

use crate::api;
use crate::clock::{self, Style};
use crate::load::Load;
use crate::model::Point;
use crate::parts::{Bars, Shown};
use crate::span::Span;
use crate::text::counted;

/// The chart of a window; `again` asks for it anew.
#[component]
pub(super) fn Decisions(span: Memo<Span>, again: ReadSignal<u64>) -> impl IntoView {
    let points = Load::new(move || {
        again.track();
        let Span { word, step, by_day, .. } = span.get();
        async move {
            let path = format!("/egress/timeseries?since={word}&step={step}");
            Ok((by_day, api::list::<Point>(&path).await?.rows))
        }
    });
    view! {
        <section class="panel" aria-label="Decisions over time">
            <Shown load=points let:points>
                {
                    let columns = Signal::derive(move || {
                        points
                            .with(|(by_day, points)| {
                                let style = if *by_day { Style::Day } else { Style::Short };
                                points
                                    .iter()
                                    .map(|point| {
                                        let parts = vec![point.allowed, point.warned, point.rejected];
                                        (clock::local(&point.at, style), parts)
                                    })
                                    .collect()
                            })
                    });
                    view! {
                        <Bars label="Decisions" of="From" parts=vec!["allowed", "warned", "rejected"] columns=columns />
                        <p class="soft">{move || points.with(|(_, points)| summed(points))}</p>
                    }
                }
            </Shown>
        </section>
    }
}

/// What the columns do not show.
fn summed(points: &[Point]) -> String {
    let sum = |of: fn(&Point) -> u64| points.iter().map(of).sum::<u64>();
    let all = sum(|point| point.allowed + point.warned + point.rejected);
    let more = sum(|point| point.would_reject.saturating_sub(point.rejected));
    match (all, more) {
        (0, _) => "No decisions in this window.".to_owned(),
        (_, 0) => "Nothing that was let through would be rejected in enforce.".to_owned(),
        (_, more) => format!(
            "{} let through in audit_only would be rejected in enforce.",
            counted(more, "request that was", "requests that were")
        ),
    }
}
