//! Replays over small made-up recordings, decided natively.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sluice_policy::PolicyDocument;

use super::*;
use crate::engine::Setup;
use crate::progress::Silent;
use crate::recording::{SkipReason, Traffic};

const POLICY: &str = r#"{"mode": "enforce", "rules": [
    {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"]},
    {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true},
    {"id": "old", "effect": "allow", "host": "old.example.com", "expires_at": "2026-06-01T00:00:00Z"}]}"#;

fn backend(policy: &str) -> Backend {
    let policy = PolicyDocument::from_json(policy.as_bytes()).unwrap();
    Backend::native(&Setup::new(policy)).unwrap()
}

fn options(clock: Clock, vms: usize) -> Options {
    Options {
        visibility: Visibility::Proxy,
        clock,
        vms: NonZeroUsize::new(vms).unwrap(),
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn get(source: &str, authority: &str, count: u64) -> Recorded {
    Recorded {
        source: source.to_owned(),
        at: None,
        count,
        traffic: Traffic::Exchange {
            tls: false,
            authority: authority.into(),
            method: b"GET".to_vec(),
            path: Some(b"/a?b".to_vec()),
        },
        address: None,
    }
}

fn run(recorded: &[Recorded], clock: Clock) -> Replay {
    replay(recorded, Vec::new(), &backend(POLICY), &options(clock, 2), &Silent).unwrap()
}

#[test]
fn the_document_has_every_member_in_the_documented_order() {
    let tunnel = Recorded {
        traffic: Traffic::Tunnel {
            authority: b"API.github.com:443".to_vec(),
        },
        ..get("b.har#1", "", 1)
    };
    let connection = Recorded {
        traffic: Traffic::Connection {
            server_name: b"other.example.com".to_vec(),
            port: 8443,
        },
        ..get("c.jsonl:7", "", 1)
    };
    let recorded = [
        get("a.har#0", "api.github.com", 3),
        tunnel,
        connection,
        get("d.har#2", "a,b", 1),
    ];
    let replay = run(&recorded, Clock::Fixed(time("2026-01-01T00:00:00Z")));
    let text = serde_json::to_string(&replay).unwrap();
    assert!(
        text.contains(
            r#"{"source":"a.har#0","host":"api.github.com","port":80,"method":"GET","path":"/a","sni":null,"action":"allow","would_reject":false,"rule_id":"gh","rejected_by":null,"nearest":null,"raw":null,"count":3}"#
        ),
        "{text}"
    );
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        document["summary"],
        json!({"total": 6, "allow": 3, "warn": 0, "reject": 3, "would_reject": 3, "skipped": 0})
    );
    assert_eq!(document.as_object().unwrap().len(), 2);
    let decisions = &document["decisions"];
    assert_eq!(decisions[1]["nearest"], json!({"rule_id": "gh", "why": "opaque"}));
    assert_eq!(decisions[1]["method"], json!(null));
    assert_eq!(decisions[2]["sni"], json!("other.example.com"));
    assert_eq!(decisions[2]["port"], json!(8443));
    assert_eq!(decisions[3]["host"], json!(null));
    assert_eq!(decisions[3]["raw"], json!("a,b"));
    assert_eq!(decisions[3]["rejected_by"], json!("invalid_authority"));
}

#[test]
fn order_is_that_of_the_recording_however_many_vms_decide() {
    struct Counting(AtomicUsize, AtomicUsize);
    impl Progress for Counting {
        fn begin(&self, entries: usize) {
            self.0.fetch_add(entries, Ordering::Relaxed);
        }
        fn advance(&self, entries: usize) {
            self.1.fetch_add(entries, Ordering::Relaxed);
        }
    }
    let recorded: Vec<Recorded> = (0..3_000)
        .map(|at| get(&format!("a.har#{at}"), &format!("h{at}.example.com"), 1))
        .collect();
    for vms in [1, 2, 7] {
        let counting = Counting(AtomicUsize::new(0), AtomicUsize::new(0));
        let clock = Clock::Fixed(time("2026-01-01T00:00:00Z"));
        let replay = replay(&recorded, Vec::new(), &backend(POLICY), &options(clock, vms), &counting).unwrap();
        assert_eq!(counting.0.into_inner(), 3_000);
        assert_eq!(counting.1.into_inner(), 3_000);
        assert_eq!(replay.summary.reject, 3_000);
        for (at, decision) in replay.decisions.iter().enumerate() {
            assert_eq!(decision.source, format!("a.har#{at}"));
            assert_eq!(decision.host, Some(format!("h{at}.example.com")));
        }
    }
}

#[test]
fn the_recorded_clock_decides_each_entry_as_of_then() {
    let at = |text: &str| Recorded {
        at: Some(time(text)),
        ..get(text, "old.example.com", 1)
    };
    let recorded = [
        at("2026-05-31T23:59:59.999999Z"),
        at("2026-06-01T00:00:00Z"),
        get("c.har#2", "old.example.com", 1),
    ];
    let replay = run(&recorded, Clock::Recorded);
    let rules: Vec<_> = replay.decisions.iter().map(|one| one.rule_id.as_deref()).collect();
    assert_eq!(rules, [Some("old"), None]);
    let no_time = LeftOut::NoTime {
        source_name: "c.har#2".to_owned(),
    };
    assert_eq!(replay.skipped, [no_time]);
    assert_eq!(replay.summary.skipped, 1);
}

#[test]
fn what_the_reader_left_out_is_counted() {
    let skipped = Skipped {
        source: "a.jsonl:3".to_owned(),
        reason: SkipReason::NoTarget,
    };
    let clock = Clock::Fixed(time("2026-01-01T00:00:00Z"));
    let replay = replay(&[], vec![skipped], &backend(POLICY), &options(clock, 1), &Silent).unwrap();
    assert_eq!(
        replay.summary,
        Summary {
            skipped: 1,
            ..Summary::default()
        }
    );
    assert!(replay.skipped[0].to_string().starts_with("a.jsonl:3: "));
}
