//! The rules of the list that is about to be applied.

use std::sync::Arc;

use leptos::prelude::*;

use crate::parts::{Check, Field, Outside, Tag};
use crate::plan::{Line, Plan};
use crate::text::{counted, grouped};

/// How many are shown together.
const SHOWN: usize = 200;
/// From how many on they can be searched.
const MANY: usize = 15;

/// The list.
#[component]
pub(super) fn Rules(plan: Arc<Plan>) -> impl IntoView {
    let (count, added) = (plan.list.rules.len(), plan.list.added);
    let plan = StoredValue::new(plan);
    let (part, new) = (RwSignal::new(String::new()), RwSignal::new(false));
    let found = move || {
        let (part, only_new) = (part.get(), new.get());
        plan.with_value(|plan| {
            let (mut shown, mut more) = (Vec::new(), 0_u64);
            for (rule, is_new) in plan.rules().filter(|(_, is_new)| *is_new || !only_new) {
                let line = Line::of(rule);
                if !line.has(&part) {
                    continue;
                }
                if shown.len() < SHOWN {
                    shown.push(row(line, is_new));
                } else {
                    more += 1;
                }
            }
            view! {
                <tbody>{shown}</tbody>
                {(more > 0)
                    .then(|| {
                        view! {
                            <tfoot>
                                <tr>
                                    <td colspan="4">{format!("and {} more: search for them", grouped(more))}</td>
                                </tr>
                            </tfoot>
                        }
                    })}
            }
        })
    };
    view! {
        <details class="sheet-part" open={count <= SHOWN}>
            <summary>
                <h3>"The list"</h3>
                " "
                <Tag text=counted(count as u64, "rule", "rules") />
                " "
                <Tag text=format!("{} new", grouped(added)) tone={if added > 0 { "info" } else { "plain" }} />
            </summary>
            {(count > MANY)
                .then(|| {
                    view! {
                        <div class="bar">
                            <div class="grow">
                                <Field label="Search" value=part kind="search" />
                            </div>
                            <Check label="New ones alone" value=new />
                        </div>
                    }
                })}
            <div class="sheet-scroll" tabindex="0" role="group" aria-label="Rules of the list">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Effect"</th>
                            <th scope="col">"Host"</th>
                            <th scope="col">"Only"</th>
                            <th scope="col">"Note"</th>
                        </tr>
                    </thead>
                    {found}
                </table>
            </div>
        </details>
    }
}

fn row(line: Line, is_new: bool) -> impl IntoView {
    let tone = match line.effect.as_str() {
        "allow" => "good",
        _ => "bad",
    };
    view! {
        <tr>
            <td>
                <Tag text=line.effect tone=tone />
                {is_new.then(|| view! { " " <Tag text="new" tone="info" /> })}
            </td>
            <th scope="row" class="mono">
                <Outside text=line.host />
            </th>
            <td>
                <Outside text=line.only />
            </td>
            <td>
                <Outside text=line.note />
            </td>
        </tr>
    }
}
