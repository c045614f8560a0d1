//! Buttons.

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::parts::Button;
use crate::session::Known;
use crate::stage::{Stage, settle};

/// A button, and how often it did what it does.
fn shown(role: &str, operates: bool) -> (Stage, RwSignal<u32>, RwSignal<bool>, RwSignal<bool>) {
    let (stage, (clicked, disabled, busy)) = Stage::with(role, move || {
        let (clicked, disabled, busy) = (RwSignal::new(0), RwSignal::new(false), RwSignal::new(false));
        let count = move || clicked.update(|clicked| *clicked += 1);
        let view = view! { <Button label="Allow" on_click=count operates=operates disabled=disabled busy=busy /> };
        (view, (clicked, disabled, busy))
    });
    (stage, clicked, disabled, busy)
}

#[test]
fn it_does_what_it_does_once_for_each_click() {
    let (stage, clicked, ..) = shown("operator", true);
    let button = stage.button("Allow");
    assert_eq!(button.get_attribute("type").as_deref(), Some("button"));
    assert!(!button.has_attribute("title"));
    button.click();
    button.click();
    assert_eq!(clicked.get_untracked(), 2);
}

#[test]
fn a_viewer_cannot_click_what_changes_something_and_is_told_why() {
    let (stage, clicked, ..) = shown("viewer", true);
    let button = stage.button("Allow");
    assert!(button.has_attribute("disabled"));
    let title = button.get_attribute("title");
    assert_eq!(title.as_deref(), Some("Your role, viewer, may look and not change"));
    button.click();
    assert_eq!(clicked.get_untracked(), 0);

    let (stage, clicked, ..) = shown("viewer", false);
    stage.button("Allow").click();
    assert_eq!(clicked.get_untracked(), 1);
}

#[test]
async fn who_leaves_cannot_click_it_any_more() {
    let (stage, clicked, ..) = shown("admin", true);
    stage.visitor.left();
    settle().await;
    assert_eq!(stage.known(), Known::Nobody);
    stage.button("Allow").click();
    assert_eq!(clicked.get_untracked(), 0);
}

#[test]
async fn it_waits_while_it_is_busy_or_disabled() {
    let (stage, clicked, disabled, busy) = shown("admin", true);
    let button = stage.button("Allow");
    for (reason, spoken) in [(disabled, "false"), (busy, "true")] {
        reason.set(true);
        settle().await;
        assert!(button.has_attribute("disabled"));
        assert_eq!(button.get_attribute("aria-busy").as_deref(), Some(spoken));
        button.click();
        assert_eq!(clicked.get_untracked(), 0);
        reason.set(false);
        settle().await;
    }
    button.click();
    assert_eq!(clicked.get_untracked(), 1);
    assert_eq!(button.get_attribute("aria-busy").as_deref(), Some("false"));
}
