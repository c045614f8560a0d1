//! What is counted, and how it is said.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::stage::Stage;

fn proxy(state: &str, behind: bool, error: Option<&str>) -> Proxy {
    Proxy {
        state: state.to_owned(),
        behind,
        policy_error: error.map(str::to_owned),
        ..Proxy::default()
    }
}

fn said(live: usize, behind: usize, done: Option<&str>) -> (Vec<String>, Vec<String>) {
    let reached = Reached {
        live,
        behind,
        ..Reached::default()
    };
    let done = done.map(str::to_owned);
    let stage = Stage::of(move || shown(reached, done));
    (stage.texts(".tag"), stage.texts(".soft"))
}

#[test]
fn only_live_proxies_count_and_only_those_behind_refused() {
    let reached = Reached::of(vec![
        proxy("live", false, Some("of an earlier one")),
        proxy("live", true, Some("too large")),
        proxy("live", true, None),
        proxy("stale", true, Some("gone")),
        proxy("closed", true, None),
    ]);
    let expected = Reached {
        live: 3,
        behind: 2,
        overridden: 0,
        refused: BTreeSet::from(["too large".to_owned()]),
    };
    assert_eq!(reached, expected);
}

#[test]
fn it_is_said_how_far_it_has_come() {
    assert_eq!(said(3, 2, None).0, ["in force in 1 of 3 proxies…"]);
    assert_eq!(said(1, 1, None).0, ["in force in 0 of 1 proxy…"]);
    assert_eq!(said(3, 0, None).0, ["in force everywhere (3 proxies)"]);
    let (tags, soft) = said(1, 0, Some("12:00:00, after 0.3 s"));
    assert_eq!(tags, ["in force everywhere (1 proxy)"]);
    assert_eq!(soft, ["12:00:00, after 0.3 s"]);
}

#[test]
fn with_no_proxy_nothing_is_in_force_yet() {
    let (tags, soft) = said(0, 0, Some("12:00:00, after 0.3 s"));
    assert_eq!(tags, ["no proxy is connected: in force as soon as one is"]);
    assert_eq!(soft, [] as [String; 0]);
}

#[test]
fn overrides_and_what_proxies_say_are_told() {
    let reached = Reached {
        live: 2,
        behind: 1,
        overridden: 1,
        refused: BTreeSet::from(["<b>no</b>".to_owned()]),
    };
    let stage = Stage::of(move || shown(reached, None));
    let tags = stage.texts(".tag");
    assert_eq!(
        tags,
        [
            "in force in 1 of 2 proxies…",
            "1 proxy is under an override, which beats it"
        ]
    );
    assert_eq!(stage.texts(".wrong"), ["A proxy did not take it: <b>no</b>"]);
    assert_eq!(stage.all("b").len(), 0);
}
