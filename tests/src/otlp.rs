//! Events made by hand, and a client that exports them: what stands in for the filter where the filter is not the matter.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::Value;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::RUNTIME;

/// One batch of one resource. Attributes are JSON objects of texts, whole numbers and flags.
///
/// # Panics
/// If they are not.
#[must_use]
pub fn batch(resource: &Value, records: impl IntoIterator<Item = Value>) -> ExportLogsServiceRequest {
    let record = |(index, value): (u64, Value)| LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + index,
        event_name: value["sluice.event"].as_str().unwrap_or_default().to_owned(),
        attributes: attributes(&value),
        ..LogRecord::default()
    };
    let log_records = (0..).zip(records).map(record).collect();
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes: attributes(resource),
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn attributes(object: &Value) -> Vec<KeyValue> {
    let object = object.as_object().expect("attributes are a JSON object");
    let attribute = |(name, value): (&String, &Value)| KeyValue {
        key: name.clone(),
        value: Some(AnyValue {
            value: Some(any_value(value)),
        }),
        ..KeyValue::default()
    };
    object.iter().map(attribute).collect()
}

fn any_value(value: &Value) -> any_value::Value {
    match value {
        Value::String(text) => any_value::Value::StringValue(text.clone()),
        Value::Bool(flag) => any_value::Value::BoolValue(*flag),
        Value::Number(number) if number.is_i64() => {
            any_value::Value::IntValue(number.as_i64().expect("it was asked above"))
        }
        other => panic!("no event has an attribute like {other}"),
    }
}

/// Exports to one port on loopback, over a connection that comes back after it was lost.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    token: Option<String>,
    compressed: bool,
    patience: Duration,
}

impl Client {
    /// Connects with the first call.
    #[must_use]
    pub fn of(port: u16) -> Self {
        let _context = RUNTIME.enter();
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"));
        Self {
            channel: endpoint.expect("this is a URI").connect_lazy(),
            token: None,
            compressed: false,
            patience: Duration::from_secs(30),
        }
    }

    /// Sends this bearer token with every call.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sends with gzip.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.compressed = true;
        self
    }

    /// Waits that long for an answer; then the status is `DEADLINE_EXCEEDED`.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// One call. Must not be used from asynchronous code.
    ///
    /// # Errors
    /// With the status that it was answered with.
    pub fn export(&self, batch: &ExportLogsServiceRequest) -> Result<ExportLogsServiceResponse, Status> {
        let mut client = LogsServiceClient::new(self.channel.clone());
        if self.compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let mut request = Request::new(batch.clone());
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("tests use tokens of ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        RUNTIME.block_on(async {
            match tokio::time::timeout(self.patience, client.export(request)).await {
                Ok(answer) => Ok(answer?.into_inner()),
                Err(_) => Err(Status::deadline_exceeded("there was no answer")),
            }
        })
    }
}
