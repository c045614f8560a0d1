//! What is recorded of each kind of traffic.

use serde_json::json;
use sluice_tests::raw::h1;

use crate::shared::{Scene, get, proxy};

#[test]
fn every_kind_of_decision_is_recorded_with_what_became_of_it() {
    let scene = Scene::new();
    let envoy = scene
        .setup(&json!({"policy": {"mode": "enforce", "rules": [
            {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"]},
            {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true}]}}))
        .start();
    let proxy = proxy(&envoy);
    assert_eq!(get(proxy, &scene.plain("api.github.com")), Some(200));
    assert_eq!(get(proxy, &scene.plain("new.example.com")), Some(200));
    assert_eq!(get(proxy, &scene.plain("unlisted.example.com")), Some(403));
    let mut client = h1::Connection::open(proxy);
    assert_eq!(
        client
            .send(&h1::request(b"GET", b"/", &[(b"host", b"user@x")]))
            .status(),
        Some(403)
    );

    let event = |host: &str| {
        scene.collector.event(host, |event| {
            event.name() == "audit" && event.text("server.address") == Some(host)
        })
    };
    let allowed = event("api.github.com");
    assert_eq!(allowed.text("sluice.action"), Some("allow"));
    assert_eq!(allowed.text("sluice.rule.id"), Some("gh"));
    assert_eq!(allowed.int("http.response.status_code"), Some(200));
    assert_eq!(allowed.text("client.address"), Some("127.0.0.1"));
    assert_eq!(allowed.resource.text("sluice.resource.id"), Some("sb_1"));
    assert_eq!(event("new.example.com").text("sluice.action"), Some("warn"));
    let rejected = event("unlisted.example.com");
    assert_eq!(rejected.text("sluice.action"), Some("reject"));
    assert_eq!(rejected.flag("sluice.would_reject"), Some(true));
    assert_eq!(rejected.text("sluice.rejected_by"), Some("default_deny"));
    let pending = scene
        .collector
        .event("the pending target", |event| event.name() == "pending");
    assert_eq!(pending.text("server.address"), Some("unlisted.example.com"));
    let invalid = scene
        .collector
        .event("the invalid target", |event| event.text("sluice.raw") == Some("user@x"));
    assert_eq!(invalid.text("sluice.rejected_by"), Some("invalid_authority"));
}
