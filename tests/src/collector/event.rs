//! One log record as it arrived, with its resource and the credential it came with.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use serde_json::{Value, json};

/// The attributes of a record or a resource, by name. Copies are cheap: tests make many.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Arc<BTreeMap<String, Value>>);

impl Attributes {
    /// Any attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text attribute.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A whole number attribute.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// A yes or no attribute.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn decode(attributes: Vec<KeyValue>) -> Self {
        let pair = |attribute: KeyValue| (attribute.key, json_of(attribute.value));
        Self(Arc::new(attributes.into_iter().map(pair).collect()))
    }
}

/// A log record. Its attributes can be asked for directly.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// What was recorded.
    pub attributes: Attributes,
    /// What it was recorded by.
    pub resource: Attributes,
    /// The name beside the attributes, which old relays drop; empty if there is none.
    pub event_name: String,
    /// When it happened, by the sender's clock.
    pub time_unix_nano: u64,
    /// The bearer token it came with.
    pub token: Option<String>,
    /// When it arrived here.
    pub arrived: Instant,
}

impl Event {
    /// What kind of event: `sluice.event`, empty if it does not say.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("sluice.event").unwrap_or_default()
    }

    /// Every record of an export, in order.
    pub(super) fn decode(request: ExportLogsServiceRequest, token: Option<&str>, arrived: Instant) -> Vec<Self> {
        let mut events = Vec::new();
        for group in request.resource_logs {
            let resource = Attributes::decode(group.resource.unwrap_or_default().attributes);
            let records = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            events.extend(records.map(|record| Self {
                attributes: Attributes::decode(record.attributes),
                resource: resource.clone(),
                event_name: record.event_name,
                time_unix_nano: record.time_unix_nano,
                token: token.map(str::to_owned),
                arrived,
            }));
        }
        events
    }
}

impl Deref for Event {
    type Target = Attributes;

    fn deref(&self) -> &Attributes {
        &self.attributes
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {{", self.name())?;
        for (name, value) in self.attributes.0.iter() {
            write!(f, " {name}={value}")?;
        }
        write!(f, " }} of {{")?;
        for (name, value) in self.resource.0.iter() {
            write!(f, " {name}={value}")?;
        }
        write!(f, " }}")?;
        match &self.token {
            Some(token) => write!(f, " with {token:?}"),
            None => Ok(()),
        }
    }
}

/// An attribute value as JSON; bytes become a list of numbers.
fn json_of(value: Option<AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|value| value.value) {
        None => Value::Null,
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(flag)) => json!(flag),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::BytesValue(bytes)) => json!(bytes),
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(|value| json_of(Some(value))).collect(),
        Some(Any::KvlistValue(list)) => {
            let pair = |attribute: KeyValue| (attribute.key, json_of(attribute.value));
            Value::Object(list.values.into_iter().map(pair).collect())
        }
        // An index into a table that only profiles have.
        Some(Any::StringValueStrindex(_)) => Value::Null,
    }
}
