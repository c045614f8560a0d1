//! Every answer to Export: what the client sees, and what was recorded.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_tests::collector::{Answer, Collector};
use sluice_tests::otlp::{Client, batch};
use tonic::Code;

/// Longer than an answer takes, shorter than anybody waits.
const SOON: Duration = Duration::from_millis(500);

fn audit(seq: i64) -> Value {
    json!({
        "sluice.event": "audit",
        "sluice.instance": "p/1",
        "sluice.seq": seq,
        "log.record.uid": format!("p/1/{seq}"),
        "server.address": "api.github.com",
        "server.port": 443,
        "sluice.would_reject": true,
    })
}

fn resource() -> Value {
    json!({"service.name": "sluice", "sluice.resource.type": "sandbox", "sluice.resource.id": "sb_1"})
}

fn seqs(collector: &Collector) -> Vec<i64> {
    collector
        .events()
        .iter()
        .filter_map(|event| event.int("sluice.seq"))
        .collect()
}

#[test]
fn accept_records_everything_as_it_was_sent() {
    let collector = Collector::start();
    let before = Instant::now();
    let answer = Client::of(collector.port()).export(&batch(&resource(), [audit(1), audit(2)]));
    assert_eq!(answer.expect("it accepts").partial_success, None);

    assert_eq!((seqs(&collector), collector.exports()), (vec![1, 2], 1));
    let event = collector.event("the second", |event| event.int("sluice.seq") == Some(2));
    assert_eq!((event.name(), event.event_name.as_str()), ("audit", "audit"));
    assert_eq!(event.text("server.address"), Some("api.github.com"));
    assert_eq!(event.int("server.port"), Some(443));
    assert_eq!(event.flag("sluice.would_reject"), Some(true));
    assert_eq!(event.text("server.port"), None, "a number is no text");
    assert_eq!(event.text("url.path"), None);
    assert_eq!(event.resource.text("sluice.resource.id"), Some("sb_1"));
    assert_eq!(event.time_unix_nano, 1_700_000_000_000_000_001);
    assert_eq!(event.token, None);
    assert!(event.arrived >= before);
    let shown = format!("{event:?}");
    assert!(shown.contains(r#"server.address="api.github.com""#), "{shown}");

    collector.clear();
    assert_eq!((collector.events(), collector.exports()), (vec![], 0));
}

#[test]
fn takes_gzip_and_batches_of_many_megabytes() {
    let collector = Collector::start();
    let mut large = audit(1);
    large["url.path"] = json!("x".repeat(20 << 20));
    let answer = Client::of(collector.port()).export(&batch(&resource(), [large.clone()]));
    answer.expect("20 MiB is within the limit");
    let answer = Client::of(collector.port())
        .compressed()
        .export(&batch(&resource(), [large]));
    answer.expect("also with gzip");
    assert_eq!(seqs(&collector), [1, 1]);
}

#[test]
fn a_status_records_nothing() {
    let collector = Collector::start();
    let client = Client::of(collector.port());
    for code in [Code::Unavailable, Code::ResourceExhausted, Code::InvalidArgument] {
        collector.answer(Answer::Status(code));
        let refused = client.export(&batch(&resource(), [audit(1)]));
        assert_eq!(refused.expect_err("it refuses").code(), code);
    }
    assert_eq!((seqs(&collector), collector.exports()), (vec![], 3));
    collector.answer(Answer::Accept);
    client
        .export(&batch(&resource(), [audit(2)]))
        .expect("it accepts again");
    assert_eq!(seqs(&collector), [2]);
}

#[test]
fn a_partial_success_leaves_out_what_it_refuses() {
    let collector = Collector::start();
    collector.answer(Answer::PartialSuccess {
        rejected: 2,
        message: "too old".to_owned(),
    });
    let answer = Client::of(collector.port()).export(&batch(&resource(), (1..=5).map(audit)));
    let partial = answer.expect("it is a success").partial_success.expect("a partial one");
    assert_eq!(
        (partial.rejected_log_records, partial.error_message.as_str()),
        (2, "too old")
    );
    assert_eq!(seqs(&collector), [1, 2, 3]);
}

#[test]
fn a_stall_is_no_answer_and_no_record() {
    let collector = Collector::start();
    collector.answer(Answer::Stall);
    let client = Client::of(collector.port());
    let given_up = client.clone().patience(SOON).export(&batch(&resource(), [audit(1)]));
    assert_eq!(given_up.expect_err("nobody answers").code(), Code::DeadlineExceeded);
    assert_eq!((seqs(&collector), collector.exports()), (vec![], 1));
    collector.answer(Answer::Accept);
    client
        .export(&batch(&resource(), [audit(2)]))
        .expect("others are answered");
    assert_eq!(seqs(&collector), [2]);
}

#[test]
fn a_late_answer_comes_after_the_record() {
    let collector = Collector::start();
    collector.answer(Answer::Late(3 * SOON));
    let client = Client::of(collector.port());
    let given_up = client.clone().patience(SOON).export(&batch(&resource(), [audit(1)]));
    assert_eq!(given_up.expect_err("it is too early").code(), Code::DeadlineExceeded);
    assert_eq!(seqs(&collector), [1]);
    let before = Instant::now();
    client
        .export(&batch(&resource(), [audit(1)]))
        .expect("it comes at last");
    assert!(before.elapsed() >= 3 * SOON);
    assert_eq!(collector.ledger().duplicates(), 1);
}

#[test]
fn accepted_and_dead_makes_duplicates() {
    let collector = Collector::start();
    collector.answer(Answer::AcceptThenDie);
    let client = Client::of(collector.port());
    let lost = client
        .export(&batch(&resource(), [audit(1)]))
        .expect_err("the answer is lost");
    assert_ne!(lost.code(), Code::DeadlineExceeded, "the connection breaks: {lost:?}");
    assert_eq!(seqs(&collector), [1]);
    collector.answer(Answer::Accept);
    client
        .export(&batch(&resource(), [audit(1)]))
        .expect("the process lives on");
    assert_eq!(seqs(&collector), [1, 1]);
    let ledger = collector.ledger();
    assert_eq!((ledger.duplicates(), ledger.accounted()), (1, 1));
}

#[test]
fn garbage_is_a_good_status_with_a_bad_message() {
    let collector = Collector::start();
    collector.answer(Answer::Garbage);
    let answer = Client::of(collector.port()).export(&batch(&resource(), [audit(1)]));
    let unreadable = answer.expect_err("that is no message");
    assert_eq!(unreadable.code(), Code::Internal);
    assert!(unreadable.message().contains("decode"), "{unreadable:?}");
    assert_eq!(seqs(&collector), [0; 0]);
}

#[test]
fn a_required_token_is_the_only_one_that_records() {
    let collector = Collector::start();
    let client = Client::of(collector.port());
    let good = client.clone().token("secret");
    good.export(&batch(&resource(), [audit(1)])).expect("any token will do");

    collector.require_token(Some("secret"));
    for caller in [client.clone(), client.clone().token("other")] {
        let refused = caller.export(&batch(&resource(), [audit(2)]));
        assert_eq!(refused.expect_err("it may not").code(), Code::Unauthenticated);
    }
    good.export(&batch(&resource(), [audit(3)])).expect("it may");
    assert_eq!(seqs(&collector), [1, 3]);
    let tokens = collector.events().into_iter().map(|event| event.token);
    assert!(tokens.eq([Some("secret".to_owned()), Some("secret".to_owned())]));

    collector.require_token(None);
    client.export(&batch(&resource(), [audit(4)])).expect("anybody may");
}
