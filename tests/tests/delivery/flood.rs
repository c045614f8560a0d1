//! A client that invents hosts without end neither fills the memory nor hides what matters.

use serde_json::json;
use sluice_tests::collector::Answer;
use sluice_tests::load::{self, Limit};

use crate::shared::{Scene, answering_itself, assert_unharmed, get, get_path, github_only, proxy, whole_machine};

const HOSTS: u64 = 100_000;

/// How much more the second half may take than the first, in kB: what allocators keep to themselves.
const NOISE: u64 = 8 << 10;

fn flood(workers: u32) {
    let scene = Scene::new();
    let configuration = json!({"policy": github_only(), "events": {"cluster": "sluice", "buffer_bytes": 1 << 20}});
    let envoy = answering_itself(scene.setup(&configuration))
        .concurrency(workers)
        .start();
    let proxy = proxy(&envoy);
    scene.collector.answer(Answer::Stall);
    let invent = |from: u64| {
        move |number: u64| {
            let number = from + number;
            get_path(&format!("x{number}.junk{}.example", number % 977), "/")
        }
    };
    let alone = whole_machine();
    let half = Limit::Requests(HOSTS / 2);
    let start = envoy.resident_kb();
    let first = load::run(proxy, 8, half, invent(0));
    let middle = envoy.resident_kb();
    let second = load::run(proxy, 8, half, invent(HOSTS / 2));
    let end = envoy.resident_kb();
    drop(alone);
    assert_eq!(first.answers.get(&403).copied(), Some(HOSTS / 2));
    assert_eq!(second, first);

    assert_eq!(get(proxy, "real.example.org"), Some(403));
    scene.collector.answer(Answer::Accept);
    let rejected = scene.audit("real.example.org");
    assert_eq!(rejected.text("sluice.action"), Some("reject"));
    scene.collector.event("its pending record", |event| {
        event.name() == "pending" && event.text("server.address") == Some("real.example.org")
    });
    let ledger = scene.settled(&envoy, HOSTS + 1);
    assert_unharmed(&envoy);
    let summarised: i64 = ledger.instances.values().map(|account| account.summarised).sum();
    let whole: usize = ledger.instances.values().map(|account| account.audits).sum();
    println!("{workers} workers: {start} kB, {middle} kB, {end} kB; {whole} records, {summarised} in summaries");
    let growth = |from: u64, to: u64| to.saturating_sub(from);
    assert!(
        growth(middle, end) <= growth(start, middle) / 2 + NOISE,
        "{start} kB, {middle} kB, {end} kB"
    );
}

#[test]
fn invented_hosts_with_one_worker() {
    flood(1);
}

#[test]
fn invented_hosts_with_four_workers() {
    flood(4);
}
