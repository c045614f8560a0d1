//! With questions that the tests answer themselves.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::parts::Shown;
use crate::session::Known;
use crate::stage::{Questions, Stage, settle};

type Asked = Questions<u32, Result<String, ApiError>>;

fn failure(status: u16) -> ApiError {
    ApiError {
        status,
        message: "no <b>answer</b>".to_owned(),
        ..ApiError::default()
    }
}

fn answer(text: &str) -> Result<String, ApiError> {
    Ok(text.to_owned())
}

/// Something that is loaded and shown, and what the question depends on.
fn shown() -> (Stage, Asked, Load<String>, RwSignal<u32>) {
    let asked = Asked::new();
    let asks = asked.clone();
    let (stage, (load, depends)) = Stage::with("admin", move || {
        let depends = RwSignal::new(1);
        let load = Load::new(move || asks.ask(depends.get()));
        let view = view! { <Shown load=load let:value><p class="value">{value}</p></Shown> };
        (view, (load, depends))
    });
    (stage, asked, load, depends)
}

#[test]
async fn an_overtaken_answer_is_dropped() {
    let (stage, asked, load, depends) = shown();
    settle().await;
    depends.set(2);
    settle().await;
    assert_eq!(asked.asked(), [1, 2]);
    asked.answer(1, answer("second")).await;
    assert_eq!(stage.texts(".value"), ["second"]);
    asked.answer(0, answer("first")).await;
    assert_eq!(stage.texts(".value"), ["second"]);

    // Also if it comes before the one that is waited for.
    load.reload();
    settle().await;
    load.reload();
    settle().await;
    asked.answer(2, answer("third")).await;
    assert_eq!(stage.texts(".value"), ["second"]);
    assert!(load.busy.get_untracked());
    asked.answer(3, answer("fourth")).await;
    assert_eq!(stage.texts(".value"), ["fourth"]);
    assert!(!load.busy.get_untracked());
}

#[test]
async fn what_is_there_stays_while_it_is_loaded_anew_and_its_element_too() {
    let (stage, asked, load, _) = shown();
    settle().await;
    assert_eq!(stage.all(".loading").len(), 1);
    assert_eq!(stage.all(".value").len(), 0);
    asked.answer(0, answer("old")).await;
    let element = stage.one(".value");
    load.reload();
    settle().await;
    assert!(load.busy.get_untracked());
    assert_eq!(stage.texts(".value"), ["old"]);
    assert_eq!(stage.all(".loading").len(), 0);
    asked.answer(1, answer("new")).await;
    assert_eq!(stage.texts(".value"), ["new"]);
    assert!(stage.one(".value").is_same_node(Some(&element)));
}

#[test]
async fn a_failure_is_shown_as_text_and_can_be_tried_again() {
    let (stage, asked, ..) = shown();
    settle().await;
    asked.answer(0, Err(failure(500))).await;
    assert_eq!(stage.texts("[role=alert] .state-what"), ["no <b>answer</b>"]);
    assert_eq!(stage.all("b").len(), 0);
    stage.button("Try again").click();
    settle().await;
    assert_eq!(asked.asked().len(), 2);
    asked.answer(1, answer("there")).await;
    assert_eq!(stage.all("[role=alert]").len(), 0);
    assert_eq!(stage.texts(".value"), ["there"]);
}

#[test]
async fn what_is_there_outlives_a_collector_that_cannot_be_reached_and_no_other_failure() {
    let (stage, asked, load, _) = shown();
    settle().await;
    asked.answer(0, answer("old")).await;
    for (number, status, there) in [(1, 0, true), (2, 503, false)] {
        load.reload();
        settle().await;
        asked.answer(number, Err(failure(status))).await;
        assert_eq!(stage.all(".value").len() == 1, there, "{status}");
        assert!(!load.busy.get_untracked());
    }
    // With nothing there, it is said at once.
    let (stage, asked, ..) = shown();
    settle().await;
    asked.answer(0, Err(failure(0))).await;
    assert_eq!(stage.all("[role=alert]").len(), 1);
}

#[test]
async fn who_is_not_signed_in_any_more_leaves() {
    let (stage, asked, load, _) = shown();
    settle().await;
    asked.answer(0, answer("old")).await;
    assert!(matches!(stage.known(), Known::Somebody(_)));
    load.reload();
    settle().await;
    asked.answer(1, Err(failure(401))).await;
    assert_eq!(stage.known(), Known::Nobody);
    assert_eq!(stage.all("[role=alert]").len(), 0);
}

#[test]
async fn an_answer_to_a_page_that_is_gone_is_dropped() {
    let (stage, asked, ..) = shown();
    settle().await;
    drop(stage);
    // Would panic if it were put where nothing is any more.
    asked.answer(0, answer("late")).await;
}
