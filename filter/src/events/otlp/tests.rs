//! What is written is read by the generated code of OpenTelemetry.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;
use sluice_policy::{Mode, Scope};

use super::super::record::Outcome;
use super::super::testing::audit;
use super::*;
use crate::version::Version;

fn read(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let shown = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => format!("{number}"),
        Some(Value::BoolValue(flag)) => format!("{flag}"),
        other => panic!("no attribute of ours: {other:?}"),
    };
    let count = attributes.len();
    let read: BTreeMap<_, _> = attributes
        .into_iter()
        .map(|attribute| (attribute.key, shown(attribute.value)))
        .collect();
    assert_eq!(read.len(), count, "an attribute is there once");
    read
}

fn writer() -> Writer {
    Writer {
        instance: "p1/v2".into(),
    }
}

#[test]
fn a_record_has_its_attributes() {
    let mut audit = audit(7, 1_000_000_001, "api.example.com", Action::Reject);
    audit.decided.in_force = InForce {
        version: Some(Version { epoch: 3, revision: 9 }),
        mode: Some(Mode::Enforce),
        overridden: Some("incident 42".into()),
    };
    audit.decided.rule_scope = Some(Scope::Tenant);
    audit.decided.nearest = Some(r#"{"rule_id":"gh","why":"port"}"#.into());
    audit.wire.path = Some("/a".into());
    audit.wire.path_cut = true;
    audit.wire.server_name = Some("api.example.com".into());
    audit.wire.client = Some("127.0.0.1:5".into());
    audit.course.outcome = Outcome::Error;
    audit.course.details = Some("no_healthy_upstream".into());
    let resource = Resource {
        kind: "sandbox".into(),
        id: "sb_1".into(),
    };
    let log = writer().record(&Record::Audit(Box::new(audit)), 42, 0, Counters::default());
    let bytes = request(
        "p1/v2",
        [(Some(&resource), vec![log.as_slice(), log.as_slice()]), (None, vec![])],
    );

    let request = ExportLogsServiceRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!(request.resource_logs.len(), 2);
    let about = read(request.resource_logs[0].resource.clone().unwrap().attributes);
    let expected = [
        ("service.instance.id", "p1/v2"),
        ("service.name", "sluice"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("sluice.resource.id", "sb_1"),
        ("sluice.resource.type", "sandbox"),
    ];
    assert_eq!(about, expected.map(|(key, value)| (key.into(), value.into())).into());
    let logs = &request.resource_logs[0].scope_logs[0].log_records;
    assert_eq!(logs.len(), 2);
    assert_eq!((logs[0].time_unix_nano, logs[0].severity_number), (1_000_000_001, 13));
    assert_eq!(logs[0].event_name, "audit");
    let expected = [
        ("client.address", "127.0.0.1:5"),
        ("http.request.method", "GET"),
        ("http.request.size", "100"),
        ("http.response.size", "1000"),
        ("http.response.status_code", "403"),
        ("log.record.uid", "p1/v2/7"),
        ("network.protocol.name", "http"),
        ("server.address", "api.example.com"),
        ("server.port", "443"),
        ("sluice.action", "reject"),
        ("sluice.duration_us", "1500"),
        ("sluice.envoy_details", "no_healthy_upstream"),
        ("sluice.event", "audit"),
        ("sluice.instance", "p1/v2"),
        ("sluice.nearest", r#"{"rule_id":"gh","why":"port"}"#),
        ("sluice.outcome", "error"),
        ("sluice.override", "incident 42"),
        ("sluice.path_cut", "true"),
        ("sluice.policy.epoch", "3"),
        ("sluice.policy.mode", "enforce"),
        ("sluice.policy.revision", "9"),
        ("sluice.rejected_by", "default_deny"),
        ("sluice.rule.scope", "tenant"),
        ("sluice.seq", "42"),
        ("sluice.would_reject", "true"),
        ("tls.client.server_name", "api.example.com"),
        ("url.path", "/a"),
    ];
    let expected = expected.map(|(key, value)| (key.into(), value.into())).into();
    assert_eq!(read(logs[0].attributes.clone()), expected);
}

#[test]
fn a_heartbeat_carries_counters_and_says_when_there_is_no_policy() {
    let heartbeat = Heartbeat {
        at: 5,
        decisions: u64::MAX,
        closing: true,
        digest: Some("00ff".into()),
        policy_error: Some("rule a: host".into()),
        ..Heartbeat::default()
    };
    let counters = Counters {
        merged: 1,
        dropped: 2,
        refused: 3,
    };
    let log = writer().record(&Record::Heartbeat(Box::new(heartbeat)), 1, 77, counters);
    let request = ExportLogsServiceRequest::decode(request("i", [(None, vec![log.as_slice()])]).as_slice()).unwrap();
    let read = read(request.resource_logs[0].scope_logs[0].log_records[0].attributes.clone());
    for (key, value) in [
        ("sluice.policy.mode", "none"),
        ("sluice.policy.digest", "00ff"),
        ("sluice.policy.error", "rule a: host"),
        ("sluice.heartbeat.decisions", "9223372036854775807"),
        ("sluice.heartbeat.merged", "1"),
        ("sluice.heartbeat.dropped", "2"),
        ("sluice.heartbeat.refused", "3"),
        ("sluice.heartbeat.unsent_bytes", "77"),
        ("sluice.heartbeat.closing", "true"),
    ] {
        assert_eq!(read.get(key).map(String::as_str), Some(value), "{key}");
    }
}
