//! Observe, review, lock down, operate: clicked through from beginning to end.

use serde_json::json;
use sluice_tests::browser::{Browser, button, heading, link, role, text};
use sluice_tests::wait;

use crate::scene::Scene;

const KEPT: &str = "api.openai.com";
const UNKNOWN: &str = "unlisted.example.com";

#[test]
fn a_sandbox_is_observed_reviewed_locked_down_and_operated_by_mouse_alone() {
    let scene = Scene::start();
    let sandbox = scene.book.sandbox("sb_1");
    let code = |host: &str| sandbox.curl.get(&scene.book.tls(host)).http_code;

    // Observe: everything passes, and the overview shows who it is.
    for _ in 0..3 {
        assert_eq!((code(KEPT), code("api.github.com")), (200, 200));
    }
    assert_eq!(code(UNKNOWN), 200);
    // What somebody listed stays as it is listed.
    let listed = json!({"host": "*.github.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    assert_eq!(scene.book.api.post("/egress/allowlist", &listed).status, 201);
    let browser = Browser::start();
    let page = scene.admin(&browser, "/");
    page.click(link("sandbox/sb_1"));

    // Review: what is known is ticked, what is not is a question.
    let tick = |name: &str| page.get(role("checkbox").named(name));
    let (kept, unknown) = (format!("Allow {KEPT}"), format!("Allow {UNKNOWN}"));
    tick(&unknown).wait();
    assert_eq!(tick(&kept).property("checked"), json!(true));
    assert_eq!(tick(&unknown).property("checked"), json!(false));
    page.get(role("region").named("Coverage")).wait();

    // Lock down: what would be rejected is shown before, and has to be seen.
    page.click(button("Lock down…"));
    let sheet = page.get(role("dialog"));
    sheet.get(text(UNKNOWN)).wait();
    let lock = sheet.get(button("Lock down"));
    lock.wait();
    assert_eq!(lock.property("disabled"), json!(true));
    page.assert_accessible();
    page.screenshot("lock-down-desktop-light");
    assert_eq!(code(UNKNOWN), 200, "nothing is changed by looking");
    sheet.click_on("I have seen what would be rejected");
    lock.click();
    page.until("the list in force in all proxies", |page| {
        let said = page.text();
        let at = said.find("In force in ")?;
        let mut numbers = said[at..]
            .split(|letter: char| !letter.is_ascii_digit())
            .filter(|part| !part.is_empty());
        let (have, all) = (numbers.next()?, numbers.next()?);
        (have == all && have != "0").then_some(())
    });
    assert_eq!((code(KEPT), code("api.github.com"), code(UNKNOWN)), (200, 200, 0));
    sheet.click_on(button("Done"));
    let policy = scene.book.policy("sb_1");
    let hosts: Vec<&str> = policy["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["host"].as_str())
        .collect();
    assert_eq!(hosts, ["*.github.com", KEPT]);

    // Operate: what was blocked waits, with the reason.
    scene.until_pending("sb_1", UNKNOWN);
    page.click(link("Operate"));
    page.get(heading("Pending")).wait();
    page.get(role("article").named(UNKNOWN)).wait();
    page.click(button(&format!("Allow {UNKNOWN}")));
    page.until_text("in force everywhere");
    assert_eq!(code(UNKNOWN), 200);

    // Back at once, and the list stays.
    page.click(link("Overview"));
    page.click(link("sandbox/sb_1"));
    page.click(button("Observe: block nothing, keep the list"));
    page.get(role("dialog")).click_on(button("Observe"));
    page.get(role("dialog")).wait_gone();
    page.until_text("audit_only");
    wait::until("everything passes again", || {
        (code("new.example.com") == 200).then_some(())
    });
    let policy = scene.book.policy("sb_1");
    assert_eq!(policy["mode"], "audit_only");
    assert!(policy["rules"].as_array().unwrap().len() == 3, "{policy}");
    assert!(policy["relock_at"].is_string(), "{policy}");
    scene.assert_clean(&page);
}
