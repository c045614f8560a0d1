//! A client that invents hosts without end fills no memory and buries nothing.

use std::time::Instant;

use serde_json::json;
use sluice_harness::lab::Request;

use crate::shared::*;

const STEP: u64 = 10_000;

const HOSTS: u64 = 1_000_000;

#[test]
fn a_million_invented_hosts_take_bounded_room_and_are_all_counted() {
    let config = with(
        recording(),
        &json!({"events": {"cluster": "collector", "buffer_bytes": 1 << 20}}),
    );
    let mut lab = lab(&config, 1);
    let collector = Collector::of(&mut lab);
    collector.answers(&mut lab, Err(14));
    let began = Instant::now();
    let mut memory = Vec::new();
    for first in (0..HOSTS).step_by(usize::try_from(STEP).unwrap()) {
        for number in first..first + STEP {
            // Of few domains, of many, and of no domain.
            let host = match number % 3 {
                0 => format!("h{number}.junk.example"),
                1 => format!("h{number}.d{}.example", number % 50_021),
                _ => format!("h{number}"),
            };
            lab.open_http(vm(0), Request::get(&host));
        }
        lab.take_acts(vm(0));
        lab.forget_streams();
        lab.advance(TICK);
        memory.push(lab.memory(vm(0)).unwrap());
    }
    lab.open_http(
        vm(0),
        Request::new("GET", "api.real.example.org", Some("/v1?key=secret")),
    );
    println!(
        "{HOSTS} hosts: {:?}, memory {} kB",
        began.elapsed(),
        memory.last().unwrap() / 1024
    );
    let tenth = memory[memory.len() / 10];
    assert_eq!(memory.last(), Some(&tenth), "it grows: {memory:?}");
    assert!(tenth < 16 << 20, "{tenth} bytes");
    collector.forget();
    collector.answers(&mut lab, Ok(Vec::new()));
    lab.advance(30 * SECOND);
    assert_eq!(collector.decisions(), HOSTS + 1);
    collector.assert_gapless();
    let audits = collector.of_kind("audit");
    let real: Vec<_> = audits
        .iter()
        .filter(|event| event.host() == "api.real.example.org")
        .collect();
    assert_eq!(real.len(), 1);
    assert_eq!(real[0].text("url.path"), "/v1");
    let summaries = collector.of_kind("summary");
    assert!(summaries.len() < 400, "{}", summaries.len());
    let beat = collector.of_kind("heartbeat").pop().unwrap();
    assert_eq!(beat.int("sluice.heartbeat.decisions"), HOSTS + 1);
    let merged: u64 = summaries.iter().map(|one| one.int("sluice.count")).sum();
    assert_eq!(beat.int("sluice.heartbeat.merged"), merged);
    assert_eq!(beat.int("sluice.heartbeat.dropped"), 0);
    assert_no_trap(&lab);
}
