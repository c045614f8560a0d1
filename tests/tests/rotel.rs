//! Events through an OpenTelemetry collector of others: all arrive, and with everything that makes them ours.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::collector::{Answer, Collector};
use sluice_tests::otlp::{Client, batch};
use sluice_tests::rotel::Rotel;
use sluice_tests::wait;
use tonic::Code;

const INSTANCE: &str = "4711-1/2";

fn resource(id: &str) -> Value {
    json!({
        "service.name": "sluice",
        "service.version": "0.1.0",
        "service.instance.id": INSTANCE,
        "sluice.resource.type": "sandbox",
        "sluice.resource.id": id,
    })
}

fn audit(seq: i64) -> Value {
    json!({
        "sluice.event": "audit",
        "log.record.uid": format!("{INSTANCE}/{seq}"),
        "sluice.instance": INSTANCE,
        "sluice.seq": seq,
        "server.address": format!("host-{seq}.example.com"),
        "server.port": 443,
        "http.request.method": "GET",
        "url.path": "/répos/%2e",
        "http.response.status_code": 403,
        "http.request.size": 0,
        "http.response.size": 9_007_199_254_740_993_i64,
        "tls.client.server_name": "",
        "client.address": "10.0.0.1",
        "network.protocol.name": "http/1.1",
        "sluice.action": "reject",
        "sluice.would_reject": true,
        "sluice.rule.id": "gh",
        "sluice.rule.scope": "tenant",
        "sluice.rejected_by": "default_deny",
        "sluice.nearest": r#"{"rule_id":"gh","why":"method"}"#,
        "sluice.policy.epoch": 1,
        "sluice.policy.revision": i64::MAX,
        "sluice.policy.mode": "enforce",
        "sluice.outcome": "ok",
        "sluice.duration_us": -1,
    })
}

fn summary(seq: i64) -> Value {
    json!({"sluice.event": "summary", "sluice.instance": INSTANCE, "sluice.seq": seq, "sluice.count": 10})
}

fn heartbeat(seq: i64, decisions: i64) -> Value {
    json!({"sluice.event": "heartbeat", "sluice.instance": INSTANCE, "sluice.seq": seq,
        "sluice.heartbeat.decisions": decisions, "sluice.heartbeat.dropped": 0, "sluice.heartbeat.refused": 0})
}

/// Attribute by attribute: nothing is lost, changed or added.
fn assert_same(sent: &Value, attributes: &sluice_tests::collector::Attributes) {
    let sent = sent.as_object().expect("attributes are an object");
    let names: Vec<_> = attributes.names().collect();
    assert_eq!(names, sent.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, value) in sent {
        assert_eq!(attributes.get(name), Some(value), "{name}");
    }
}

#[test]
fn everything_arrives_as_it_was_sent() {
    let collector = Collector::start();
    let rotel = Rotel::start(collector.port());
    let client = Client::of(rotel.port());
    let mut sent: Vec<_> = (1..=200).map(audit).collect();
    sent.extend([summary(201), heartbeat(202, 210)]);
    for (index, records) in sent.chunks(50).enumerate() {
        let resource = resource(if index % 2 == 0 { "sb_even" } else { "sb_odd" });
        let answer = client.export(&batch(&resource, records.to_vec()));
        assert_eq!(answer.expect("rotel accepts").partial_success, None);
    }
    collector.event("the heartbeat", |event| event.name() == "heartbeat");
    wait::until("all events", || (collector.events().len() >= sent.len()).then_some(()));

    let ledger = collector.ledger();
    assert_eq!((ledger.gaps(), ledger.duplicates(), ledger.unnumbered), (vec![], 0, 0));
    assert_eq!((ledger.accounted(), ledger.decisions()), (210, 210));
    let mut events = collector.events();
    events.sort_by_key(|event| event.int("sluice.seq"));
    assert_eq!(events.len(), sent.len());
    for (index, (event, sent)) in events.iter().zip(&sent).enumerate() {
        assert_same(sent, &event.attributes);
        assert_same(
            &resource(if index / 50 % 2 == 0 { "sb_even" } else { "sb_odd" }),
            &event.resource,
        );
        let expected = 1_700_000_000_000_000_000 + u64::try_from(index % 50).expect("an index is small");
        assert_eq!(event.time_unix_nano, expected);
    }
}

#[test]
fn a_collector_that_is_away_for_a_while_gets_everything_in_the_end() {
    let collector = Collector::start();
    let rotel = Rotel::start(collector.port());
    let client = Client::of(rotel.port());
    let send = |seq: i64| {
        let answer = client.export(&batch(&resource("sb_1"), [audit(seq)]));
        answer.expect("rotel accepts, whether it can forward or not");
    };
    send(1);
    collector.event("the first one", |event| event.int("sluice.seq") == Some(1));
    collector.answer(Answer::Status(Code::Unavailable));
    let before = collector.exports();
    send(2);
    wait::until("rotel to try twice", || {
        (collector.exports() >= before + 2).then_some(())
    });
    collector.stop();
    send(3);
    collector.answer(Answer::Accept);
    collector.restart();
    for seq in [2, 3] {
        collector.event("what was sent meanwhile", |event| event.int("sluice.seq") == Some(seq));
    }
    let ledger = collector.ledger();
    assert_eq!((ledger.gaps(), ledger.accounted()), (vec![], 3));
}

fn find(rotel: &str) -> (Option<i32>, String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("find-rotel");
    let found = Command::new(script).env("ROTEL", rotel).output();
    let found = found.expect("bash is part of every system");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (found.status.code(), text(&found.stdout), text(&found.stderr))
}

#[test]
fn the_variable_comes_first_and_must_name_a_program() {
    let (status, path, _) = find("/bin/sh");
    assert_eq!((status, path.as_str()), (Some(0), "/bin/sh\n"));
    let (status, path, message) = find("/nowhere/rotel");
    assert_eq!((status, path.as_str()), (Some(1), ""));
    assert!(message.contains("ROTEL is set to '/nowhere/rotel'"), "{message}");
}
