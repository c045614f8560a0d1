//! What would not simply pass, as a table that can be searched.

use leptos::prelude::*;

use crate::model;
use crate::parts::{Field, Moment, Outside, Tag};
use crate::text::{counted, grouped};

/// How many are shown together.
const SHOWN: usize = 200;
/// From how many on they can be searched.
const MANY: usize = 15;

/// The table; nothing if there are none.
#[component]
pub(super) fn Affected(
    rows: Vec<model::Affected>,
    /// What they have in common.
    title: &'static str,
    /// Whether it breaks something that works today.
    #[prop(default = false)]
    breaks: bool,
    /// Whether it is unfolded at first.
    #[prop(default = false)]
    open: bool,
) -> impl IntoView {
    let count = rows.len();
    if count == 0 {
        return ().into_any();
    }
    let (rows, part) = (StoredValue::new(rows), RwSignal::new(String::new()));
    let found = move || {
        let part = part.get().trim().to_lowercase();
        rows.with_value(|rows| {
            let found: Vec<&model::Affected> = rows.iter().filter(|row| row.host.contains(&part)).collect();
            let more = found.len().saturating_sub(SHOWN);
            let shown = found.into_iter().take(SHOWN).map(line).collect_view();
            view! {
                <tbody>{shown}</tbody>
                {(more > 0)
                    .then(|| {
                        view! {
                            <tfoot>
                                <tr>
                                    <td colspan="4">{format!("and {} more: search for them", grouped(more as u64))}</td>
                                </tr>
                            </tfoot>
                        }
                    })}
            }
        })
    };
    view! {
        <details class="sheet-part" class:sheet-breaks=breaks open=open>
            <summary>
                <h3>{title}</h3>
                " "
                <Tag
                    text=counted(count as u64, "destination", "destinations")
                    tone=if breaks { "bad" } else { "plain" }
                />
            </summary>
            {(count > MANY).then(|| view! { <Field label="Search" value=part kind="search" /> })}
            <div class="sheet-scroll" tabindex="0" role="group" aria-label=title>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Destination"</th>
                            <th scope="col" class="number">
                                "Requests"
                            </th>
                            <th scope="col">"Last seen"</th>
                            <th scope="col">"By"</th>
                        </tr>
                    </thead>
                    {found}
                </table>
            </div>
        </details>
    }
    .into_any()
}

fn line(row: &model::Affected) -> impl IntoView + use<> {
    let port = row.port.map(|port| format!(":{port}")).unwrap_or_default();
    let nearest = row.nearest.clone().map(|nearest| {
        view! {
            <span class="hint">
                " nearest " <Outside text=nearest.rule_id /> " (" <Outside text=nearest.why /> ")"
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row" class="mono">
                <Outside text=row.host.clone() />
                {port}
            </th>
            <td class="number">{grouped(row.count)}</td>
            <td>
                <Moment at=row.last_seen.clone() />
            </td>
            <td>{by(row)} {nearest}</td>
        </tr>
    }
}

/// What rejects it, or lets it pass on trial.
fn by(row: &model::Affected) -> impl IntoView + use<> {
    let by = row
        .rejected_by
        .clone()
        .or_else(|| row.rule_id.clone())
        .unwrap_or_default();
    let reason = match by.as_str() {
        "default_deny" => Some("no rule allows it"),
        "private_address" => Some("it leads to an address that is not public"),
        "self" => Some("it is the proxy itself"),
        "invalid_authority" => Some("it is no valid target"),
        "sni_missing" => Some("it names no server in TLS"),
        "sni_mismatch" => Some("it names another server in TLS"),
        "no_policy" | "no_resource" => Some("there is no policy for it"),
        _ => None,
    };
    match reason {
        Some(reason) => view! { <span title=by>{reason}</span> }.into_any(),
        None => {
            let what = if row.action == "reject" {
                "denied by rule "
            } else {
                "rule "
            };
            view! { <span>{what} <Outside text=by /></span> }.into_any()
        }
    }
}
