//! Roles decide what can be clicked; the collector decides all the same.

use serde_json::json;
use sluice_tests::browser::{Browser, button, role};

use crate::scene::Scene;

#[test]
fn a_viewer_sees_all_and_can_click_nothing() {
    let scene = Scene::start();
    let sandbox = scene.locked("sb_1", &["api.github.com"]);
    assert_eq!(sandbox.curl.get(&scene.book.tls("unlisted.example.com")).http_code, 0);
    scene.until_pending("sb_1", "unlisted.example.com");
    let revision = scene.book.policy("sb_1")["revision"].clone();
    let browser = Browser::start();
    let page = scene.signed_in(&browser, "/pending", &scene.token("viewer", "tenant"));
    let allow = page.get(button("Allow unlisted.example.com"));
    allow.wait();
    assert_eq!(allow.property("disabled"), json!(true));
    assert!(allow.attribute("title").unwrap().contains("viewer"));
    page.click(button("More for unlisted.example.com"));
    assert_eq!(page.get(button("Block")).property("disabled"), json!(true));
    page.go(&scene.url("/resources/sandbox/sb_1/rules"));
    page.get(role("heading").named("Rules")).wait();
    for name in ["Observe: block nothing, keep the list", "Add a rule"] {
        assert_eq!(page.get(button(name)).property("disabled"), json!(true), "{name}");
    }
    // Who gets around the buttons gets no further.
    let tried = page.run(
        "return fetch('/api/v1/sessions/self').then(answer => answer.json()).then(({data}) =>
            fetch('/api/v1/egress/allowlist', {
                method: 'POST',
                headers: {'content-type': 'application/json', 'x-csrf-token': data.csrf_token},
                body: JSON.stringify({host: 'x.example.com', resource_type: 'sandbox', resource_id: 'sb_1'})
            })).then(answer => answer.status)",
    );
    assert_eq!(tried, json!(403));
    assert_eq!(scene.book.policy("sb_1")["revision"], revision);
}

#[test]
fn an_operator_of_some_sees_and_changes_only_these() {
    let scene = Scene::start();
    for id in ["mine_1", "other_1"] {
        let put = scene
            .book
            .api
            .put(&format!("/egress/resources/sandbox/{id}"), &json!({"name": id}));
        assert_eq!(put.status, 201);
    }
    let browser = Browser::start();
    let page = scene.signed_in(&browser, "/", &scene.token("operator", "sandbox/mine_*"));
    page.until_text("sandbox/mine_1");
    page.until_no_text("sandbox/other_1");
    page.go(&scene.url("/resources/sandbox/other_1/rules"));
    page.until_text("may not look at sandbox/other_1");
}
