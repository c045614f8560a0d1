//! Events wait for a collector that is not there yet.

use serde_json::json;
use sluice_tests::wait;

use crate::shared::{Scene, UNSENT, assert_unharmed, each_number_of_workers, get, github_only, proxy};

#[test]
fn events_from_before_the_collector_was_there_arrive() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        scene.collector.stop();
        let envoy = scene
            .setup(&json!({"policy": github_only()}))
            .concurrency(workers)
            .start();
        let proxy = proxy(&envoy);
        for _ in 0..10 {
            assert_eq!(get(proxy, &scene.plain("api.github.com")), Some(200));
            assert_eq!(get(proxy, "unlisted.example.com"), Some(403));
        }
        wait::until("a call that fails", || {
            envoy.log().contains("they wait and are sent again").then_some(())
        });
        assert_ne!(envoy.stat(UNSENT), 0);
        assert_eq!(scene.collector.events(), []);
        scene.collector.restart();
        let ledger = scene.settled(&envoy, 20);
        assert_eq!(ledger.gaps(), []);
        let audits: usize = ledger.instances.values().map(|account| account.audits).sum();
        assert_eq!(audits, 20, "each as a record of its own");
        assert_unharmed(&envoy);
    });
}
