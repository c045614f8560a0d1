//! What an outbox sends, keeps, merges and gives up.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use sluice_policy::Action;

use super::super::testing::audit;
use super::*;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;
const UNAVAILABLE: u32 = 14;
const INVALID_ARGUMENT: u32 = 3;

fn outbox(most_bytes: usize) -> Outbox {
    Outbox::new("p/v", most_bytes, SECOND, 7)
}

fn allowed(outbox: &mut Outbox, host: &str) {
    let number = outbox.number();
    outbox.add(Record::Audit(Box::new(audit(number, number, host, Action::Allow))));
}

fn rejected(outbox: &mut Outbox, host: &str) {
    let number = outbox.number();
    outbox.add(Record::Audit(Box::new(audit(number, number, host, Action::Reject))));
}

/// A record as the collector sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    seq: i64,
    event: String,
    uid: Option<String>,
    host: Option<String>,
    count: i64,
}

fn read(message: &[u8]) -> Vec<Seen> {
    let request = ExportLogsServiceRequest::decode(message).unwrap();
    let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
    let mut seen: Vec<_> = scopes
        .flat_map(|scope| scope.log_records)
        .map(|log| {
            let value = |key: &str| {
                let found = log.attributes.iter().find(|attribute| attribute.key == key);
                found.and_then(|attribute| attribute.value.clone()?.value)
            };
            let text = |key: &str| match value(key) {
                Some(Value::StringValue(text)) => Some(text),
                _ => None,
            };
            let int = |key: &str| match value(key) {
                Some(Value::IntValue(int)) => int,
                _ => 0,
            };
            Seen {
                seq: int("sluice.seq"),
                event: text("sluice.event").unwrap(),
                uid: text("log.record.uid"),
                host: text("server.address"),
                count: int("sluice.count"),
            }
        })
        .collect();
    seen.sort();
    seen
}

/// Sends everything there is to a collector that acknowledges.
fn drain(outbox: &mut Outbox, now: u64) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Some(message) = outbox.send(now, true) {
        all.extend(read(&message));
        outbox.acknowledged(0);
    }
    assert!(outbox.is_empty());
    assert_eq!((outbox.unsent(), outbox.unsent_bytes(), outbox.bytes), (0, 0, 0));
    all
}

#[test]
fn records_go_when_they_are_due_and_one_batch_at_a_time() {
    let mut outbox = outbox(1 << 20);
    assert_eq!(outbox.send(10 * SECOND, false), None, "nothing to send");
    allowed(&mut outbox, "a.example.com");
    let first = outbox.send(10 * SECOND, false).unwrap();
    allowed(&mut outbox, "b.example.com");
    assert_eq!(outbox.send(20 * SECOND, true), None, "one is on its way");
    outbox.acknowledged(0);
    assert_eq!(outbox.send(10 * SECOND + 999 * MILLISECOND, false), None, "not due");
    let second = outbox.send(11 * SECOND, false).unwrap();
    let hosts: Vec<_> = [first, second].iter().flat_map(|message| read(message)).collect();
    assert_eq!(hosts.iter().map(|seen| seen.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(hosts[0].uid.as_deref(), Some("p/v/1"));
}

#[test]
fn a_full_batch_does_not_wait() {
    let mut outbox = outbox(64 << 20);
    allowed(&mut outbox, "a.example.com");
    outbox.send(SECOND, false).unwrap();
    outbox.acknowledged(0);
    for _ in 0..BATCH_RECORDS {
        allowed(&mut outbox, "a.example.com");
    }
    assert!(outbox.has_a_batch());
    let batch = outbox.send(SECOND, false).unwrap();
    assert!(
        batch.len() >= BATCH_BYTES / 2 && batch.len() < BATCH_BYTES + BATCH_BYTES / 50,
        "{}",
        batch.len()
    );
}

#[test]
fn a_batch_that_failed_is_sent_again_as_it_was() {
    let mut outbox = outbox(1 << 20);
    allowed(&mut outbox, "a.example.com");
    let first = outbox.send(SECOND, false).unwrap();
    assert_eq!(outbox.failed(UNAVAILABLE, SECOND), None);
    allowed(&mut outbox, "b.example.com");
    assert_eq!(outbox.send(SECOND + MILLISECOND, true), None, "it waits a little");
    assert_eq!(outbox.send(2 * SECOND, false), Some(first.clone()));
    outbox.lost();
    assert_eq!(outbox.send(2 * SECOND, false), Some(first), "its call was lost");
    outbox.acknowledged(0);
    assert_eq!(drain(&mut outbox, 3 * SECOND).len(), 1);
}

#[test]
fn a_credential_that_is_not_accepted_is_told_of_and_loses_nothing() {
    let mut outbox = outbox(1 << 20);
    allowed(&mut outbox, "a.example.com");
    let mut now = SECOND;
    for code in [16, 7, 16] {
        outbox.send(now, true).unwrap();
        assert_eq!(outbox.failed(code, now), Some(Notice::Denied));
        now += 20 * SECOND;
    }
    assert_eq!(drain(&mut outbox, now).len(), 1);
}

#[test]
fn one_bad_record_is_found_and_the_others_arrive_in_their_sequence() {
    let mut outbox = outbox(8 << 20);
    for n in 0..1000 {
        allowed(
            &mut outbox,
            if n == 617 {
                "bad.example.com"
            } else {
                "good.example.com"
            },
        );
    }
    let (mut now, mut arrived, mut given_up) = (SECOND, BTreeSet::new(), 0);
    while !outbox.is_empty() {
        now += 100 * MILLISECOND;
        assert!(now < 1000 * SECOND, "it comes to an end");
        let Some(message) = outbox.send(now, true) else {
            continue;
        };
        let seen = read(&message);
        if seen.iter().any(|seen| seen.host.as_deref() == Some("bad.example.com")) {
            given_up += usize::from(outbox.failed(INVALID_ARGUMENT, now) == Some(Notice::GivenUp));
        } else {
            arrived.extend(seen.into_iter().map(|seen| seen.seq));
            outbox.acknowledged(0);
        }
    }
    assert_eq!((arrived.len(), given_up), (999, 1));
    assert_eq!(arrived.iter().copied().collect::<Vec<_>>().len(), 999);
    assert!(!arrived.contains(&618), "its place in the sequence stays empty");
    assert_eq!(outbox.counters.refused, 1);
}

#[test]
fn a_refusal_that_was_an_accident_loses_nothing() {
    // As a collector looks that is killed while it answers.
    let mut outbox = outbox(1 << 20);
    allowed(&mut outbox, "a.example.com");
    let mut now = SECOND;
    for code in [13, UNAVAILABLE, 13] {
        outbox.send(now, true).unwrap();
        assert_eq!(outbox.failed(code, now), None);
        now += 20 * SECOND;
    }
    assert_eq!(drain(&mut outbox, now).len(), 1);
    assert_eq!(outbox.counters.refused, 0);
}

#[test]
fn what_does_not_fit_is_counted_and_rejections_stay_longest() {
    let mut outbox = outbox(256 << 10);
    let (mut accepted, mut refused) = (0, 0);
    for n in 0..20_000 {
        if n % 10 == 0 {
            rejected(&mut outbox, "no.example.com");
            refused += 1;
        } else {
            allowed(&mut outbox, "ok.example.com");
            accepted += 1;
        }
        assert!(outbox.bytes <= 256 << 10);
    }
    rejected(&mut outbox, "newest.example.com");
    let all = drain(&mut outbox, SECOND);
    let whole = |host: &str| {
        let of_host = |seen: &&Seen| seen.event == "audit" && seen.host.as_deref() == Some(host);
        all.iter().filter(of_host).count() as i64
    };
    let counted = |host: &str| {
        let of_host = |seen: &&Seen| seen.event == "summary" && seen.host.as_deref() == Some(host);
        all.iter().filter(of_host).map(|seen| seen.count).sum::<i64>()
    };
    assert_eq!(whole("ok.example.com") + counted("ok.example.com"), accepted);
    assert_eq!(whole("no.example.com") + counted("no.example.com"), refused);
    assert_eq!(whole("newest.example.com"), 1);
    assert_eq!(whole("ok.example.com"), 0, "they made way for rejections");
    assert!(whole("no.example.com") > 100, "{}", whole("no.example.com"));
    let sequence: Vec<_> = all
        .iter()
        .map(|seen| seen.seq)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(sequence, (1..=all.len() as i64).collect::<Vec<_>>(), "without a gap");
}

#[test]
fn a_million_invented_hosts_neither_grow_nor_bury() {
    let mut outbox = outbox(1 << 20);
    rejected(&mut outbox, "real.example.org");
    for n in 0..1_000_000 {
        rejected(&mut outbox, &format!("h{n}.junk.example.com"));
    }
    rejected(&mut outbox, "newest.example.net");
    assert!(outbox.unsent_bytes() < 2 << 20, "{}", outbox.unsent_bytes());
    let all = drain(&mut outbox, SECOND);
    let has = |event: &str, host: &str| {
        all.iter()
            .any(|seen| seen.event == event && seen.host.as_deref() == Some(host))
    };
    assert!(has("audit", "newest.example.net"));
    assert!(has("summary", "real.example.org"), "kept apart");
    let audits = all.iter().filter(|seen| seen.event == "audit").count() as i64;
    let summarised: i64 = all
        .iter()
        .filter(|seen| seen.event == "summary")
        .map(|seen| seen.count)
        .sum();
    assert_eq!(audits + summarised, 1_000_002);
}

#[test]
fn pending_targets_take_no_room_from_rejections() {
    use super::super::record::Pending;
    let mut outbox = outbox(100_000);
    for number in 0..5_000 {
        let host = format!("h{number}.example.com");
        let one = audit(number, number, &host, Action::Reject);
        outbox.add(Record::Pending(Box::new(Pending {
            at: number,
            decided: one.decided.clone(),
            wire: one.wire.clone(),
            attempts: 1,
        })));
        rejected(&mut outbox, &host);
    }
    let waiting: Vec<_> = outbox.grave.iter().chain(&outbox.others).collect();
    assert!(waiting.len() > 50, "{} rejections are whole", waiting.len());
    assert!(
        outbox.pending.len() > 10,
        "{} targets are told of",
        outbox.pending.len()
    );
    let bytes: usize = waiting.iter().map(|waiting| waiting.record.size()).sum();
    assert_eq!(outbox.bytes, bytes + outbox.pending_bytes);
    assert!(outbox.bytes <= 100_000, "{}", outbox.bytes);
    let seen = drain(&mut outbox, SECOND);
    let has = |event: &str| {
        let own = seen.iter().filter(|one| one.event == event);
        own.filter(|one| one.host.as_deref() == Some("h4999.example.com"))
            .count()
    };
    assert_eq!(
        (has("audit"), has("pending"), outbox.bytes, outbox.pending_bytes),
        (1, 1, 0, 0)
    );
}

#[test]
fn the_end_of_a_stream_that_was_told_of_is_no_second_decision() {
    let mut outbox = outbox(64 << 10);
    let number = outbox.number();
    let mut open = audit(number, 1, "a.example.com", Action::Allow);
    outbox.add(Record::Audit(Box::new(open.clone())));
    open.reported = true;
    outbox.add(Record::Audit(Box::new(open)));
    for _ in 0..5000 {
        rejected(&mut outbox, "no.example.com");
    }
    let all = drain(&mut outbox, SECOND);
    let of_it = |seen: &&Seen| seen.host.as_deref() == Some("a.example.com");
    let counted: i64 = all
        .iter()
        .filter(of_it)
        .map(|seen| if seen.event == "summary" { seen.count } else { 1 })
        .sum();
    assert_eq!(counted, 1);
}

#[test]
fn the_end_of_a_stream_that_was_counted_while_open_is_no_second_decision() {
    let mut outbox = outbox(64 << 10);
    let number = outbox.number();
    let mut open = audit(number, 1, "a.example.com", Action::Allow);
    open.course.outcome = Outcome::Open;
    outbox.add(Record::Audit(Box::new(open.clone())));
    for _ in 0..5000 {
        rejected(&mut outbox, "no.example.com");
    }
    let of_it = |seen: &&Seen| seen.host.as_deref() == Some("a.example.com");
    let before = drain(&mut outbox, SECOND);
    assert_eq!(
        before.iter().filter(of_it).map(|seen| seen.count).sum::<i64>(),
        1,
        "in a summary"
    );
    open.reported = true;
    open.course.outcome = Outcome::Ok;
    outbox.add(Record::Audit(Box::new(open)));
    assert!(outbox.is_empty());
}

#[test]
fn a_heartbeat_says_what_waits_behind_it() {
    let mut outbox = outbox(1 << 20);
    allowed(&mut outbox, "a.example.com");
    outbox.add(Record::Heartbeat(Box::default()));
    let all = drain(&mut outbox, SECOND);
    assert_eq!(
        all.iter().map(|seen| seen.event.as_str()).collect::<Vec<_>>(),
        ["audit", "heartbeat"]
    );
}

#[test]
fn more_than_was_sent_cannot_be_refused() {
    let mut outbox = outbox(1 << 20);
    allowed(&mut outbox, "a.example.com");
    outbox.send(SECOND, true).unwrap();
    outbox.acknowledged(u64::MAX);
    assert_eq!(outbox.counters.refused, 1);
}
