//! What a test that fails says of the page.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sluice_tests::browser::Browser;

use crate::site::Site;

#[test]
fn it_says_where_it_was_what_was_shown_and_what_went_wrong_there() {
    let site =
        Site::of("<p>nothing to see</p><button autofocus>Allow</button><script>console.error('it is broken')</script>");
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.until_text("nothing to see");
    let told = catch_unwind(AssertUnwindSafe(|| -> () { page.fail("there is no such host") }));
    let told = told.expect_err("it fails");
    let told = told.downcast_ref::<String>().expect("it is told in words");
    for words in [
        "there is no such host",
        &site.url(),
        "nothing to see",
        "it is broken",
        r#"button "Allow""#,
    ] {
        assert!(told.contains(words), "no {words} in {told}");
    }
    let picture = told.lines().find_map(|line| line.strip_prefix("picture: "));
    let picture = Path::new(picture.unwrap_or_else(|| panic!("no picture in {told}")));
    assert!(
        picture
            .parent()
            .is_some_and(|folder| folder.ends_with("screenshots/failed"))
    );
    assert!(fs::read(picture).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG")));
    fs::remove_file(picture).expect("it is ours, and of no failure");
}
