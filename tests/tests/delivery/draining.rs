//! Ending Envoy without losing events: drain, wait until nothing is unsent, then stop. What `make run` does.

use serde_json::{Value, json};
use sluice_tests::load::{self, Limit};
use sluice_tests::wait;

use crate::shared::{
    Scene, UNSENT, answering_itself, assert_unharmed, each_number_of_workers, get, get_path, github_only, proxy,
};

fn closing(scene: &Scene) -> usize {
    let events = scene.collector.events().into_iter();
    let closing = events.filter(|event| event.flag("sluice.heartbeat.closing") == Some(true));
    closing.count()
}

#[test]
fn after_a_drain_everything_has_arrived() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        // Slow on purpose, so that much waits when the drain begins.
        let events = json!({"cluster": "sluice", "flush_ms": 3000});
        let setup = answering_itself(scene.setup(&json!({"policy": github_only(), "events": events})));
        let mut envoy = setup.concurrency(workers).start();
        let totals = load::run(proxy(&envoy), 4, Limit::Requests(1000), |number| {
            get_path("api.github.com", &format!("/{number}"))
        });
        assert_eq!(totals.answered(), 1000);
        let _ = envoy.admin("POST", "/drain_listeners?graceful");
        let unsent = envoy.stat(UNSENT);
        // Also what a tick has not told of yet: all decisions, then none unsent.
        wait::until("all to be acknowledged", || {
            let audits: usize = scene
                .collector
                .ledger()
                .instances
                .values()
                .map(|account| account.audits)
                .sum();
            (envoy.stat(UNSENT) == 0 && audits == 1000).then_some(())
        });
        let before = closing(&scene);
        envoy.terminate();
        let ledger = scene.collector.ledger();
        assert_eq!(ledger.gaps(), []);
        assert_eq!(ledger.accounted(), 1000);
        println!(
            "{workers} workers: {unsent} unsent when the drain began, {before} closing heartbeats by its end, {} after SIGTERM",
            closing(&scene)
        );
    });
}

/// What the last root context of a VM sends when it ends arrives, if its worker has a connection by then: it has
/// from the first tick on, and Envoy 1.40 calls nothing after `on_done`.
#[test]
fn a_vm_that_is_replaced_sends_what_it_has() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let events = json!({"cluster": "sluice", "flush_ms": 60000});
        let configuration = json!({"policy": github_only(), "events": events});
        let mut envoy = scene.setup(&configuration).concurrency(workers).start();
        let proxy = proxy(&envoy);
        for number in 0..10 {
            assert_eq!(get(proxy, &format!("h{number}.example.com")), Some(403));
        }
        let beaten = || scene.collector.ledger().instances.len() > workers as usize;
        wait::until("every VM to have sent something", || beaten().then_some(()));
        for number in 0..10 {
            assert_eq!(get(proxy, &format!("h{number}.example.com")), Some(403));
        }
        envoy.replace_vm("another");
        wait::until("the audits of the VM that went", || {
            let audits: usize = scene
                .collector
                .ledger()
                .instances
                .values()
                .map(|account| account.audits)
                .sum();
            (audits == 20).then_some(())
        });
        assert_eq!(scene.collector.ledger().gaps(), []);
        wait::until("its last heartbeat", || (closing(&scene) > 0).then_some(()));
        let beats = scene.collector.events().into_iter();
        let last: Vec<Value> = beats
            .filter(|event| event.flag("sluice.heartbeat.closing") == Some(true))
            .map(|event| {
                json!([
                    event.text("sluice.instance"),
                    event.int("sluice.heartbeat.unsent_bytes")
                ])
            })
            .collect();
        println!("{workers} workers: closing {last:?}");
        assert_unharmed(&envoy);
    });
}
