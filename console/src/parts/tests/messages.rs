//! What was done and what was not, on the page and above it.

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::api::ApiError;
use crate::parts::{Dialog, MessagesRegion};
use crate::session::Known;
use crate::stage::{Stage, bounds, settle, until};

fn failure(message: &str) -> ApiError {
    ApiError {
        status: 500,
        message: message.to_owned(),
        ..ApiError::default()
    }
}

/// The page's region, and two dialogs, of which the second can be opened above the first.
fn shown() -> (Stage, RwSignal<bool>, RwSignal<bool>) {
    let (stage, (lower, upper)) = Stage::with("admin", || {
        let (lower, upper) = (RwSignal::new(false), RwSignal::new(false));
        let view = view! {
            <section class="page">
                <MessagesRegion />
            </section>
            <section class="lower">
                <Dialog open=lower title="Lower">"…"</Dialog>
            </section>
            <section class="upper">
                <Dialog open=upper title="Upper">"…"</Dialog>
            </section>
        };
        (view, (lower, upper))
    });
    (stage, lower, upper)
}

/// The messages in each of the three.
fn told(stage: &Stage) -> [Vec<String>; 3] {
    ["page", "lower", "upper"].map(|place| stage.texts(&format!(".{place} [role=status] .message p")))
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
async fn good_news_go_by_themselves_and_bad_news_stay_until_they_are_closed() {
    let (stage, ..) = shown();
    stage.messages.say("Saved");
    stage.messages.fail(&failure("<b>Not</b> saved"));
    assert_eq!(
        stage.one(".page .messages").get_attribute("aria-live").as_deref(),
        Some("polite")
    );
    until("both are told", || stage.all(".message").len() == 2).await;
    assert_eq!(told(&stage)[0], texts(&["Saved", "<b>Not</b> saved"]));
    assert_eq!(stage.texts(".message-bad p"), ["<b>Not</b> saved"]);
    assert_eq!(stage.all("b").len(), 0);
    until("one is gone", || stage.all(".message").len() == 1).await;
    assert_eq!(stage.texts(".message-bad p"), ["<b>Not</b> saved"]);
    stage.button("Close this message").click();
    settle().await;
    assert_eq!(stage.all(".message").len(), 0);
}

#[test]
async fn of_many_the_latest_are_shown() {
    let (stage, ..) = shown();
    for number in 1..=7 {
        stage.messages.fail(&failure(&number.to_string()));
    }
    settle().await;
    assert_eq!(told(&stage)[0], texts(&["3", "4", "5", "6", "7"]));
}

#[test]
async fn who_is_not_signed_in_any_more_leaves() {
    let (stage, ..) = shown();
    let error = ApiError {
        status: 401,
        ..failure("Sign in")
    };
    stage.messages.fail(&error);
    assert_eq!(stage.known(), Known::Nobody);
}

#[test]
async fn a_failure_is_told_in_the_dialog_in_front() {
    let (stage, lower, upper) = shown();
    lower.set(true);
    settle().await;
    // There before something is said, since screen readers only hear what changes.
    assert_eq!(stage.all(".lower dialog:modal [role=status]").len(), 1);
    stage.messages.fail(&failure("Not saved"));
    settle().await;
    assert_eq!(told(&stage), [texts(&[]), texts(&["Not saved"]), texts(&[])]);
    // It is what is seen at its place, and in the view.
    let message = stage.one(".message");
    let at = bounds(&message);
    let seen = document().element_from_point((at.left() + 20.0) as f32, (at.top() + at.height() / 2.0) as f32);
    assert!(seen.is_some_and(|seen| message.contains(Some(&seen))));

    upper.set(true);
    settle().await;
    assert_eq!(told(&stage), [texts(&[]), texts(&[]), texts(&["Not saved"])]);
    upper.set(false);
    settle().await;
    assert_eq!(told(&stage), [texts(&[]), texts(&["Not saved"]), texts(&[])]);
    lower.set(false);
    settle().await;
    assert_eq!(told(&stage), [texts(&["Not saved"]), texts(&[]), texts(&[])]);

    // And can be closed where it is.
    lower.set(true);
    settle().await;
    stage.button("Close this message").click();
    settle().await;
    assert_eq!(stage.all(".message").len(), 0);
}
