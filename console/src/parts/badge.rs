//! Words in a frame: modes, actions, classes. The word says it; the colour only helps.

use leptos::prelude::*;

/// A word in a frame. `tone` is `good`, `bad`, `warn`, `info` or `plain`.
#[component]
pub(crate) fn Tag(#[prop(into)] text: String, #[prop(default = "plain")] tone: &'static str) -> impl IntoView {
    view! { <span class=format!("tag tag-{tone}")>{text}</span> }
}

/// A mode.
#[component]
pub(crate) fn Mode(#[prop(into)] mode: String) -> impl IntoView {
    let tone = match mode.as_str() {
        "enforce" => "good",
        "audit_only" => "info",
        _ => "plain",
    };
    view! { <Tag text=mode tone=tone /> }
}

/// What was done with a request; `would_reject` adds what enforce would do.
#[component]
pub(crate) fn Action(#[prop(into)] action: String, #[prop(default = false)] would_reject: bool) -> impl IntoView {
    let tone = match action.as_str() {
        "allow" if would_reject => "warn",
        "allow" => "good",
        "warn" => "warn",
        "reject" => "bad",
        _ => "plain",
    };
    let text = match (action.as_str(), would_reject) {
        ("allow", true) => "allow (would reject)".to_owned(),
        _ => action,
    };
    view! { <Tag text=text tone=tone /> }
}
