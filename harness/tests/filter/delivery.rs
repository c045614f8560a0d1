//! Events reach the collector at least once, in batches that never change, one
//! call of a VM at a time, whatever the collector answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_harness::lab::{Ending, Lab, Plugin, Refusal, Request, VmId};

use crate::shared::*;

/// The gRPC status codes that are retried as they are (OTLP specification, "Failures").
const RETRYABLE: [u32; 7] = [1, 4, 8, 10, 11, 14, 15];
const UNAVAILABLE: u32 = 14;

fn flush(milliseconds: u32) -> Value {
    with(
        recording(),
        &json!({"events": {"cluster": "collector", "flush_ms": milliseconds}}),
    )
}

/// Requests that pass and end.
fn requests(lab: &mut Lab, vm: VmId, count: usize) {
    for _ in 0..count {
        let stream = lab.open_http(vm, Request::get(ALLOWED));
        lab.end_http(&stream, Ending::response(200));
    }
    lab.take_acts(vm);
}

/// One VM that has sent what it says when it starts.
fn started(config: &Value) -> (Lab, Collector) {
    let mut lab = lab(config, 1);
    let collector = Collector::of(&mut lab);
    lab.advance(TICK);
    assert_eq!(collector.exports().len(), 1, "a heartbeat with the first tick");
    (lab, collector)
}

#[test]
fn a_refused_batch_is_sent_again_byte_for_byte() {
    let (mut lab, collector) = started(&recording());
    collector.answers(&mut lab, Err(UNAVAILABLE));
    requests(&mut lab, vm(0), 3);
    let before = collector.exports().len();
    lab.advance(2 * SECOND);
    // What comes later waits for its turn.
    requests(&mut lab, vm(0), 2);
    lab.advance(20 * SECOND);
    let tries = collector.exports().split_off(before);
    assert!(tries.len() > 3, "{} tries", tries.len());
    assert!(tries.iter().all(|one| one == &tries[0]), "the batch has changed");
    collector.answers(&mut lab, Ok(Vec::new()));
    lab.advance(20 * SECOND);
    collector.assert_gapless();
    assert_eq!((collector.decisions(), collector.repeated()), (5, 0));
    let uids: Vec<_> = collector.of_kind("audit");
    let numbers: Vec<_> = uids.iter().map(|one| one.text("log.record.uid")).collect();
    let instance = &uids[0].instance;
    let expected: Vec<_> = (1..=5).map(|number| format!("{instance}/{number}")).collect();
    assert_eq!(numbers, expected);
    assert_no_trap(&lab);
}

#[test]
fn what_is_sent_twice_is_the_same() {
    let (mut lab, collector) = started(&recording());
    collector.is_silent(&mut lab);
    requests(&mut lab, vm(0), 2);
    lab.advance(SECOND);
    // The collector takes it and dies before it answers.
    let call = lab.calls().remove(0);
    collector.answer(&mut lab, &call, Ok(Vec::new()));
    requests(&mut lab, vm(0), 1);
    lab.advance(SECOND);
    let call = lab.calls().remove(0);
    assert!(lab.answer(&call, Err(UNAVAILABLE)));
    lab.advance(SECOND);
    let again = lab.calls().remove(0);
    assert_eq!(again.message, call.message);
    collector.answer(&mut lab, &again, Ok(Vec::new()));
    assert_eq!(collector.decisions(), 3);
    collector.assert_gapless();
}

#[test]
fn one_call_of_a_vm_is_on_its_way() {
    let mut lab = lab(&flush(10), 2);
    for _ in 0..30 {
        requests(&mut lab, vm(0), 200);
        requests(&mut lab, vm(1), 1);
        lab.advance(TICK);
        assert_eq!((lab.calls_of(vm(0)).len(), lab.calls_of(vm(1)).len()), (1, 1));
    }
    assert_no_trap(&lab);
}

#[test]
fn a_batch_leaves_once_its_time_has_come() {
    let (mut lab, collector) = started(&flush(1000));
    // The first went at 100 ms.
    requests(&mut lab, vm(0), 1);
    lab.advance(9 * TICK);
    assert_eq!(collector.decisions(), 0);
    lab.advance(TICK);
    assert_eq!(collector.decisions(), 1);
    // Nobody waits who came after a long silence.
    lab.advance(5 * SECOND);
    requests(&mut lab, vm(0), 1);
    lab.advance(TICK);
    assert_eq!(collector.decisions(), 2);
}

#[test]
fn a_full_batch_does_not_wait_and_the_next_goes_with_the_acknowledgement() {
    let (mut lab, collector) = started(&flush(60_000));
    collector.is_silent(&mut lab);
    requests(&mut lab, vm(0), 1000);
    lab.advance(SECOND);
    assert_eq!(lab.calls(), [], "neither full nor due");
    requests(&mut lab, vm(0), 11_000);
    lab.advance(TICK);
    let mut sizes = Vec::new();
    while let Some(call) = lab.calls().pop() {
        assert!(call.message.len() < (1 << 20) + 400_000, "{}", call.message.len());
        let before = collector.events().len();
        collector.answer(&mut lab, &call, Ok(Vec::new()));
        sizes.push(collector.events().len() - before);
    }
    assert!(sizes.len() >= 3, "{sizes:?}");
    assert!(sizes.iter().all(|&size| (1000..=4096).contains(&size)), "{sizes:?}");
    let left = 12_000 - collector.decisions();
    assert!(left < 4096, "{left} are left, enough for a batch");
    lab.advance(60 * SECOND + TICK);
    let call = lab.calls().pop().unwrap();
    collector.answer(&mut lab, &call, Ok(Vec::new()));
    assert_eq!(collector.decisions(), 12_000);
    collector.assert_gapless();
}

#[test]
fn waits_between_tries_grow_and_differ_between_vms() {
    let mut lab = lab(&recording(), 3);
    let collector = Collector::of(&mut lab);
    collector.answers(&mut lab, Err(UNAVAILABLE));
    let mut tries = vec![Vec::new(); 3];
    for tick in 1..=1200_u32 {
        let before = collector.exports().len();
        lab.advance(TICK);
        for export in &collector.exports()[before..] {
            let own = lab.vms().position(|vm| vm == export.vm).unwrap();
            tries[own].push(tick);
        }
    }
    let distinct: BTreeSet<_> = tries.iter().collect();
    assert_eq!(distinct.len(), 3, "{tries:?}");
    for ticks in &tries {
        let waits: Vec<_> = ticks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits[0] <= 2, "{waits:?}");
        // At most ten seconds, and a tick.
        assert!(waits.iter().all(|&wait| wait <= 101), "{waits:?}");
        assert!(waits.last().unwrap() >= &50, "{waits:?}");
        assert!((15..40).contains(&ticks.len()), "{ticks:?}");
    }
}

#[test]
fn every_status_code_keeps_counts_or_halves() {
    for code in (1..=17).chain([99, u32::MAX]) {
        let (mut lab, collector) = started(&flush(10));
        collector.answers(&mut lab, Err(code));
        requests(&mut lab, vm(0), 4);
        lab.advance(300 * SECOND);
        let denied = lab.metric("sluice_events_denied_total").unwrap_or(0);
        let lost = lab.metric("sluice_events_refused_total").unwrap_or(0);
        let tries: Vec<_> = collector.exports().split_off(1);
        let sizes: BTreeSet<_> = tries.iter().map(|export| export.message.len()).collect();
        if RETRYABLE.contains(&code) || matches!(code, 7 | 16) {
            assert_eq!((sizes.len(), lost), (1, 0), "{code}");
            let expected = if RETRYABLE.contains(&code) {
                0
            } else {
                tries.len() as u64
            };
            assert_eq!(denied, expected, "{code}");
        } else {
            assert!(sizes.len() > 2, "{code}: nothing was halved: {sizes:?}");
            assert!(lost >= 4, "{code}: {lost}");
            assert_eq!(denied, 0, "{code}");
        }
        collector.answers(&mut lab, Ok(Vec::new()));
        lab.advance(30 * SECOND);
        let kept = if lost == 0 { 4 } else { 0 };
        assert_eq!(collector.decisions(), kept, "{code}");
        let last = collector.of_kind("heartbeat").pop().unwrap();
        assert_eq!(last.int("sluice.heartbeat.refused"), 4 - kept, "{code}");
        assert_eq!(last.int("sluice.heartbeat.dropped"), 0, "{code}");
        assert_no_trap(&lab);
    }
}

#[test]
fn one_record_that_is_not_accepted_costs_no_other() {
    let (mut lab, collector) = started(&flush(10));
    collector.is_silent(&mut lab);
    for number in 0..100 {
        let host = if number == 37 { PROBE } else { ALLOWED };
        let stream = lab.open_http(vm(0), Request::get(host));
        lab.end_http(&stream, Ending::response(200));
    }
    // INVALID_ARGUMENT for a message with that host among audit records.
    for _ in 0..600 {
        lab.advance(TICK);
        while let Some(call) = lab.calls().pop() {
            let bad = events(&call.message)
                .iter()
                .any(|event| event.kind() == "audit" && event.host() == PROBE);
            collector.answer(&mut lab, &call, if bad { Err(3) } else { Ok(Vec::new()) });
        }
    }
    assert_eq!(collector.decisions(), 99);
    assert_eq!(collector.of_kind("pending").len(), 1);
    let last = collector.of_kind("heartbeat").pop().unwrap();
    assert_eq!(last.int("sluice.heartbeat.refused"), 1);
}

#[test]
fn a_call_that_cannot_be_made_is_tried_again() {
    for how in [Refusal::UnknownUpstream, Refusal::Failed] {
        let mut lab = lab(&recording(), 1);
        let collector = Collector::of(&mut lab);
        lab.refuse(EXPORT, Some(how));
        requests(&mut lab, vm(0), 3);
        lab.advance(30 * SECOND);
        assert_eq!(collector.exports(), []);
        lab.refuse(EXPORT, None);
        lab.advance(20 * SECOND);
        assert_eq!(collector.decisions(), 3, "{how:?}");
        collector.assert_gapless();
        assert_no_trap(&lab);
    }
}

#[test]
fn a_call_that_dies_with_its_root_context_is_made_by_another() {
    let mut lab = lab(&recording(), 1);
    let second = lab.add_root(vm(0), Plugin::tcp(recording().to_string())).unwrap();
    let collector = Collector::default();
    requests(&mut lab, vm(0), 3);
    lab.advance(TICK);
    let lost = lab.calls().remove(0);
    lab.end_root(vm(0));
    assert!(!lab.has_root(vm(0)));
    assert_eq!(lab.calls(), [], "it was made by the root context that is gone");
    lab.advance(2 * TICK);
    let again = lab.calls().remove(0);
    assert_eq!(again.message, lost.message);
    collector.answer(&mut lab, &again, Ok(Vec::new()));
    assert_eq!(collector.decisions(), 3);
    assert!(lab.has_root(second));
    assert_no_trap(&lab);
}

#[test]
fn any_answer_with_ok_is_an_acknowledgement() {
    let partial = |rejected: i64, why: &str| {
        use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
        use prost::Message;
        let response = ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess {
                rejected_log_records: rejected,
                error_message: why.into(),
            }),
        };
        response.encode_to_vec()
    };
    for (answer, refused) in [
        (Vec::new(), 0),
        (b"\xff\xff\xff garbage".to_vec(), 0),
        (vec![0; 100_000], 0),
        (partial(0, "a warning"), 0),
        (partial(-7, ""), 0),
        (partial(2, "bad\nrecords"), 2),
        (partial(i64::MAX, "all"), 5),
    ] {
        let (mut lab, collector) = started(&flush(10));
        collector.answers(&mut lab, Ok(answer.clone()));
        requests(&mut lab, vm(0), 5);
        lab.advance(TICK);
        collector.answers(&mut lab, Ok(Vec::new()));
        lab.advance(20 * SECOND);
        assert_eq!((collector.decisions(), collector.repeated()), (5, 0), "{answer:?}");
        let last = collector.of_kind("heartbeat").pop().unwrap();
        assert_eq!(last.int("sluice.heartbeat.refused"), refused, "{answer:?}");
        assert_no_trap(&lab);
    }
}
