//! What others wrote is text on every page, and nothing but itself.

use serde_json::json;
use sluice_tests::browser::{Browser, Page, button};
use sluice_tests::{events, otlp};

use crate::scene::Scene;

const MARKUP: &str = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>";
/// Shown as it is, `exe.gpj` would be read.
const TURNED: &str = "gpj.\u{202e}exe";

fn assert_harmless(page: &Page<'_>) {
    assert_eq!(
        page.run("return window.ran === undefined"),
        json!(true),
        "{}",
        page.url()
    );
    let markup = page.run(
        "return document.querySelectorAll('script:not([src]), img, iframe, object, embed, [onerror], [onload]').length",
    );
    assert_eq!(markup, json!(0), "{}", page.url());
    let turned = page.run("return /[\\u202a-\\u202e\\u2066-\\u2069\\u200b]/.test(document.documentElement.outerHTML)");
    assert_eq!(turned, json!(false), "{}", page.url());
}

#[test]
fn hosts_paths_names_and_notes_are_text_on_every_page() {
    let scene = Scene::start();
    let api = &scene.book.api;
    let named = json!({"name": format!("{MARKUP} {TURNED}")});
    assert_eq!(api.put("/egress/resources/sandbox/sb_1", &named).status, 201);
    let rule = json!({"host": "api.example.com", "name": "api", "resource_type": "sandbox", "resource_id": "sb_1",
        "note": format!("{MARKUP} {TURNED}")});
    assert_eq!(api.post("/egress/allowlist", &rule).status, 201);
    let note = json!({"note": format!("{MARKUP} {TURNED}")});
    let policy = scene.book.policy("sb_1")["id"].as_str().unwrap().to_owned();
    assert_eq!(
        api.post(&format!("/egress/policies/{policy}/lockdown"), &note).status,
        200
    );
    let (filter, grpc) = (scene.token("filter", "sandbox/*"), scene.book.sluice.addresses().grpc);
    let records = [
        events::record(
            "p/1",
            1,
            json!({"sluice.raw": format!("{MARKUP}\\u202e"), "server.address": null, "server.port": null, "url.path": null,
                "http.request.method": null, "sluice.action": "reject", "sluice.would_reject": true,
                "sluice.rejected_by": "invalid_authority", "sluice.policy.mode": "enforce"}),
        ),
        events::record(
            "p/1",
            2,
            json!({"url.path": format!("/{MARKUP}/{TURNED}"), "server.address": "paths.example.com"}),
        ),
        events::pending(
            "p/1",
            3,
            json!({"server.address": "pending.example.com", "url.path": format!("/{MARKUP}/{TURNED}"),
                "sluice.rejected_by": "default_deny"}),
        ),
    ];
    let client = otlp::Client::of(grpc.port()).token(&filter);
    client.export(&events::batch("sandbox/sb_1", "p/1", &records)).unwrap();

    let browser = Browser::start();
    let page = scene.admin(&browser, "/");
    page.until_text("sandbox/sb_1");
    page.until_text("<script>window.ran = true</script>");
    page.until_text("gpj.\\u{202e}exe");
    assert_harmless(&page);
    for (path, shown) in [
        ("/pending", "pending.example.com"),
        ("/audit", "<script>window.ran = true</script>"),
        ("/resources/sandbox/sb_1", "paths.example.com"),
        ("/resources/sandbox/sb_1/rules", "gpj.\\u{202e}exe"),
        ("/resources/sandbox/sb_1/history", "gpj.\\u{202e}exe"),
    ] {
        page.go(&scene.url(path));
        page.until_text(shown);
        assert_harmless(&page);
    }
    // In an address too.
    page.go(&scene.url("/audit?host=%3Cscript%3Ewindow.ran%3Dtrue%3C%2Fscript%3E%E2%80%AE"));
    page.get(button("Clear the filters")).wait();
    assert_harmless(&page);
    page.go(&scene.url("/resources/sandbox/%3Cimg%20src=x%20onerror=alert(1)%3E"));
    page.until_text("resource_id");
    assert_harmless(&page);
}
