//! `sluice.tcp`: what is recorded of connections that are decided by their server name.

use serde_json::json;
use sluice_tests::envoy::Setup;
use sluice_tests::raw::tls;

use crate::shared::{Scene, each_number_of_workers, github_only, with_events};

#[test]
fn connections_are_recorded_when_they_end() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = Setup::shipped("transparent", &scene.world.dns)
            .dialling(scene.world.teapot.port())
            .collector(scene.collector.port())
            .configuration(&with_events(json!({"policy": github_only()})))
            .concurrency(workers)
            .start();
        let listener = envoy.listener("tls");
        let curl = scene.world.redirected_curl(listener);
        assert_eq!(curl.get("https://api.github.com/secret?s3cr3t-planted").http_code, 418);
        assert_ne!(curl.get("https://unlisted.example.com/").exit, 0);
        assert!(tls::Connection::open(listener).hello(b"").is_empty());
        assert!(tls::Connection::open(listener).hello(b"od\"d\xff.example").is_empty());

        let allowed = scene.audit("api.github.com");
        for (name, expected) in [
            ("sluice.action", "allow"),
            ("sluice.rule.id", "gh"),
            ("sluice.outcome", "ok"),
            ("tls.client.server_name", "api.github.com"),
            ("network.protocol.name", "tls"),
            ("client.address", "127.0.0.1"),
        ] {
            assert_eq!(allowed.text(name), Some(expected), "{name} of {allowed:?}");
        }
        assert_eq!(allowed.int("server.port"), Some(443));
        assert!(allowed.int("sluice.duration_us") > Some(0));
        assert_eq!(allowed.get("url.path"), None);
        let rejected = scene.audit("unlisted.example.com");
        assert_eq!(rejected.text("sluice.action"), Some("reject"));
        assert_eq!(rejected.text("sluice.rejected_by"), Some("default_deny"));
        scene.collector.event("the pending name", |event| {
            event.name() == "pending" && event.text("server.address") == Some("unlisted.example.com")
        });
        let nameless = scene.collector.event("one without a name", |event| {
            event.name() == "audit" && event.text("sluice.rejected_by") == Some("sni_missing")
        });
        assert_eq!(nameless.get("tls.client.server_name"), None);
        let ledger = scene.settled(&envoy, 4);
        assert_eq!(ledger.gaps(), []);
        let all = format!("{:?}", scene.collector.events());
        assert!(!all.contains("s3cr3t"));
        assert!(all.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{all}");
        println!(
            "sizes of a connection: {:?} {:?}",
            allowed.int("http.request.size"),
            allowed.int("http.response.size")
        );
    });
}
