//! How a page looks, and for whom.

use std::fs;

use serde_json::json;
use sluice_tests::browser::{Browser, Scheme, Viewport};

use crate::site::Site;

/// Width and height, if it is a PNG.
fn size(png: &[u8]) -> Option<[u32; 2]> {
    let rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let number = |index: usize| Some(u32::from_be_bytes(rest.get(index..index + 4)?.try_into().ok()?));
    Some([number(0)?, number(4)?])
}

#[test]
fn a_screenshot_has_all_of_the_page() {
    let site = Site::of("<style>body { margin: 0; height: 2000px } p { margin: 0 }</style><p>high</p>");
    let browser = Browser::start();
    let page = browser.open(&site.url());
    for (viewport, wanted) in [(Viewport::DESKTOP, [1280, 2000]), (Viewport::PHONE, [360, 2000])] {
        page.viewport(viewport);
        assert_eq!(
            page.run("return [innerWidth, innerHeight]"),
            json!([viewport.width, viewport.height])
        );
        let path = page.screenshot(&format!("infrastructure/{}", viewport.width));
        let png = fs::read(&path).expect("it is written");
        assert_eq!(size(&png), Some(wanted), "{}", path.display());
    }
    page.run("document.body.style.height = 'auto'");
    let png = fs::read(page.screenshot("infrastructure/360")).expect("it is written");
    assert_eq!(size(&png), Some([360, 740]));
}

#[test]
fn preferences_hold_for_the_next_page_too() {
    let site = Site::of("<p></p>");
    let browser = Browser::start();
    let page = browser.open(&site.url());
    let prefers = |what: &str| page.run(&format!("return matchMedia('(prefers-{what})').matches"));
    assert_eq!(prefers("color-scheme: light"), true);
    assert_eq!(prefers("reduced-motion: reduce"), true);
    page.colours(Scheme::Dark);
    page.viewport(Viewport::PHONE);
    page.reload();
    assert_eq!(prefers("color-scheme: dark"), true);
    assert_eq!(prefers("reduced-motion: reduce"), true);
    assert_eq!(page.run("return innerWidth"), 360);
}

#[test]
fn the_time_is_of_the_zone_that_a_test_names() {
    let site = Site::of("<p></p>");
    let here = Browser::start();
    let there = Browser::in_timezone("Asia/Tokyo");
    let hours = |browser: &Browser| browser.open(&site.url()).run("return new Date(0).getHours()");
    assert_eq!(hours(&here), 0);
    assert_eq!(hours(&there), 9);
}
