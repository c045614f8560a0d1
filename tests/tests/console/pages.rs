//! Every page, in light and dark, on a desktop and on a phone: nothing that keeps people out of it, nothing cut off, and a
//! picture of each.

use serde_json::json;
use sluice_tests::browser::{Browser, Page, Scheme, Viewport, role};

use crate::scene::Scene;

/// The name of the picture, the address, and what is there when the page is.
const PAGES: [(&str, &str, &str); 7] = [
    ("overview", "/", "sandbox/sb_1"),
    ("network", "/resources/sandbox/sb_1", "api.openai.com"),
    ("rules", "/resources/sandbox/sb_1/rules", "api.github.com"),
    ("history", "/resources/sandbox/sb_1/history", "lockdown"),
    ("pending", "/pending", "unlisted.example.com"),
    ("audit", "/audit", "unlisted.example.com"),
    ("account", "/account", "first admin"),
];

fn assert_fits(page: &Page<'_>, name: &str) {
    let beyond = page.run(
        "const width = document.documentElement.clientWidth;
         return document.documentElement.scrollWidth > width
            ? [...document.querySelectorAll('body *')]
                .filter(element => element.getBoundingClientRect().right > width + 1)
                .map(element => element.tagName + '.' + element.className).slice(0, 9)
            : []",
    );
    assert_eq!(beyond, json!([]), "{name} is wider than the screen");
    let over_each_other = page.run(
        "const rows = [...document.querySelectorAll('.virtual-row')]
             .map(row => row.getBoundingClientRect()).sort((one, other) => one.top - other.top);
         return rows.filter((row, place) => place > 0 && rows[place - 1].bottom > row.top + 1).length",
    );
    assert_eq!(over_each_other, json!(0), "{name} has rows over each other");
}

#[test]
fn every_page_is_accessible_fits_and_has_a_picture() {
    let scene = Scene::start();
    let sandbox = scene.book.sandbox("sb_1");
    for host in ["api.github.com", "api.openai.com", "brief.example.com"] {
        for _ in 0..3 {
            assert_eq!(sandbox.curl.get(&scene.book.tls(host)).http_code, 200);
        }
    }
    scene.lock(&sandbox, &["api.github.com", "*.openai.com"]);
    for host in ["unlisted.example.com", "new.example.com"] {
        assert_eq!(sandbox.curl.get(&scene.book.tls(host)).http_code, 0);
        scene.until_pending("sb_1", host);
    }
    assert_eq!(sandbox.curl.get(&scene.book.tls("api.openai.com")).http_code, 200);
    let browser = Browser::start();
    let page = browser.open(&scene.url("/"));
    page.get("Sign in").wait();
    for (scheme, colours) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        for (viewport, size) in [(Viewport::DESKTOP, "desktop"), (Viewport::PHONE, "phone")] {
            page.viewport(viewport);
            page.colours(scheme);
            page.assert_accessible();
            assert_fits(&page, "sign-in");
            page.screenshot(&format!("sign-in-{size}-{colours}"));
        }
    }
    page.viewport(Viewport::DESKTOP);
    let page = scene.admin(&browser, "/");
    for (name, path, there) in PAGES {
        page.go(&scene.url(path));
        page.get(role("heading").nth(0)).wait();
        page.until_text(there);
        for (scheme, colours) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            for (viewport, size) in [(Viewport::DESKTOP, "desktop"), (Viewport::PHONE, "phone")] {
                page.viewport(viewport);
                page.colours(scheme);
                page.until_text(there);
                page.assert_accessible();
                assert_fits(&page, name);
                page.screenshot(&format!("{name}-{size}-{colours}"));
            }
        }
        page.viewport(Viewport::DESKTOP);
    }
    scene.assert_clean(&page);
}

#[test]
fn every_page_says_what_to_do_when_there_is_nothing() {
    let scene = Scene::start();
    let browser = Browser::start();
    let page = scene.admin(&browser, "/");
    for (path, next_step) in [
        ("/", "make run"),
        ("/pending", "Nothing waits"),
        ("/audit", "proxy"),
        ("/resources/sandbox/sb_1", "Send a shell through the proxy"),
        ("/resources/sandbox/sb_1/rules", "Network"),
        ("/no/such/page", "Go on with the overview"),
    ] {
        page.go(&scene.url(path));
        page.until_text(next_step);
        page.assert_accessible();
    }
    scene.assert_clean(&page);
}
