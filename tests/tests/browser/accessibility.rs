//! What keeps people out of a page is found, and told so that it can be mended.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sluice_tests::browser::{Browser, Impact, Scheme};

use crate::site::Site;

#[test]
fn a_field_without_a_label_is_found_and_one_with_a_label_is_not() {
    let [bad, good] = [
        "<h1>Hosts</h1><input id=nameless>",
        "<h1>Hosts</h1><label>Host <input></label>",
    ]
    .map(Site::of);
    let browser = Browser::start();
    let page = browser.open(&bad.url());
    let violations = page.axe();
    let label = violations.iter().find(|violation| violation.id == "label");
    let label = label.unwrap_or_else(|| panic!("{violations:?}"));
    assert_eq!(label.impact, Some(Impact::Critical));
    assert_eq!(label.nodes[0].html, r#"<input id="nameless">"#);
    assert_eq!(label.nodes[0].target, ["#nameless"]);

    let told = catch_unwind(AssertUnwindSafe(|| page.assert_accessible())).expect_err("it has no label");
    let told = told.downcast_ref::<String>().expect("it is told in words");
    for words in [
        "critical label: ",
        "#nameless",
        r#"<input id="nameless">"#,
        "Fix any of the following",
    ] {
        assert!(told.contains(words), "no {words} in {told}");
    }

    page.go(&good.url());
    page.assert_accessible();
}

#[test]
fn colours_are_checked_as_they_are_preferred() {
    let site = Site::of(
        "<h1>Hosts</h1><p>api.example.com</p>
        <style>
          @media (prefers-color-scheme: dark) { body { background: #222; } h1 { color: #fff; } p { color: #444; } }
        </style>",
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.assert_accessible();
    page.colours(Scheme::Dark);
    let found = page.axe();
    assert!(
        found
            .iter()
            .any(|violation| violation.id == "color-contrast" && violation.impact == Some(Impact::Serious)),
        "{found:?}"
    );
    page.colours(Scheme::Light);
    page.assert_accessible();
}
