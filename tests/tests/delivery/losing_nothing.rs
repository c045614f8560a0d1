//! No decision is lost at full speed while the collector is killed and comes back: what arrived, or was owned up to,
//! is what the filter counted and what the clients asked.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_tests::collector::{Collector, Ledger};
use sluice_tests::envoy::Envoy;
use sluice_tests::load::{self, Limit};
use sluice_tests::wait;

use crate::shared::{
    Scene, answering_itself, assert_unharmed, each_number_of_workers, get_path, github_only, proxy, whole_machine,
};

/// Kills the collector while it is receiving, and starts it again once a few calls may have failed.
fn kill_and_restart(collector: &Collector) {
    let before = collector.exports();
    wait::until("more exports", || (collector.exports() > before + 2).then_some(()));
    collector.stop();
    thread::sleep(Duration::from_secs(2)); // how long it is away; nothing is asserted about it
    collector.restart();
}

/// Every third request is rejected.
fn request(number: u64) -> Vec<u8> {
    let host = if number % 3 == 2 {
        "unlisted.example.com"
    } else {
        "api.github.com"
    };
    get_path(host, "/some/path?query")
}

/// A run that ends with everything accounted for.
struct Run {
    scene: Scene,
    /// It sends heartbeats for as long as it lives.
    _envoy: Envoy,
    ledger: Ledger,
}

impl Run {
    fn at_full_speed(workers: u32, time: Duration, events: &Value) -> Self {
        let scene = Scene::new();
        let configuration = json!({"policy": github_only(), "events": events});
        let envoy = answering_itself(scene.setup(&configuration))
            .concurrency(workers)
            .start();
        let proxy = proxy(&envoy);
        let totals = {
            let _alone = whole_machine();
            thread::scope(|scope| {
                let load = scope.spawn(|| load::run(proxy, 8, Limit::Time(time), request));
                kill_and_restart(&scene.collector);
                kill_and_restart(&scene.collector);
                load.join().expect("the load does not panic")
            })
        };
        let ledger = scene.settled(&envoy, totals.answered());
        assert_unharmed(&envoy);
        assert_eq!(totals.unanswered, 0);
        assert_eq!(totals.answers.keys().collect::<Vec<_>>(), [&200, &403]);
        assert_eq!(ledger.gaps(), []);
        assert_eq!(ledger.unnumbered, 0);
        for heartbeat in ledger.instances.values().filter_map(|account| account.heartbeat) {
            assert_eq!((heartbeat.dropped, heartbeat.refused), (0, 0));
        }
        println!(
            "{workers} workers: {} requests in {time:?}, {} of them in summaries, {} duplicates",
            totals.answered(),
            summarised(&ledger),
            ledger.duplicates()
        );
        Self {
            scene,
            _envoy: envoy,
            ledger,
        }
    }
}

fn summarised(ledger: &Ledger) -> i64 {
    ledger.instances.values().map(|account| account.summarised).sum()
}

fn merged(ledger: &Ledger) -> i64 {
    let heartbeats = ledger.instances.values().filter_map(|account| account.heartbeat);
    heartbeats.map(|heartbeat| heartbeat.merged).sum()
}

#[test]
fn at_full_speed_with_one_worker() {
    Run::at_full_speed(1, Duration::from_secs(20), &json!({"cluster": "sluice"}));
}

#[test]
fn at_full_speed_with_four_workers() {
    Run::at_full_speed(4, Duration::from_secs(20), &json!({"cluster": "sluice"}));
}

#[test]
fn in_a_small_buffer_they_are_summarised() {
    each_number_of_workers(|workers| {
        let events = json!({"cluster": "sluice", "buffer_bytes": 65536});
        let run = Run::at_full_speed(workers, Duration::from_secs(8), &events);
        let expected = summarised(&run.ledger);
        assert!(expected > 0);
        wait::until("the heartbeats of all VMs to own up to it", || {
            (merged(&run.scene.collector.ledger()) == expected).then_some(())
        });
    });
}
