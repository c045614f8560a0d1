//! Lists of 100,000 rows.

use std::collections::BTreeSet;

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::api::{ApiError, List};
use crate::parts::{Pages, VirtualRows};
use crate::session::Known;
use crate::stage::{Questions, Stage, bounds, settle, text, until};

const TOTAL: usize = 100_000;
const HEIGHT: usize = 40;

type Answer = Result<List<String>, ApiError>;
type Asked = Questions<(usize, usize), Answer>;

/// A page of the list, each row with what tells the generation.
fn page(mark: &str, (offset, limit): (usize, usize)) -> Answer {
    Ok(List {
        rows: (offset..(offset + limit).min(TOTAL))
            .map(|index| format!("{mark}{index}"))
            .collect(),
        total: Some(TOTAL as u64),
        next: None,
    })
}

fn failure(status: u16) -> Answer {
    Err(ApiError {
        status,
        message: "no <b>answer</b>".to_owned(),
        ..ApiError::default()
    })
}

fn shown() -> (Stage, Asked, Pages<String>) {
    let asked = Asked::new();
    let asks = asked.clone();
    let (stage, pages) = Stage::with("admin", move || {
        let pages = Pages::new(move |offset, limit| asks.ask((offset, limit)));
        let row = |_, value: String| view! { <p class="row">{value}</p> };
        let view = view! { <VirtualRows pages=pages label="Hosts" row_height=HEIGHT as f64 row=row /> };
        (view, pages)
    });
    (stage, asked, pages)
}

/// Answers all that was asked, from the given question on; answers how many questions there were.
async fn answer_from(asked: &Asked, mut next: usize, mark: &str) -> usize {
    settle().await;
    while next < asked.asked().len() {
        let question = asked.asked()[next];
        asked.answer(next, page(mark, question)).await;
        next += 1;
    }
    next
}

/// Scrolls until that row is on top, and until the browser has told so.
async fn scroll(stage: &Stage, row: usize) {
    stage
        .one(".virtual")
        .set_scroll_top(i32::try_from(row * HEIGHT).unwrap());
    let place = (row + 1).to_string();
    until("that row is in the page", || {
        stage.all(&format!(".virtual-row[aria-posinset='{place}']")).len() == 1
    })
    .await;
    settle().await;
}

/// Whether each row in the page has the content of its place, and lies there.
fn assert_right_rows(stage: &Stage, mark: &str) {
    let top = bounds(&stage.one(".virtual-all")).top();
    for row in stage.all(".virtual-row") {
        let index = row.get_attribute("aria-posinset").unwrap().parse::<usize>().unwrap() - 1;
        assert_eq!(text(&row), format!("{mark}{index}"));
        let beyond = bounds(&row).top() - top - (index * HEIGHT) as f64;
        assert!(beyond.abs() < 1.0, "{index} is {beyond} off");
        assert_eq!(row.get_attribute("aria-setsize").as_deref(), Some("100000"));
    }
}

#[test]
async fn only_what_is_in_view_is_in_the_page() {
    let (stage, asked, _) = shown();
    settle().await;
    assert_eq!(stage.all(".loading").len(), 1);
    let mut answered = answer_from(&asked, 0, "").await;
    assert_eq!(stage.all(".loading").len(), 0);
    let list = stage.one(".virtual");
    until("the box is as high as it may be", || list.client_height() > 100).await;
    assert!(list.scroll_height() >= i32::try_from(TOTAL * HEIGHT).unwrap());
    for row in [0, 150, 50_000, 99_000] {
        scroll(&stage, row).await;
        answered = answer_from(&asked, answered, "").await;
        assert_right_rows(&stage, "");
        let rows = stage.all(".virtual-row").len();
        let in_view = list.client_height() as usize / HEIGHT;
        assert!(
            (in_view..in_view + 40).contains(&rows),
            "{rows} rows, {in_view} of them in view"
        );
    }
    // To the very end.
    list.set_scroll_top(list.scroll_height());
    until("the last row is in the page", || {
        stage.all("[aria-posinset='100000']").len() == 1
    })
    .await;
    answer_from(&asked, answered, "").await;
    assert_right_rows(&stage, "");
}

#[test]
async fn a_page_is_asked_for_once() {
    let (stage, asked, _) = shown();
    settle().await;
    let mut answered = answer_from(&asked, 0, "").await;
    assert_eq!(asked.asked(), [(0, 100)]);
    for row in [60, 120, 10, 5_000, 5_060, 5_010, 0, 120] {
        scroll(&stage, row).await;
        // Also while the answer is on its way.
        scroll(&stage, row + 1).await;
        answered = answer_from(&asked, answered, "").await;
    }
    let all = asked.asked();
    let unique: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "{all:?}");
    assert!(
        all.iter().all(|(offset, limit)| offset % 100 == 0 && *limit == 100),
        "{all:?}"
    );
    assert!(all.len() <= 5, "{all:?}");
}

#[test]
async fn the_answer_of_an_earlier_generation_is_dropped() {
    let (stage, asked, pages) = shown();
    settle().await;
    pages.reload();
    settle().await;
    assert_eq!(asked.asked(), [(0, 100), (0, 100)]);
    asked.answer(1, page("new ", (0, 100))).await;
    assert_right_rows(&stage, "new ");
    asked.answer(0, page("old ", (0, 100))).await;
    assert_right_rows(&stage, "new ");
}

#[test]
async fn what_is_there_stays_until_it_was_asked_for_anew() {
    let (stage, asked, pages) = shown();
    let answered = answer_from(&asked, 0, "old ").await;
    scroll(&stage, 500).await;
    let answered = answer_from(&asked, answered, "old ").await;
    let in_view = stage.all(".virtual-row");
    pages.reload();
    settle().await;
    assert_right_rows(&stage, "old ");
    answer_from(&asked, answered, "new ").await;
    assert_right_rows(&stage, "new ");
    // The same rows, in the same place.
    for (before, now) in in_view.iter().zip(stage.all(".virtual-row")) {
        assert!(before.is_same_node(Some(&now)));
    }
    // What is not in view is not kept, and is asked for when it is needed.
    let asked_so_far = asked.asked().len();
    scroll(&stage, 0).await;
    assert_eq!(asked.asked()[asked_so_far..], [(0, 100)]);
}

#[test]
async fn a_failure_is_shown_as_text_and_can_be_tried_again() {
    let (stage, asked, _) = shown();
    settle().await;
    asked.answer(0, failure(500)).await;
    assert_eq!(stage.texts("[role=alert] p"), ["no <b>answer</b>"]);
    assert_eq!(stage.all(".loading").len(), 0);
    stage.button("Try again").click();
    answer_from(&asked, 1, "").await;
    assert_eq!(stage.all("[role=alert]").len(), 0);
    assert_right_rows(&stage, "");
}

#[test]
async fn who_is_not_signed_in_any_more_leaves() {
    let (stage, asked, _) = shown();
    settle().await;
    asked.answer(0, failure(401)).await;
    assert_eq!(stage.known(), Known::Nobody);
}

#[test]
async fn another_list_is_shown_from_its_start() {
    let (stage, asked, pages) = shown();
    answer_from(&asked, 0, "").await;
    scroll(&stage, 50).await;
    pages.show_start();
    settle().await;
    assert_eq!(stage.one(".virtual").scroll_top(), 0);
}
