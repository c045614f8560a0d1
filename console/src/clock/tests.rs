//! In the zone that `console/test-wasm` gives the browser, which is 5 hours and 45 minutes ahead all year.

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::parts::Moment;
use crate::stage::{Stage, text};

/// In that zone it is the next day, a quarter past midnight.
const MOMENT: &str = "2026-01-01T18:30:00Z";

#[test]
fn a_moment_is_shown_in_the_zone_of_the_viewer() {
    assert_eq!(
        Date::new_0().get_timezone_offset(),
        -345.0,
        "not run by console/test-wasm"
    );
    let stage = Stage::of(|| view! { <Moment at=MOMENT /> });
    let time = stage.one("time");
    // Without what lies between the minutes and AM or PM, of which there are several spaces.
    assert!(text(&time).starts_with("Jan 2, 2026, 12:15"), "{}", text(&time));
    assert_eq!(time.get_attribute("datetime").as_deref(), Some(MOMENT));
    let title = time.get_attribute("title").unwrap();
    assert!(title.ends_with(&format!(" ({MOMENT})")), "{title}");
    assert_eq!(local(MOMENT, Style::Day), "Jan 2, 2026");
    assert!(local(MOMENT, Style::Time).starts_with("12:15:00"));
    assert!(local(MOMENT, Style::Full).starts_with("Jan 2, 2026, 12:15:00"));
}

#[test]
fn what_is_no_moment_stays_text() {
    let stage = Stage::of(|| view! { <Moment at="<i>soon</i>" /> });
    assert_eq!(stage.texts("time"), ["<i>soon</i>"]);
    assert_eq!(stage.all("i").len(), 0);
    assert_eq!(ago("soon"), "");
    assert_eq!(to_input("soon"), "");
    assert_eq!(of_input("soon"), None);
    assert_eq!(of_input(""), None);
}

#[test]
fn a_field_holds_the_time_of_the_viewer_and_gives_it_back() {
    assert_eq!(to_input(MOMENT), "2026-01-02T00:15");
    assert_eq!(
        of_input("2026-01-02T00:15").as_deref(),
        Some("2026-01-01T18:30:00.000Z")
    );
}

#[test]
fn how_long_ago_is_said_roughly() {
    for (seconds, said) in [
        (30.0, "just now"),
        (-5.0, "just now"),
        (-330.0, "5 min ago"),
        (-7_500.0, "2 h ago"),
        (-172_900.0, "2 days ago"),
        (330.0, "in 6 min"),
        (5_400.0, "in 2 h"),
        (260_000.0, "in 4 days"),
    ] {
        assert_eq!(ago(&from_now(seconds)), said, "{seconds}");
    }
}
