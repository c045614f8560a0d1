//! What became of each target.

use leptos::prelude::*;
use leptos_router::components::A;
use serde_json::Value;

use crate::api::{self, ApiError};
use crate::model::{Spread, SpreadRow};
use crate::parts::{Mode, Outside, Tag};
use crate::session::Visitor;
use crate::text::counted;

/// An answer, or why there is none.
pub(super) type Answer = Option<Result<Spread, ApiError>>;

/// Asks for a change of many; who is not signed in any more is asked to.
pub(super) async fn spread(visitor: Visitor, path: &str, body: &Value) -> Result<Spread, ApiError> {
    let answered = api::post::<Spread>(path, body).await;
    if answered.as_ref().is_err_and(ApiError::is_unauthenticated) {
        visitor.left();
    }
    answered
}

/// The answer, if there is one.
#[component]
pub(super) fn Answered(answer: RwSignal<Answer>) -> impl IntoView {
    view! {
        <div role="status">
            {move || match answer.get() {
                None => ().into_any(),
                Some(Ok(spread)) => view! { <Table spread=spread /> }.into_any(),
                Some(Err(error)) => view! { <Refused error=error /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Table(spread: Spread) -> impl IntoView {
    let count = spread.targets.len() as u64;
    let changed = spread.targets.iter().filter(|row| row.status == "changed").count();
    let rows = spread
        .targets
        .into_iter()
        .map(|row| {
            let SpreadRow {
                resource,
                status,
                mode,
                revision,
                error,
            } = row;
            let tone = match status.as_str() {
                "changed" => "good",
                "unchanged" => "plain",
                _ => "bad",
            };
            let place = format!("/resources/{}/rules", resource.place());
            view! {
                <tr>
                    <th scope="row">
                        <A href=place>
                            <Outside text=resource.label() />
                        </A>
                    </th>
                    <td>
                        <Tag text=status tone=tone />
                        {error
                            .map(|error| {
                                view! {
                                    <span class="wrong">
                                        " "
                                        <Outside text=error />
                                    </span>
                                }
                            })}
                    </td>
                    <td>{mode.map(|mode| view! { <Mode mode=mode /> })}</td>
                    <td class="number">{revision}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <p>{format!("{}, {changed} changed.", counted(count, "target", "targets"))}</p>
        <div class="scroll preview-rows" tabindex="0" role="region" aria-label="Targets">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Target"</th>
                        <th scope="col">"Result"</th>
                        <th scope="col">"Mode"</th>
                        <th scope="col" class="number">
                            "Revision"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// Why nothing was changed: what is wrong, line by line.
#[component]
pub(super) fn Refused(error: ApiError) -> impl IntoView {
    let lines = error
        .message
        .lines()
        .map(|line| {
            view! {
                <li>
                    <Outside text=line.to_owned() />
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="panel refused" role="alert">
            <p class="wrong">"Nothing was changed:"</p>
            <ul>{lines}</ul>
        </div>
    }
}
