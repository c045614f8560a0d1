//! Records good and bad, one at a time.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::ingest::refusal::Refusal;
use crate::moment::{DAY, SECOND};

const NOW: Moment = Moment(1_764_000_000 * SECOND);

fn record(attributes: &Map<String, Json>) -> LogRecord {
    let value = |value: &Json| match value {
        Json::String(text) => Value::StringValue(text.clone()),
        Json::Bool(flag) => Value::BoolValue(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::IntValue(number),
            None => Value::DoubleValue(number.as_f64().unwrap()),
        },
        other => panic!("{other}"),
    };
    let attributes = attributes.iter().map(|(key, json)| KeyValue {
        key: key.clone(),
        value: (!json.is_null()).then(|| AnyValue {
            value: Some(value(json)),
        }),
        ..KeyValue::default()
    });
    LogRecord {
        time_unix_nano: (NOW.0 * 1_000).unsigned_abs(),
        attributes: attributes.collect(),
        ..LogRecord::default()
    }
}

fn attributes(event: &str, more: Json) -> Map<String, Json> {
    let mut all = json!({
        "sluice.event": event, "sluice.instance": "p1/v1", "sluice.seq": 7, "log.record.uid": "p1/v1/3",
        "server.address": "api.example.com", "server.port": 443, "sluice.action": "reject",
        "sluice.would_reject": true, "sluice.policy.mode": "enforce", "sluice.outcome": "ok",
        "sluice.rejected_by": "default_deny", "sluice.count": 4,
    });
    let all = all.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    all.clone()
}

fn refused(event: &str, more: Json) -> String {
    match read(record(&attributes(event, more.clone())), Clock::new(NOW)).1 {
        Err(refusal) => refusal.to_string(),
        Ok(event) => panic!("{more} was taken: {event:?}"),
    }
}

fn taken(event: &str, more: Json) -> Event {
    let (place, event) = read(record(&attributes(event, more)), Clock::new(NOW));
    let expected = Place {
        instance: "p1/v1".to_owned(),
        seq: 7,
    };
    assert_eq!(place, Some(expected));
    event.unwrap()
}

fn row(event: Event) -> Row {
    match event {
        Event::Audit(row) | Event::Summary(row) | Event::Undecided(row) | Event::Pending(row) => *row,
        Event::Heartbeat(_) => panic!("no row"),
    }
}

#[test]
fn an_audit_record_is_read_whole() {
    let more = json!({
        "http.request.method": "GET", "url.path": "/a", "sluice.path_cut": true, "http.response.status_code": 403,
        "http.request.size": 1, "http.response.size": 2, "sluice.duration_us": 3, "sluice.rule.id": "gh",
        "sluice.rule.scope": "tenant", "sluice.nearest": "{}", "sluice.policy.epoch": 4, "sluice.policy.revision": 5,
        "sluice.override": "incident", "tls.client.server_name": "api.example.com", "client.address": "127.0.0.1:5",
        "network.protocol.name": "http", "sluice.envoy_details": "x", "sluice.parent": "p1/v1/2", "of.others": 1.5,
        "network.peer.address": "10.2.3.4",
    });
    let text = |text: &str| Some(text.to_owned());
    let expected = Row {
        uid: "p1/v1/3".to_owned(),
        at: NOW,
        host: text("api.example.com"),
        port: Some(443),
        raw: None,
        method: text("GET"),
        path: text("/a"),
        path_cut: true,
        action: Action::Reject,
        would_reject: true,
        status: 403,
        duration_us: 3,
        request_bytes: 1,
        response_bytes: 2,
        rule_id: text("gh"),
        rule_scope: Some("tenant"),
        rejected_by: text("default_deny"),
        nearest: text("{}"),
        in_force: InForce {
            epoch: Some(4),
            revision: Some(5),
            mode: "enforce",
            overridden: text("incident"),
        },
        sni: text("api.example.com"),
        client: text("127.0.0.1:5"),
        protocol: "http".to_owned(),
        outcome: "ok",
        details: text("x"),
        parent: text("p1/v1/2"),
        peer: Some(IpAddr::from([10, 2, 3, 4])),
        count: 1,
        first: NOW,
    };
    assert_eq!(row(taken("audit", more)), expected);
}

#[test]
fn a_peer_that_is_no_address_is_none() {
    let peer = |value: Json| row(taken("audit", json!({"network.peer.address": value}))).peer;
    assert_eq!(peer(json!("fd00::1")), Some("fd00::1".parse().unwrap()));
    assert_eq!(peer(json!("::ffff:10.2.3.4")), Some(IpAddr::from([10, 2, 3, 4])));
    for other in [
        json!("/run/x.sock"),
        json!("10.2.3.4:443"),
        json!("a\u{0}"),
        json!(7),
        json!("x".repeat(9_000)),
    ] {
        assert_eq!(peer(other.clone()), None, "{other}");
    }
}

#[test]
fn each_event_has_what_is_its_own() {
    let first = (NOW.0 - 5 * SECOND) * 1_000;
    let last = (NOW.0 - SECOND) * 1_000;
    let summary = row(taken(
        "summary",
        json!({"server.address": "*.example.com", "sluice.first": first, "sluice.last": last}),
    ));
    assert_eq!(
        (summary.count, summary.host.as_deref(), summary.port),
        (4, Some("*.example.com"), Some(443))
    );
    assert_eq!(
        (summary.first, summary.at),
        (Moment(first / 1_000), Moment(last / 1_000))
    );
    assert_eq!((summary.uid.as_str(), summary.outcome), ("p1/v1/seq/7", "summary"));

    let undecided = row(taken("undecided", json!({"sluice.raw": "a b"})));
    assert_eq!((undecided.action, undecided.would_reject), (Action::Reject, false));
    assert_eq!(
        (undecided.rejected_by, undecided.host, undecided.outcome),
        (None, None, "undecided")
    );

    let pending = row(taken("pending", json!({"server.address": "2001:db8::1"})));
    assert_eq!((pending.count, pending.host.as_deref()), (4, Some("2001:db8::1")));

    let counters = [
        "decisions",
        "merged",
        "dropped",
        "refused",
        "unsent_bytes",
        "memory_bytes",
    ];
    let counters = counters
        .iter()
        .zip(1..)
        .map(|(name, n)| (format!("sluice.heartbeat.{name}"), json!(n)));
    let Event::Heartbeat(beat) = taken("heartbeat", Json::Object(counters.collect())) else {
        panic!("a heartbeat");
    };
    assert_eq!((beat.decisions, beat.merged, beat.dropped), (1, 2, 3));
    assert_eq!(
        (beat.refused, beat.unsent_bytes, beat.memory_bytes, beat.closing),
        (4, 5, 6, false)
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (event, more, expected) in [
        ("other", json!({}), "sluice.event: \"other\" is not one of audit"),
        ("audit", json!({"sluice.seq": 0}), "sluice.seq: \"0\" is not"),
        (
            "audit",
            json!({"sluice.seq": "7"}),
            "sluice.seq: expected a whole number",
        ),
        ("audit", json!({"sluice.instance": ""}), "sluice.instance: \"\""),
        (
            "audit",
            json!({"sluice.instance": "a\nb"}),
            "sluice.instance: \"a\\nb\"",
        ),
        ("audit", json!({"log.record.uid": "é"}), "log.record.uid"),
        (
            "audit",
            json!({"server.address": "API.example.com"}),
            "server.address: \"API.example.com\"",
        ),
        (
            "audit",
            json!({"server.address": "api.example.com."}),
            "a canonical host",
        ),
        ("audit", json!({"server.address": "*.example.com"}), "a canonical host"),
        ("audit", json!({"server.address": "127.1"}), "a canonical host"),
        ("audit", json!({"server.address": "[::1]"}), "a canonical host"),
        ("audit", json!({"server.address": "0:0::1"}), "a canonical host"),
        (
            "summary",
            json!({"server.address": "*.Example.com"}),
            "a canonical host",
        ),
        ("audit", json!({"server.port": 0}), "server.port: \"0\" is not a port"),
        ("audit", json!({"server.port": 65_536}), "server.port: \"65536\""),
        ("audit", json!({"sluice.action": "permit"}), "sluice.action: \"permit\""),
        (
            "audit",
            json!({"sluice.would_reject": "true"}),
            "sluice.would_reject: expected true or false",
        ),
        (
            "audit",
            json!({"sluice.would_reject": null}),
            "sluice.would_reject: expected",
        ),
        (
            "audit",
            json!({"sluice.policy.mode": "observe"}),
            "sluice.policy.mode: \"observe\"",
        ),
        (
            "audit",
            json!({"sluice.outcome": "summary"}),
            "sluice.outcome: \"summary\"",
        ),
        (
            "audit",
            json!({"sluice.rule.scope": "world"}),
            "sluice.rule.scope: \"world\"",
        ),
        (
            "audit",
            json!({"http.response.status_code": 1_000}),
            "http.response.status_code",
        ),
        (
            "audit",
            json!({"http.request.size": -1}),
            "http.request.size: \"-1\" is not 0 or more",
        ),
        (
            "audit",
            json!({"url.path": "/".repeat(2_049)}),
            "url.path: longer than 2048 bytes",
        ),
        ("audit", json!({"url.path": "/\0"}), "url.path: a NUL"),
        ("audit", json!({"url.path": 1.5}), "url.path: expected a text"),
        ("summary", json!({"sluice.count": 0}), "sluice.count: \"0\""),
        ("summary", json!({"sluice.count": 1_000_000_001}), "sluice.count"),
        (
            "summary",
            json!({"sluice.first": 1}),
            "sluice.first: \"1\" is not a time",
        ),
        ("heartbeat", json!({}), "sluice.heartbeat.decisions is missing"),
    ] {
        let told = refused(event, more.clone());
        assert!(told.contains(expected), "{event} {more}: {told}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    for (event, key) in [
        ("audit", "sluice.event"),
        ("audit", "sluice.instance"),
        ("audit", "sluice.seq"),
        ("audit", "log.record.uid"),
        ("audit", "server.port"),
        ("audit", "sluice.action"),
        ("audit", "sluice.would_reject"),
        ("audit", "sluice.policy.mode"),
        ("audit", "sluice.outcome"),
        ("summary", "sluice.count"),
        ("pending", "server.address"),
        ("pending", "sluice.rejected_by"),
    ] {
        let mut attributes = attributes(event, json!({}));
        attributes.remove(key);
        let refusal = read(record(&attributes), Clock::new(NOW)).1.unwrap_err();
        assert_eq!(refusal, Refusal::Missing { field: key });
    }
}

#[test]
fn a_refused_record_keeps_its_number_if_it_can_be_told() {
    let bad = |more| {
        read(record(&attributes("audit", more)), Clock::new(NOW))
            .0
            .map(|place| place.seq)
    };
    assert_eq!(bad(json!({"server.port": "x"})), Some(7));
    assert_eq!(bad(json!({"sluice.event": 5})), Some(7));
    assert_eq!(bad(json!({"sluice.seq": -1})), None);
    assert_eq!(bad(json!({"sluice.instance": 5})), None);
}

#[test]
fn times_are_of_this_age() {
    let at = |time_unix_nano| {
        let record = LogRecord {
            time_unix_nano,
            ..record(&attributes("audit", json!({})))
        };
        read(record, Clock::new(NOW)).1.map(|event| row(event).at)
    };
    let nanos = |moment: i64| (moment * 1_000).unsigned_abs();
    assert_eq!(at(0), Ok(NOW), "a filter without a clock");
    assert_eq!(at(nanos(NOW.0 + DAY)), Ok(Moment(NOW.0 + DAY)));
    assert_eq!(at(nanos(NOW.0 - 400 * DAY)), Ok(Moment(NOW.0 - 400 * DAY)));
    for wrong in [1, nanos(NOW.0 + DAY + 1), nanos(NOW.0 - 400 * DAY - 1), u64::MAX] {
        assert!(
            at(wrong).unwrap_err().to_string().starts_with("time_unix_nano: "),
            "{wrong}"
        );
    }
}

#[test]
fn explanations_are_cut_and_refuse_nothing() {
    let long = "é".repeat(1_000);
    let row = row(taken(
        "audit",
        json!({"sluice.envoy_details": long, "sluice.override": long}),
    ));
    assert_eq!(row.details.unwrap().len(), 1_024);
    assert_eq!(row.in_force.overridden.unwrap().chars().count(), 512);
}
