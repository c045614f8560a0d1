//! Events as the filter makes them, of now, a stream of them for each instance.

use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::{Map, Value, json};

use crate::otlp;

/// `SEVERITY_NUMBER_INFO` and `_WARN`
const SEVERITIES: [i32; 2] = [9, 13];

/// A batch of `TYPE/ID`, as an instance sends it.
///
/// # Panics
/// If that is no resource.
#[must_use]
pub fn batch(resource: &str, instance: &str, records: &[Value]) -> ExportLogsServiceRequest {
    let (kind, id) = resource.split_once('/').expect("a resource is TYPE/ID");
    let resource = json!({
        "service.name": "sluice",
        "service.version": "0.1.0",
        "service.instance.id": instance,
        "sluice.resource.type": kind,
        "sluice.resource.id": id,
    });
    let mut batch = otlp::batch(&resource, records.iter().cloned());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let logs = batch.resource_logs.iter_mut().flat_map(|logs| &mut logs.scope_logs);
    for (record, sent) in logs.flat_map(|logs| &mut logs.log_records).zip(records) {
        record.time_unix_nano = now;
        record.observed_time_unix_nano = now;
        let calm = sent["sluice.would_reject"] != true && sent["sluice.action"] == "allow";
        record.severity_number = SEVERITIES[usize::from(!calm)];
    }
    batch
}

/// An audit record of an HTTP request that was allowed by default in `audit_only`.
#[must_use]
pub fn usual(instance: &str, seq: i64) -> Map<String, Value> {
    let record = json!({
        "sluice.event": "audit",
        "log.record.uid": format!("{instance}/{seq}"),
        "sluice.instance": instance,
        "sluice.seq": seq,
        "server.address": "api.example.com",
        "server.port": 443,
        "sluice.action": "allow",
        "sluice.would_reject": false,
        "sluice.policy.mode": "audit_only",
        "network.protocol.name": "http",
        "http.request.method": "GET",
        "url.path": "/v1/things",
        "client.address": "10.0.0.7",
        "sluice.outcome": "ok",
        "http.response.status_code": 200,
        "http.request.size": 10,
        "http.response.size": 2_000,
        "sluice.duration_us": 12_500,
    });
    match record {
        Value::Object(record) => record,
        _ => Map::new(),
    }
}

/// The same with other members; null takes one away.
#[must_use]
pub fn record(instance: &str, seq: i64, members: Value) -> Value {
    let mut record = usual(instance, seq);
    if let Value::Object(members) = members {
        record.extend(members);
    }
    Value::Object(record.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// A rejected target that an operator could list.
#[must_use]
pub fn pending(instance: &str, seq: i64, members: Value) -> Value {
    let mut all = json!({
        "sluice.event": "pending", "log.record.uid": null, "sluice.outcome": null, "sluice.duration_us": null,
        "http.response.status_code": null, "http.request.size": null, "http.response.size": null,
        "sluice.action": "reject", "sluice.would_reject": true, "sluice.rejected_by": "default_deny",
        "sluice.policy.mode": "enforce", "sluice.count": 1,
    });
    if let (Value::Object(all), Value::Object(members)) = (&mut all, members) {
        all.extend(members);
    }
    record(instance, seq, all)
}
