//! What a policy service can answer, and what the filter says to that.

use serde_json::json;
use sluice_harness::lab::{Lab, State};

use super::{asking, revisions};
use crate::shared::*;

fn nack(lab: &Lab) -> String {
    match lab.said().pop() {
        Some(Said::Nack { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_put_in_force_is_refused_with_the_reason() {
    let mut lab = asking(2);
    lab.tell(policy("sb_1", (2, 5)));
    let big = json!({"mode": "enforce", "rules": [{"id": "r", "effect": "allow", "host": "x".repeat(70_000)}]});
    let no_resource = {
        use prost::Message;
        let policy = EffectivePolicy {
            version: Some(Version { epoch: 9, revision: 9 }),
            ..EffectivePolicy::default()
        };
        WatchResponse {
            message: Some(Content::Policy(policy)),
        }
        .encode_to_vec()
    };
    let cases = [
        (
            policy("sb_1", (2, 4)),
            "expected a version after the one in force (epoch 2, revision 5)",
        ),
        (policy("sb_1", (1, 900)), "expected a version after"),
        (none("sb_1", None), "expected a version after"),
        (none("sb_1", Some((2, 4))), "expected a version after"),
        (policy("sb_9", (2, 6)), "this resource was not asked for"),
        (garbled("sb_1", None, 1, b"{}"), "expected a version after"),
        (garbled("sb_1", Some((2, 6)), 0, b"{}"), "encoding 0: expected 1 (JSON)"),
        (
            garbled("sb_1", Some((2, 6)), 77, b"{}"),
            "encoding 77: expected 1 (JSON)",
        ),
        (garbled("sb_1", Some((2, 6)), 1, b"{"), "EOF while parsing"),
        (garbled("sb_1", Some((2, 6)), 1, b"\xff\x00"), "line 1 column 1"),
        (
            garbled("sb_1", Some((2, 6)), 1, b"{\"tenant\": {\"mode\": \"off\"}}"),
            "\"off\"",
        ),
        (policy_of("sb_1", (2, 6), &big), "rule r: host"),
        (no_resource, "resource is missing"),
        (b"\xff\xff".to_vec(), "not a WatchResponse"),
        (Vec::new(), "not a WatchResponse"),
    ];
    for (number, (message, expected)) in cases.into_iter().enumerate() {
        lab.tell(message);
        let error = nack(&lab);
        assert!(
            error.contains(expected),
            "{number}: {error:?} says nothing of {expected:?}"
        );
        assert!(error.len() <= 4096, "{} bytes", error.len());
        assert_eq!(revisions(&mut lab, "sb_1"), [Some(5); 2], "{number}");
    }
    assert_eq!(lab.metric("sluice_policies_refused_total"), Some(15));
    lab.tell(policy("sb_1", (2, 5)));
    lab.tell(policy("sb_1", (2, 6)));
    assert_eq!(revisions(&mut lab, "sb_1"), [Some(6); 2], "it goes on");
    lab.tell(policy("sb_1", (3, 1)));
    assert_eq!(revisions(&mut lab, "sb_1"), [Some(1); 2], "a restored database");
    assert_no_trap(&lab);
}

#[test]
fn heartbeats_tell_of_a_refusal_until_a_policy_is_accepted() {
    let config = with(live(), &json!({"events": {"cluster": "collector"}}));
    let mut lab = lab(&config, 1);
    let collector = Collector::of(&mut lab);
    revision(&mut lab, vm(0), "sb_1");
    lab.advance(3 * TICK);
    lab.tell(policy("sb_1", (1, 1)));
    lab.tell(garbled("sb_1", Some((1, 2)), 1, b"[]"));
    lab.advance(11 * SECOND);
    let beat = collector.of_kind("heartbeat").pop().unwrap();
    assert!(
        beat.text("sluice.policy.error").starts_with("sandbox/sb_1: "),
        "{beat:?}"
    );
    assert_eq!(beat.int("sluice.policy.revision"), 1);
    assert_eq!(beat.text("sluice.policy.digest"), "d19e");
    lab.tell(policy("sb_1", (1, 3)));
    lab.advance(11 * SECOND);
    let beat = collector.of_kind("heartbeat").pop().unwrap();
    assert!(!beat.has("sluice.policy.error"));
    assert_eq!(beat.int("sluice.policy.revision"), 3);
}

#[test]
fn none_is_an_answer() {
    for version in [None, Some((1, 3))] {
        let mut lab = asking(3);
        let held = lab.open_http(vm(1), of("sb_1", PROBE));
        lab.tell(none("sb_1", version));
        assert_eq!(
            lab.state(&held),
            State::Passed,
            "{version:?}: a new resource is observed"
        );
        for vm in lab.vms() {
            let stream = lab.open_http(vm, of("sb_1", PROBE));
            assert_eq!(lab.state(&stream), State::Passed, "{version:?}");
        }
        lab.tell(policy("sb_1", (1, 4)));
        assert_eq!(revisions(&mut lab, "sb_1"), [Some(4); 3], "{version:?}");
        lab.tell(none("sb_1", Some((1, 5))));
        let stream = lab.open_http(vm(2), of("sb_1", PROBE));
        assert_eq!(lab.state(&stream), State::Passed, "it was taken back");
        lab.tell(policy("sb_1", (1, 4)));
        assert!(nack(&lab).contains("expected a version after"), "{version:?}");
        assert_no_trap(&lab);
    }
}

#[test]
fn a_stream_that_ends_is_opened_again_whatever_its_status() {
    for code in (0..=17).chain([99, u32::MAX]) {
        let mut lab = asking(2);
        lab.tell(policy("sb_1", (1, 1)));
        let stream = lab.watch().unwrap();
        lab.close(&stream, code);
        assert_eq!(
            revisions(&mut lab, "sb_1"),
            [Some(1); 2],
            "{code}: the last good one stays"
        );
        lab.advance(2 * SECOND);
        let said = lab.said();
        let Some(Said::Hello { held, .. }) = said.first() else {
            panic!("{code}: {said:?}");
        };
        assert_eq!(held[..], [("sb_1".to_owned(), (1, 1))], "{code}");
        assert_eq!(said[1], Said::Subscribe("sb_1".into()));
        assert_eq!(lab.all_streams().len(), 2);
        lab.tell(policy("sb_1", (1, 2)));
        assert_eq!(revisions(&mut lab, "sb_1"), [Some(2); 2]);
        assert_no_trap(&lab);
    }
}

#[test]
fn tries_to_open_a_stream_grow_apart() {
    let mut lab = asking(1);
    let mut opened = Vec::new();
    for tick in 0..1200_u32 {
        if let Some(stream) = lab.watch() {
            opened.push(tick);
            lab.close(&stream, 14);
        }
        lab.advance(TICK);
    }
    let waits: Vec<_> = opened.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] <= 3 && waits.iter().all(|&wait| wait <= 101), "{waits:?}");
    assert!(waits.last().unwrap() >= &50, "{waits:?}");
    assert!((12..40).contains(&waits.len()), "{waits:?}");
}

#[test]
fn a_server_that_says_nothing_is_waited_for() {
    let mut lab = asking(2);
    lab.advance(600 * SECOND);
    assert_eq!(lab.all_streams().len(), 1);
    let stream = lab.open_http(vm(0), of("sb_1", ALLOWED));
    assert_eq!(lab.state(&stream), State::Paused);
    lab.advance(2 * SECOND + TICK);
    assert_eq!(refusal(&lab.state(&stream)).unwrap()["rejected_by"], "no_policy");
}
