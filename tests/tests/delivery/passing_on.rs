//! A collector that nobody here wrote stands between: what it passes on is what was sent.

use serde_json::json;
use sluice_tests::envoy::Setup;
use sluice_tests::rotel::Rotel;

use crate::shared::{Scene, each_number_of_workers, get, github_only, proxy, with_events};

#[test]
fn every_event_arrives_through_rotel_with_its_attributes() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let rotel = Rotel::start(scene.collector.port());
        let envoy = Setup::shipped("forward-proxy", &scene.world.dns)
            .collector(rotel.port())
            .configuration(&with_events(json!({"policy": github_only()})))
            .concurrency(workers)
            .start();
        let proxy = proxy(&envoy);
        for _ in 0..50 {
            assert_eq!(get(proxy, &scene.plain("api.github.com")), Some(200));
            assert_eq!(get(proxy, "unlisted.example.com"), Some(403));
        }
        let ledger = scene.settled(&envoy, 100);
        assert_eq!((ledger.gaps(), ledger.unnumbered), (vec![], 0));
        for event in scene.collector.events() {
            assert_eq!(event.resource.text("service.name"), Some("sluice"), "{event:?}");
            assert_eq!(event.resource.text("sluice.resource.id"), Some("sb_1"), "{event:?}");
            assert_eq!(
                event.resource.text("service.instance.id"),
                event.text("sluice.instance")
            );
        }
        let rejected = scene.audit("unlisted.example.com");
        assert_eq!(rejected.event_name, "audit");
        assert_eq!(rejected.text("sluice.rejected_by"), Some("default_deny"));
        assert_eq!(rejected.flag("sluice.would_reject"), Some(true));
        assert_eq!(rejected.int("server.port"), Some(80));
        assert_eq!(scene.audit("api.github.com").text("sluice.outcome"), Some("ok"));
    });
}
