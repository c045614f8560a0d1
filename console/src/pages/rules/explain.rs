//! Trying a host: what the policy in force says of it, and why.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::api;
use crate::model::{Explanation, Matched};
use crate::parts::{Action, Button, Field, Look, Messages, Outside};

/// The field and the answer.
#[component]
pub(super) fn TryHost(desk: Desk) -> impl IntoView {
    let messages = Messages::get();
    let (target, method, path) = (
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let (answer, busy) = (RwSignal::new(None::<Explanation>), RwSignal::new(false));
    // What was answered about another resource says nothing about this one.
    Effect::new(move |_| {
        desk.workload.resource.track();
        answer.set(None);
    });
    let ask = move || {
        let text = |signal: RwSignal<String>| Some(signal.get_untracked()).filter(|text| !text.trim().is_empty());
        let Some(host) = text(target) else { return };
        let resource = desk.workload.resource.get_untracked();
        let mut question = json!({"target": host.trim(), "resource_type": resource.kind});
        if !resource.is_tenant() {
            question["resource_id"] = json!(resource.id);
        }
        for (member, value) in [("method", text(method)), ("path", text(path))] {
            if let Some(value) = value {
                question[member] = json!(value.trim());
            }
        }
        busy.set(true);
        spawn_local(async move {
            match api::post::<Explanation>("/egress/explain", &question).await {
                Ok(explanation) => {
                    let _ = answer.try_set(Some(explanation));
                }
                Err(error) => messages.fail(&error),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <section class="try">
            <h2>"Try a host"</h2>
            <form
                class="bar"
                on:submit=move |event| event.prevent_default()
            >
                <div class="grow">
                    <Field
                        label="Host, host:port or URL"
                        value=target
                        hint="Judged byte for byte as the filter would. Without a method it is an opaque connection; without a port it is 443."
                    />
                </div>
                <Field label="Method" value=method hint="GET, if it is visible" />
                <Field label="Path" value=path hint="/v1/models" />
                <div class="try-go">
                    <Button label="Explain" on_click=ask look=Look::Primary busy=busy submit=true />
                </div>
            </form>
            <div role="status">
                {move || answer.get().map(|explanation| view! { <Answer desk=desk explanation=explanation /> })}
            </div>
        </section>
    }
}

#[component]
fn Answer(desk: Desk, explanation: Explanation) -> impl IntoView {
    let names = untrack(|| desk.names());
    let member = |name: &str| {
        explanation
            .canonical
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let canonical = match (member("host"), member("error")) {
        (Some(host), _) => {
            let port = explanation.canonical.get("port").and_then(Value::as_u64);
            let port = port.map(|port| format!(", port {port}")).unwrap_or_default();
            let kind = member("kind").unwrap_or_default();
            format!("{host}{port} ({kind})")
        }
        (None, Some(error)) => format!("no target: {} ({error})", member("reason").unwrap_or_default()),
        (None, None) => String::new(),
    };
    let by = explanation.rejected_by.as_deref().or(explanation.rule_id.as_deref());
    let by = by.map_or_else(|| "the default".to_owned(), |by| names.of(by));
    let nearest = explanation.nearest.as_ref().map(|nearest| names.nearly(nearest));
    let none = explanation.matches.is_empty();
    let rows = explanation
        .matches
        .iter()
        .map(|matched| {
            let Matched {
                rule_id,
                scope,
                effect,
                won,
                why,
            } = matched.clone();
            view! {
                <tr>
                    <th scope="row">
                        <Outside text=names.of(&rule_id) />
                    </th>
                    <td>{effect}</td>
                    <td>{scope}</td>
                    <td>{if won { "decides" } else { "does not decide" }} ": " <Outside text=why /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="panel">
            <p>
                <Action action=explanation.action would_reject=explanation.would_reject />
                " by "
                <Outside text=by />
                {nearest
                    .map(|text| {
                        view! {
                            ". Nearest: "
                            <Outside text=text />
                        }
                    })}
            </p>
            <p>"Canonical form: " <code><Outside text=canonical /></code></p>
            {if none {
                view! { <p class="hint">"No rule matches it."</p> }.into_any()
            } else {
                view! {
                    <div class="scroll">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Rule"</th>
                                    <th scope="col">"Effect"</th>
                                    <th scope="col">"Whose"</th>
                                    <th scope="col">"Why"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }}
        </div>
    }
}
