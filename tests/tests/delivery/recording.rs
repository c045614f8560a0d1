//! What is recorded of each kind of decision, and of the filter itself.

use serde_json::{Value, json};
use sluice_tests::raw::h1;
use sluice_tests::wait;

use crate::shared::{Scene, each_number_of_workers, get, get_path, github_only, proxy};

#[test]
fn every_kind_of_decision_is_recorded_with_what_became_of_it() {
    each_number_of_workers(|workers| {
        every_kind_of_decision(workers);
    });
}

fn every_kind_of_decision(workers: u32) {
    let scene = Scene::new();
    let envoy = scene
        .setup(&json!({"policy": {"mode": "enforce", "rules": [
            {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"]},
            {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true},
            {"id": "ai", "effect": "allow", "host": "api.openai.com", "methods": ["GET"]}]}}))
        .concurrency(workers)
        .start();
    let proxy = proxy(&envoy);
    assert_eq!(get(proxy, &scene.plain("api.github.com")), Some(200));
    assert_eq!(get(proxy, &scene.plain("new.example.com")), Some(200));
    assert_eq!(get(proxy, &scene.plain("unlisted.example.com")), Some(403));
    let post = h1::request(b"POST", b"http://api.openai.com/v1", &[(b"host", b"api.openai.com")]);
    assert_eq!(h1::Connection::open(proxy).send(&post).status(), Some(403));
    let userinfo = h1::request(b"GET", b"/", &[(b"host", b"user@x")]);
    assert_eq!(h1::Connection::open(proxy).send(&userinfo).status(), Some(403));

    let allowed = scene.audit("api.github.com");
    assert_eq!(allowed.event_name, "audit");
    for (name, expected) in [
        ("sluice.action", "allow"),
        ("sluice.rule.id", "gh"),
        ("sluice.policy.mode", "enforce"),
        ("sluice.outcome", "ok"),
        ("http.request.method", "GET"),
        ("url.path", "/"),
        ("network.protocol.name", "http"),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(allowed.text(name), Some(expected), "{name}");
    }
    assert_eq!(allowed.flag("sluice.would_reject"), Some(false));
    assert_eq!(allowed.int("server.port"), Some(scene.world.plain.port().into()));
    assert_eq!(allowed.int("http.response.status_code"), Some(200));
    for size in ["http.request.size", "http.response.size", "sluice.duration_us"] {
        assert!(allowed.int(size) > Some(0), "{size} of {allowed:?}");
    }
    for absent in [
        "sluice.rejected_by",
        "sluice.nearest",
        "sluice.envoy_details",
        "sluice.raw",
        "sluice.override",
    ] {
        assert_eq!(allowed.get(absent), None);
    }
    assert_eq!(allowed.resource.text("service.name"), Some("sluice"));
    assert_eq!(allowed.resource.text("sluice.resource.type"), Some("sandbox"));
    assert_eq!(allowed.resource.text("sluice.resource.id"), Some("sb_1"));
    assert_eq!(
        allowed.resource.text("service.instance.id"),
        allowed.text("sluice.instance")
    );
    let uid = allowed.text("log.record.uid").unwrap_or_default();
    assert!(
        uid.starts_with(allowed.text("sluice.instance").unwrap_or("none")),
        "{uid}"
    );

    assert_eq!(scene.audit("new.example.com").text("sluice.action"), Some("warn"));
    let rejected = scene.audit("unlisted.example.com");
    assert_eq!(rejected.text("sluice.action"), Some("reject"));
    assert_eq!(rejected.flag("sluice.would_reject"), Some(true));
    assert_eq!(rejected.text("sluice.rejected_by"), Some("default_deny"));
    assert_eq!(rejected.int("http.response.status_code"), Some(403));
    assert_eq!(rejected.text("sluice.outcome"), Some("ok"));
    assert_eq!(rejected.get("sluice.envoy_details"), None, "it was us");
    let nearest = scene.audit("api.openai.com");
    let nearest: Value = serde_json::from_str(nearest.text("sluice.nearest").expect("a rule came near")).unwrap();
    assert_eq!(nearest, json!({"rule_id": "ai", "why": "method"}));
    let pending = scene.collector.event("the pending target", |event| {
        event.name() == "pending" && event.text("server.address") == Some("unlisted.example.com")
    });
    assert_eq!(pending.int("sluice.count"), Some(1));
    let invalid = scene
        .collector
        .event("the invalid target", |event| event.text("sluice.raw") == Some("user@x"));
    assert_eq!(invalid.text("sluice.rejected_by"), Some("invalid_authority"));
    assert_eq!(invalid.get("server.address"), None);
    let ledger = scene.settled(&envoy, 5);
    assert_eq!(ledger.gaps(), []);
    // What nobody could list is not told of as pending.
    let events = scene.collector.events();
    let pending = events.iter().filter(|event| event.name() == "pending");
    assert!(pending.clone().all(|event| event.text("server.address").is_some()));
}

#[test]
fn observing_records_what_would_be_rejected() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let mut policy = github_only();
        policy["mode"] = json!("audit_only");
        let envoy = scene.setup(&json!({"policy": policy})).concurrency(workers).start();
        assert_eq!(get(proxy(&envoy), &scene.plain("unlisted.example.com")), Some(200));
        let audit = scene.audit("unlisted.example.com");
        assert_eq!(audit.text("sluice.action"), Some("allow"));
        assert_eq!(audit.flag("sluice.would_reject"), Some(true));
        assert_eq!(audit.text("sluice.rejected_by"), Some("default_deny"));
        assert_eq!(audit.text("sluice.policy.mode"), Some("audit_only"));
        assert_eq!(audit.int("http.response.status_code"), Some(200));
    });
}

/// Twenty attempts at a target are one pending record at once, and one with the number of the others later.
#[test]
fn a_target_that_is_tried_again_is_pending_once() {
    let scene = Scene::new();
    let envoy = scene.setup(&json!({"policy": github_only()})).concurrency(4).start();
    let mut client = h1::Connection::open(proxy(&envoy));
    for number in 0..20 {
        let request = get_path("unlisted.example.com", &format!("/{number}"));
        assert_eq!(client.send(&request).status(), Some(403));
    }
    scene.audit_of_path("/19");
    let pending = || {
        let events = scene.collector.events().into_iter();
        let pending = events.filter(|event| event.name() == "pending");
        pending.collect::<Vec<_>>()
    };
    let first = pending();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].int("sluice.count"), Some(1));
    assert_eq!(first[0].text("url.path"), Some("/0"), "an example");
    let all = wait::until("the record of the other attempts", || {
        let all = pending();
        (all.len() > 1).then_some(all)
    });
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].int("sluice.count"), Some(19));
}

/// One at the start, the next one ten seconds later, from every VM.
#[test]
fn heartbeats_count_what_was_decided() {
    let scene = Scene::new();
    let envoy = scene.setup(&json!({"policy": github_only()})).concurrency(4).start();
    let proxy = proxy(&envoy);
    for _ in 0..10 {
        assert_eq!(get(proxy, "unlisted.example.com"), Some(403));
    }
    let ledger = scene.settled(&envoy, 10);
    assert_eq!(ledger.processes().len(), 1);
    assert_eq!(ledger.instances.len(), 5, "four workers and the main thread");
    let events = scene.collector.events();
    let beats: Vec<_> = events.iter().filter(|event| event.name() == "heartbeat").collect();
    for beat in &beats {
        assert_eq!(beat.text("sluice.policy.mode"), Some("enforce"));
        assert_eq!(beat.resource.text("sluice.resource.id"), Some("sb_1"));
        assert_eq!(beat.flag("sluice.heartbeat.closing"), Some(false));
        for counter in ["merged", "dropped", "refused"] {
            assert_eq!(beat.int(&format!("sluice.heartbeat.{counter}")), Some(0), "{counter}");
        }
    }
}
