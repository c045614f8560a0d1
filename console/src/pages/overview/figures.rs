//! The numbers at the top.

use leptos::prelude::*;
use leptos_router::components::A;

use super::Rows;
use crate::span::Span;
use crate::standing::Sums;
use crate::text::{counted, grouped};

/// All rows in numbers.
#[component]
pub(super) fn Figures(rows: Signal<Rows>, span: Memo<Span>) -> impl IntoView {
    let sums = Memo::new(move |_| rows.with(|rows| Sums::of(rows)));
    let number = move |of: fn(&Sums) -> u64| move || grouped(sums.with(of));
    let window = move || span.get().shown;
    view! {
        <dl class="figures-row">
            <div class="figure">
                <dt>"Resources"</dt>
                <dd>{number(|sums| sums.resources)}</dd>
                {move || {
                    let differing = sums.get().differing;
                    (differing > 0)
                        .then(|| {
                            view! {
                                <dd class="figure-more wrong">
                                    <A href="/?show=differs">
                                        <span aria-hidden="true">"⚠ "</span>
                                        {format!(
                                            "{} not as intended",
                                            counted(differing, "is", "are"),
                                        )}
                                    </A>
                                </dd>
                            }
                        })
                }}
            </div>
            <div class="figure">
                <dt>"Proxies live"</dt>
                <dd>{number(|sums| sums.live)}</dd>
                {move || {
                    let lost = u64::try_from(sums.get().lost).unwrap_or_default();
                    (lost > 0)
                        .then(|| {
                            view! {
                                <dd class="figure-more wrong">
                                    <span aria-hidden="true">"⚠ "</span>
                                    {counted(lost, "event lost", "events lost")}
                                </dd>
                            }
                        })
                }}
            </div>
            <div class="figure">
                <dt>"Requests"</dt>
                <dd>{number(|sums| sums.requests)}</dd>
                <dd class="figure-more">"in " {window}</dd>
            </div>
            <div class="figure">
                <dt>"Rejected"</dt>
                <dd>{number(|sums| sums.rejected)}</dd>
                {move || {
                    let sums = sums.get();
                    let more = sums.would_reject.saturating_sub(sums.rejected);
                    (more > 0)
                        .then(|| {
                            view! { <dd class="figure-more">{grouped(more)} " more would be in enforce"</dd> }
                        })
                }}
            </div>
            <div class="figure">
                <dt>"Pending"</dt>
                <dd>
                    <A href="/pending">
                        {number(|sums| sums.pending)} <span class="visually-hidden">" hosts wait for a decision"</span>
                    </A>
                </dd>
                <dd class="figure-more">"wait for a decision"</dd>
            </div>
        </dl>
    }
}
