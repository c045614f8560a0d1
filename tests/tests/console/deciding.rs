//! What was blocked waits, and a click lets it pass.

use serde_json::json;
use sluice_tests::browser::{Browser, Key, Page, button, role, text};
use sluice_tests::wait;

use crate::scene::Scene;

const HOST: &str = "unlisted.example.com";

/// Waits until there is a row, however it comes: at once, or behind the button that tells of new ones.
fn until_listed(page: &Page<'_>, host: &str) {
    page.until(&format!("a row of {host}"), |page| {
        let shown = page.get(role("article").named(host)).count() > 0;
        if !shown && page.get(button("Show 1 new")).count() > 0 {
            page.click(button("Show 1 new"));
        }
        shown.then_some(())
    });
}

#[test]
fn a_click_lets_pass_what_was_blocked_and_another_browser_sees_it() {
    let scene = Scene::start();
    let sandbox = scene.locked("sb_1", &["api.github.com"]);
    let (browser, elsewhere) = (Browser::start(), Browser::start());
    let page = scene.admin(&browser, "/pending");
    page.until_text("Nothing waits");
    let other = scene.admin(&elsewhere, "/pending?resource_type=sandbox&resource_id=sb_1");
    other.until_text("Nothing waits");

    // It comes without a reload, in both.
    assert_eq!(sandbox.curl.get(&scene.book.tls(HOST)).http_code, 0);
    until_listed(&page, HOST);
    until_listed(&other, HOST);
    page.assert_accessible();

    page.click(button(&format!("Allow {HOST}")));
    page.get(role("status").named("Decisions").with_text("in force everywhere"))
        .wait();
    assert_eq!(sandbox.curl.get(&scene.book.tls(HOST)).http_code, 200);
    other.get(role("article").named(HOST)).wait_gone();
    scene.assert_clean(&page);
    scene.assert_clean(&other);
}

#[test]
fn each_way_to_decide_makes_the_rule_it_says() {
    let scene = Scene::start();
    let sandbox = scene.locked("sb_1", &["api.github.com"]);
    for host in [
        "api.openai.com",
        "unlisted.example.com",
        "new.example.com",
        "brief.example.com",
    ] {
        assert_eq!(sandbox.curl.get(&scene.book.tls(host)).http_code, 0);
        scene.until_pending("sb_1", host);
    }
    let browser = Browser::start();
    let page = scene.admin(&browser, "/pending");
    let more = |host: &str, choice: &str| {
        page.click(button(&format!("More for {host}")));
        page.click(button(choice));
    };
    let rule = |host: &str| {
        wait::until(&format!("a rule for {host}"), || {
            let rules = scene.book.policy("sb_1")["rules"].clone();
            rules.as_array()?.iter().find(|rule| rule["host"] == host).cloned()
        })
    };
    more("api.openai.com", "Allow for 1 day");
    assert!(rule("api.openai.com")["expires_at"].is_string());
    page.get(role("article").named("api.openai.com")).wait_gone();

    more("unlisted.example.com", "Block");
    assert_eq!(rule("unlisted.example.com")["effect"], "deny");
    page.get(role("article").named("unlisted.example.com")).wait_gone();

    // The domain takes both hosts below it, and says so before.
    more("new.example.com", "Allow the domain *.example.com…");
    let sheet = page.get(role("dialog"));
    sheet.get(text("brief.example.com")).wait();
    sheet.click_on(button("Allow the domain"));
    assert_eq!(rule("*.example.com")["effect"], "allow");
    for host in ["new.example.com", "brief.example.com"] {
        page.get(role("article").named(host)).wait_gone();
        wait::until(&format!("{host} passes"), || {
            (sandbox.curl.get(&scene.book.tls(host)).http_code == 200).then_some(())
        });
    }
    page.until_text("Nothing waits");
}

#[test]
fn all_of_it_can_be_done_by_keyboard() {
    let scene = Scene::start();
    let sandbox = scene.locked("sb_1", &["api.github.com"]);
    assert_eq!(sandbox.curl.get(&scene.book.tls(HOST)).http_code, 0);
    scene.until_pending("sb_1", HOST);
    let browser = Browser::start();
    let page = browser.open(&scene.url("/pending"));
    page.fill("Token", &scene.book.sluice.addresses().token);
    page.press(Key::Enter);
    page.get(role("article").named(HOST)).wait();
    let tab_to = |name: &str| {
        for _ in 0..60 {
            if page.focused().name() == Some(name) {
                return;
            }
            page.press(Key::Tab);
        }
        page.fail(&format!("{name} is not reached by the Tab key"));
    };
    tab_to(&format!("More for {HOST}"));
    page.press(Key::Enter);
    page.until_focused(&button("Allow for 1 hour"));
    page.press(Key::Escape);
    page.until_focused(&button(&format!("More for {HOST}")));
    page.press(Key::Enter);
    tab_to("Allow with warning");
    page.press(Key::Space);
    page.until_text("in force everywhere");
    let rules = scene.book.policy("sb_1")["rules"].clone();
    let added = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["host"] == HOST)
        .unwrap();
    assert_eq!(added["warn_only"], json!(true));
    assert_eq!(sandbox.curl.get(&scene.book.tls(HOST)).http_code, 200);
}
