//! Events of a row, as the filter makes them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::{Map, Value, json};

use super::row::Send;
use crate::otlp;

/// `SEVERITY_NUMBER_INFO` and `_WARN`
const SEVERITIES: [i32; 2] = [9, 13];

/// The last number of each instance.
#[derive(Debug, Default)]
pub(super) struct Sequences(BTreeMap<String, i64>);

impl Sequences {
    /// A batch; its records follow those before.
    pub(super) fn batch(&mut self, send: &Send) -> Result<ExportLogsServiceRequest, String> {
        let (kind, id) = send.resource.split_once('/').ok_or("a resource is TYPE/ID")?;
        let resource = json!({
            "service.name": "sluice",
            "service.version": "0.1.0",
            "service.instance.id": send.instance,
            "sluice.resource.type": kind,
            "sluice.resource.id": id,
        });
        let seq = self.0.entry(send.instance.clone()).or_default();
        let mut records = Vec::new();
        for event in &send.events {
            *seq += 1;
            let mut record = usual(&send.instance, *seq);
            record.extend(event.clone());
            records.push(Value::Object(
                record.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            ));
        }
        let mut batch = otlp::batch(&resource, records.clone());
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).map_err(|error| error.to_string())?;
        let logs = batch.resource_logs.iter_mut().flat_map(|logs| &mut logs.scope_logs);
        for (record, sent) in logs.flat_map(|logs| &mut logs.log_records).zip(&records) {
            record.time_unix_nano = now;
            record.observed_time_unix_nano = now;
            let calm = sent["sluice.would_reject"] != true && sent["sluice.action"] == "allow";
            record.severity_number = SEVERITIES[usize::from(!calm)];
        }
        Ok(batch)
    }
}

/// An audit record of an HTTP request that was allowed by default in `audit_only`; null takes a member away.
fn usual(instance: &str, seq: i64) -> Map<String, Value> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_numbered_for_each_instance() {
        let mut sequences = Sequences::default();
        let mut send = |instance: &str| {
            let send = Send {
                caller: "filter".into(),
                resource: "sandbox/sb_1".into(),
                instance: instance.into(),
                events: vec![BTreeMap::new(), BTreeMap::from([("url.path".into(), Value::Null)])],
                refused: None,
            };
            let batch = sequences.batch(&send).unwrap();
            let records = batch.resource_logs[0].scope_logs[0].log_records.clone();
            let number = |record: &opentelemetry_proto::tonic::logs::v1::LogRecord| {
                let attribute = record.attributes.iter().find(|attribute| attribute.key == "sluice.seq");
                format!("{:?}", attribute.unwrap().value).contains("IntValue(3)")
            };
            assert_eq!(records[0].attributes.len(), records[1].attributes.len() + 1);
            records.iter().map(number).collect::<Vec<_>>()
        };
        assert_eq!(send("a/1"), [false, false]);
        assert_eq!(send("a/1"), [true, false]);
        assert_eq!(send("b/1"), [false, false]);
    }
}
