//! Ledgers of events made by hand.

use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::otlp;

const VM: &str = "p1/1";

fn events(token: Option<&str>, records: impl IntoIterator<Item = Value>) -> Vec<Event> {
    Event::decode(otlp::batch(&json!({}), records), token, Instant::now())
}

fn audit(instance: &str, seq: i64, uid: i64) -> Value {
    json!({"sluice.event": "audit", "sluice.instance": instance, "sluice.seq": seq,
        "log.record.uid": format!("{instance}/{uid}")})
}

fn summary(instance: &str, seq: i64, count: i64) -> Value {
    json!({"sluice.event": "summary", "sluice.instance": instance, "sluice.seq": seq, "sluice.count": count})
}

fn heartbeat(instance: &str, seq: i64, decisions: i64, dropped: i64, refused: i64) -> Value {
    json!({"sluice.event": "heartbeat", "sluice.instance": instance, "sluice.seq": seq,
        "sluice.heartbeat.decisions": decisions, "sluice.heartbeat.dropped": dropped,
        "sluice.heartbeat.refused": refused, "sluice.heartbeat.merged": 7, "sluice.heartbeat.unsent_bytes": 99})
}

fn ledger(records: impl IntoIterator<Item = Value>) -> Ledger {
    Ledger::of(&events(None, records))
}

#[test]
fn accounts_for_every_decision_of_a_process() {
    let ledger = ledger([
        audit(VM, 1, 1),
        audit(VM, 2, 2),
        summary(VM, 3, 10),
        heartbeat(VM, 4, 33, 3, 4),
        audit("p1/2", 1, 1),
        heartbeat("p1/2", 2, 34, 13, 0),
    ]);
    let first = &ledger.instances[VM];
    assert_eq!((first.audits, first.summarised), (2, 10));
    let expected = Heartbeat {
        decisions: 33,
        dropped: 3,
        refused: 4,
        merged: 7,
        unsent_bytes: 99,
    };
    assert_eq!(first.heartbeat, Some(expected));
    assert_eq!(first.accounted(), 2 + 10 + 3 + 4);
    let process = ledger.processes()["p1"];
    assert_eq!((process.accounted, process.decisions, process.lost()), (33, 34, 1));
    assert_eq!((ledger.accounted(), ledger.decisions()), (33, 34));
}

#[test]
fn counts_what_came_twice_once() {
    let ledger = ledger([audit(VM, 1, 1), summary(VM, 2, 5), audit(VM, 1, 1), summary(VM, 2, 5)]);
    assert_eq!((ledger.accounted(), ledger.duplicates()), (6, 2));
    assert_eq!(ledger.gaps(), []);
}

#[test]
fn counts_an_updated_stream_once() {
    let ledger = ledger([audit(VM, 1, 1), audit(VM, 2, 1)]);
    assert_eq!((ledger.accounted(), ledger.duplicates()), (1, 0));
}

#[test]
fn another_credential_is_another_sender() {
    let mut all = events(Some("a"), [summary(VM, 1, 5)]);
    all.extend(events(Some("b"), [summary(VM, 1, 5)]));
    let ledger = Ledger::of(&all);
    assert_eq!((ledger.accounted(), ledger.duplicates()), (10, 0));
}

#[test]
fn finds_every_gap_in_any_order() {
    let at = |seqs: &[i64]| ledger(seqs.iter().map(|seq| audit(VM, *seq, *seq)));
    assert_eq!(at(&[1, 2, 3]).gaps(), []);
    assert_eq!(at(&[0, 1, 2]).gaps(), [], "numbers may start at 0");
    assert_eq!(at(&[3, 1, 2]).gaps(), []);
    assert_eq!(at(&[2]).gaps(), [(VM, 1..=1)]);
    assert_eq!(at(&[9, 1, 2, 5]).gaps(), [(VM, 3..=4), (VM, 6..=8)]);
    let two = ledger([audit(VM, 1, 1), audit("p1/2", 2, 1)]);
    assert_eq!(two.gaps(), [("p1/2", 1..=1)], "each VM has numbers of its own");
}

#[test]
fn the_last_heartbeat_is_the_one_with_the_highest_number() {
    let ledger = ledger([heartbeat(VM, 2, 20, 2, 0), heartbeat(VM, 1, 10, 1, 0)]);
    assert_eq!((ledger.decisions(), ledger.accounted()), (20, 2));
}

#[test]
fn counts_decisions_only() {
    let mut pending = audit(VM, 1, 1);
    pending["sluice.event"] = json!("pending");
    let ledger = ledger([pending, json!({"sluice.event": "audit", "log.record.uid": "p1/1/2"})]);
    assert_eq!((ledger.accounted(), ledger.unnumbered), (0, 1));
}
