//! Rules are written with what they do in view, and taken back.

use serde_json::json;
use sluice_tests::browser::{Browser, button, role};
use sluice_tests::wait;

use crate::scene::Scene;

#[test]
fn a_rule_is_written_with_its_effect_in_view_and_rolled_back() {
    let scene = Scene::start();
    let sandbox = scene.locked("sb_1", &["api.github.com"]);
    let locked = scene.book.policy("sb_1")["revision"].clone();
    for host in ["api.openai.com", "cdn.example.com"] {
        assert_eq!(sandbox.curl.get(&scene.book.tls(host)).http_code, 0);
        scene.until_pending("sb_1", host);
    }
    let browser = Browser::start();
    let page = scene.admin(&browser, "/resources/sandbox/sb_1/rules");
    page.until_text("api.github.com");
    page.click(button("Add a rule"));
    let sheet = page.get(role("dialog"));
    // What is no pattern is said at the field, by the words of the code that decides.
    sheet.get("Host").fill("*.open*.com");
    let host = sheet.get("Host");
    page.until("the field says what is wrong", |_| {
        (host.attribute("aria-invalid").as_deref() == Some("true")).then_some(())
    });
    sheet.get("Host").fill("*.openai.com");
    sheet
        .get(role("region").named("Preview").with_text("api.openai.com"))
        .wait();
    page.assert_accessible();
    sheet.click_on(button("Add"));
    page.get(role("dialog")).wait_gone();
    page.until_text("*.openai.com");
    wait::until("the new rule in force", || {
        (sandbox.curl.get(&scene.book.tls("api.openai.com")).http_code == 200).then_some(())
    });

    page.click("History");
    let back = button(&format!("Roll back to revision {locked}"));
    page.get(&back).wait();
    page.assert_accessible();
    page.click(&back);
    page.get(role("dialog")).click_on(button("Roll back"));
    page.get(role("dialog")).wait_gone();
    page.get(role("row").with_text("rollback")).wait();
    wait::until("the rule gone", || {
        (sandbox.curl.get(&scene.book.tls("api.openai.com")).http_code == 0).then_some(())
    });
    scene.assert_clean(&page);
}

#[test]
fn a_host_is_explained_and_a_rule_of_the_tenant_is_shown_as_such() {
    let scene = Scene::start();
    let rule = json!({"host": "metadata.example.com", "effect": "deny", "resource_type": "tenant", "note": "nobody <b>may</b> \u{202e}txt"});
    assert_eq!(scene.book.api.post("/egress/allowlist", &rule).status, 201);
    let browser = Browser::start();
    let page = scene.admin(&browser, "/resources/sandbox/sb_1/rules");
    page.until_text("metadata.example.com");
    // What others wrote is text, and does not turn the rest around.
    page.until_text("nobody <b>may</b> \\u{202e}txt");
    page.fill("Host, host:port or URL", "metadata.example.com:443");
    page.click(button("Explain"));
    page.until_text("would reject");
    page.until_text("decides: ");
}
