//! Sheets above the page.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{HtmlDialogElement, HtmlElement};

use crate::parts::{Dialog, Field};
use crate::stage::{Stage, escape, settle, tell, until};

/// A button, and a dialog with a field whose value is its content's own.
fn shown() -> (Stage, RwSignal<bool>) {
    Stage::with("admin", || {
        let open = RwSignal::new(false);
        let view = view! {
            <button class="opener" on:click=move |_| open.set(true)>"Open"</button>
            <Dialog open=open title="Lock down">
                <Field label="Note" value=RwSignal::new("as new".to_owned()) />
            </Dialog>
        };
        (view, open)
    })
}

fn dialog(stage: &Stage) -> HtmlDialogElement {
    stage.one("dialog").unchecked_into()
}

fn focused() -> HtmlElement {
    document().active_element().unwrap().unchecked_into()
}

#[test]
async fn it_is_above_the_page_with_the_focus_inside_and_gives_it_back() {
    let (stage, open) = shown();
    assert!(!dialog(&stage).open());
    assert_eq!(dialog(&stage).child_element_count(), 0);
    let opener = stage.one(".opener");
    opener.focus().unwrap();
    opener.click();
    settle().await;
    assert!(dialog(&stage).matches(":modal").unwrap());
    assert_eq!(dialog(&stage).get_attribute("aria-label").as_deref(), Some("Lock down"));
    assert_eq!(stage.texts("dialog h2"), ["Lock down"]);
    assert!(dialog(&stage).contains(Some(&focused())));
    // What is below cannot be reached.
    opener.focus().unwrap();
    assert!(dialog(&stage).contains(Some(&focused())));
    open.set(false);
    settle().await;
    assert!(!dialog(&stage).open());
    assert!(focused().is_same_node(Some(&opener)));
}

#[test]
async fn escape_and_the_button_close_it() {
    let (stage, open) = shown();
    for by_key in [true, false] {
        open.set(true);
        settle().await;
        assert!(dialog(&stage).open());
        if by_key {
            escape(&dialog(&stage));
        } else {
            stage.button("Close").click();
        }
        until("the dialog is closed", || {
            !open.get_untracked() && !dialog(&stage).open()
        })
        .await;
        settle().await;
        assert_eq!(dialog(&stage).child_element_count(), 0);
    }
}

#[test]
async fn its_content_is_made_anew_each_time() {
    let (stage, open) = shown();
    for _ in 0..2 {
        open.set(true);
        settle().await;
        let input = stage.input("input");
        assert_eq!(input.value(), "as new");
        input.set_value("typed");
        tell(&input, "input");
        open.set(false);
        settle().await;
        assert_eq!(stage.all("input").len(), 0);
    }
}
