//! Events of a row, as the filter makes them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::Value;

use super::row::Send;
use crate::events;

/// The last number of each instance.
#[derive(Debug, Default)]
pub(super) struct Sequences(BTreeMap<String, i64>);

impl Sequences {
    /// A batch; its records follow those before.
    pub(super) fn batch(&mut self, send: &Send) -> Result<ExportLogsServiceRequest, String> {
        if !send.resource.contains('/') {
            return Err("a resource is TYPE/ID".to_owned());
        }
        let seq = self.0.entry(send.instance.clone()).or_default();
        let mut records = Vec::new();
        for event in &send.events {
            *seq += 1;
            let members = event.clone().into_iter().collect();
            records.push(events::record(&send.instance, *seq, Value::Object(members)));
        }
        Ok(events::batch(&send.resource, &send.instance, &records))
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
