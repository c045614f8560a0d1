//! The policy as a file: taken out, and brought in.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};
use sluice_policy::PolicyRead;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::spread::{Answer, Answered, Refused, spread};
use crate::api::{self, ApiError};
use crate::app::Workload;
use crate::model::Finding;
use crate::pages::rules::Line;
use crate::parts::{Button, Check, Dialog, Field, Look, Outside};
use crate::session::Visitor;
use crate::targets::targets;
use crate::text::counted;

/// The largest file that is read, in bytes.
const LARGEST: f64 = 64.0 * 1024.0 * 1024.0;

/// A link that saves the policy.
#[component]
pub(super) fn Export(workload: Workload) -> impl IntoView {
    move || {
        workload.policy().map(|policy| {
            let place = workload.resource.get().label().replace('/', "-");
            view! {
                <a
                    class="button"
                    href=api::url(&format!("/egress/policies/{}/export", policy.id))
                    download=format!("{place}.policy.json")
                    rel="external"
                >
                    "Export"
                </a>
            }
        })
    }
}

/// The button and what it opens.
#[component]
pub(super) fn Apply(workload: Workload) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <Button label="Apply a file…" on_click=move || open.set(true) operates=true />
        <Dialog open=open title="Apply a file" wide=true>
            <Form workload=workload open=open />
        </Dialog>
    }
}

/// A file that was chosen.
#[derive(Debug, Clone, PartialEq)]
struct Chosen {
    name: String,
    policy: Value,
    /// What the collector says of it.
    checked: Result<Vec<Finding>, ApiError>,
}

#[component]
fn Form(workload: Workload, open: RwSignal<bool>) -> impl IntoView {
    let visitor = Visitor::get();
    let (chosen, unread) = (RwSignal::new(None::<Chosen>), RwSignal::new(None::<String>));
    let (elsewhere, to, note) = (
        RwSignal::new(false),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let (reading, busy) = (RwSignal::new(false), RwSignal::new(false));
    let answer = RwSignal::new(Answer::None);
    let take = move |event: leptos::ev::Event| {
        let input = event.target().unwrap_or(JsValue::NULL.unchecked_into());
        let resource = workload.resource.get_untracked();
        chosen.set(None);
        unread.set(None);
        answer.set(None);
        reading.set(true);
        spawn_local(async move {
            let read = match text_of(&input).await {
                Ok(Some((name, text))) => parsed(&text).map(|policy| Some((name, policy))),
                Ok(None) => Ok(None),
                Err(why) => Err(why),
            };
            match read {
                Ok(Some((name, policy))) => {
                    let mut question = json!({"policy": policy, "resource_type": resource.kind});
                    if !resource.is_tenant() {
                        question["resource_id"] = json!(resource.id);
                    }
                    let checked = api::ask::<Finding>("/egress/lint", &question).await;
                    let _ = chosen.try_set(Some(Chosen { name, policy, checked }));
                }
                Ok(None) => {}
                Err(why) => {
                    let _ = unread.try_set(Some(why));
                }
            }
            let _ = reading.try_set(false);
        });
    };
    let wrong = Signal::derive(move || {
        let wrong = targets(&to.get()).err();
        wrong.filter(|_| !to.with(String::is_empty))
    });
    let is_ready = move || {
        let is_sound = chosen.with(|chosen| chosen.as_ref().is_some_and(|chosen| chosen.checked.is_ok()));
        is_sound && (!elsewhere.get() || targets(&to.get()).is_ok())
    };
    let apply = move || {
        let (Some(policy), Some(chosen)) = (workload.policy(), chosen.get_untracked()) else {
            return;
        };
        let mut body = json!({"policy": chosen.policy, "note": note.get_untracked().trim()});
        if elsewhere.get_untracked() {
            let Ok(targets) = targets(&to.get_untracked()) else {
                return;
            };
            body["targets"] = Value::Array(targets);
        }
        busy.set(true);
        spawn_local(async move {
            let answered = spread(visitor, &format!("/egress/policies/{}/apply", policy.id), &body).await;
            if answered.is_ok() {
                workload.policy.reload();
                workload.overview.reload();
            }
            let _ = answer.try_set(Some(answered));
            let _ = busy.try_set(false);
        });
    };
    view! {
        <p>
            "The file's rules replace all that are there; its mode and default too, where it names them. It is checked before anything is changed."
        </p>
        <div class="field">
            <label for="policy-file">"Policy file (JSON)"</label>
            <input id="policy-file" type="file" accept=".json,application/json" on:change=take />
        </div>
        <div role="status">
            {move || reading.get().then(|| view! { <p class="hint">"Reading and checking…"</p> })}
            {move || {
                unread
                    .get()
                    .map(|why| {
                        view! {
                            <p class="wrong">
                                <Outside text=why />
                            </p>
                        }
                    })
            }}
            {move || chosen.get().map(|chosen| view! { <Checked chosen=chosen /> })}
        </div>
        <Check
            label="To other resources instead of this one"
            value=elsewhere
            hint="Otherwise it is applied here alone."
        />
        <Show when=move || elsewhere.get()>
            <Field
                label="Targets"
                value=to
                hint="sandbox/sb_2, computer/*, template/base, tenant; separated by commas"
                error=wrong
            />
        </Show>
        <Field label="Note" value=note hint="Why, for the history" />
        <p class="actions">
            <Button
                label="Apply"
                on_click=apply
                look=Look::Primary
                operates=true
                disabled=Signal::derive(move || !is_ready())
                busy=busy
            />
            <Button label="Close" on_click=move || open.set(false) />
        </p>
        <Answered answer=answer />
    }
}

/// What the collector says of a file.
#[component]
fn Checked(chosen: Chosen) -> impl IntoView {
    let text = |member: &str| {
        chosen
            .policy
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or("as it is")
            .to_owned()
    };
    let count = chosen.policy.get("rules").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let summary = format!(
        ": {}, mode {}, default {}",
        counted(count, "rule", "rules"),
        text("mode"),
        text("default_effect")
    );
    view! {
        <p>
            <Outside text=chosen.name />
            <Outside text=summary />
        </p>
        {match chosen.checked {
            Err(error) => view! { <Refused error=error /> }.into_any(),
            Ok(findings) if findings.is_empty() => view! { <p class="hint">"Nothing stands out."</p> }.into_any(),
            Ok(findings) => {
                let lines = findings.into_iter().map(|finding| view! { <Line finding=finding /> }).collect_view();
                view! { <ul class="lint">{lines}</ul> }.into_any()
            }
        }}
    }
}

/// Name and text of the file in an input; nothing if there is none.
async fn text_of(input: &JsValue) -> Result<Option<(String, String)>, String> {
    let member = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &JsValue::from_str(name)).ok();
    let file = member(input, "files").and_then(|files| member(&files, "0"));
    let Some(file) = file.and_then(|file| file.dyn_into::<web_sys::Blob>().ok()) else {
        return Ok(None);
    };
    if file.size() > LARGEST {
        return Err("The file is larger than any policy".to_owned());
    }
    let name = member(&file, "name")
        .and_then(|name| name.as_string())
        .unwrap_or_default();
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
    match text {
        Some(text) => Ok(Some((name, text))),
        None => Err(format!("{name} could not be read")),
    }
}

/// The policy of a text. Members that are there twice are found here, because JSON on its way keeps one of them.
fn parsed(text: &str) -> Result<Value, String> {
    let twice: Vec<String> = match PolicyRead::from_json(text.as_bytes()).map(|read| read.policy().err()) {
        Err(problems) => return Err(problems.to_string()),
        Ok(problems) => {
            let all = problems.into_iter().flatten();
            all.filter(|problem| problem.value == "twice")
                .map(|problem| problem.to_string())
                .collect()
        }
    };
    if !twice.is_empty() {
        return Err(twice.join("\n"));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}
