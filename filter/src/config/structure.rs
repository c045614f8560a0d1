//! Configuration that arrives as a `google.protobuf.Struct`.
//!
//! Envoy documents that it turns a `Struct` into JSON for the plugin; 1.40 was
//! observed to hand over the message as it is on the wire. Istio writes JSON
//! text itself.

use prost::{Message, Oneof};
use serde::{Serialize, Serializer};

/// `google.protobuf.Struct`. A map is a list of entries on the wire.
#[derive(Clone, PartialEq, Message)]
struct Struct {
    #[prost(message, repeated, tag = "1")]
    fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Message)]
struct Field {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

/// `google.protobuf.Value`
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    String(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
    #[prost(message, tag = "5")]
    Struct(Struct),
    #[prost(message, tag = "6")]
    List(List),
}

/// `google.protobuf.ListValue`
#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

/// The JSON text of a `Struct`; `None` if the bytes are not one.
pub(super) fn json(bytes: &[u8]) -> Option<Vec<u8>> {
    // Field 1, the map of fields, is length-delimited: 0x0a, which is a line
    // feed in JSON text, so the decoder has the last word.
    if bytes.first() != Some(&b'\n') {
        return None;
    }
    let fields = Struct::decode(bytes).ok()?;
    serde_json::to_vec(&fields).ok()
}

impl Serialize for Struct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|field| (&field.key, &field.value)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            None | Some(Kind::Null(_)) => serializer.serialize_unit(),
            Some(Kind::Bool(value)) => serializer.serialize_bool(*value),
            Some(Kind::String(value)) => serializer.serialize_str(value),
            Some(Kind::Number(value)) => {
                // A `Struct` has no integers, and JSON's readers do not take 443.0 for one.
                let integer = *value as i64;
                if integer as f64 == *value {
                    serializer.serialize_i64(integer)
                } else {
                    serializer.serialize_f64(*value)
                }
            }
            Some(Kind::List(list)) => serializer.collect_seq(&list.values),
            Some(Kind::Struct(fields)) => fields.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind as Filter, Plan};
    use super::*;

    fn message(value: &serde_json::Value) -> Value {
        use serde_json::Value as Json;
        let kind = match value {
            Json::Null => Kind::Null(0),
            Json::Bool(value) => Kind::Bool(*value),
            Json::Number(value) => Kind::Number(value.as_f64().unwrap()),
            Json::String(value) => Kind::String(value.clone()),
            Json::Array(values) => Kind::List(List {
                values: values.iter().map(message).collect(),
            }),
            Json::Object(fields) => Kind::Struct(Struct {
                fields: fields
                    .iter()
                    .map(|(key, value)| Field {
                        key: key.clone(),
                        value: Some(message(value)),
                    })
                    .collect(),
            }),
        };
        Value { kind: Some(kind) }
    }

    fn wire(value: &serde_json::Value) -> Vec<u8> {
        match message(value).kind {
            Some(Kind::Struct(fields)) => fields.encode_to_vec(),
            other => panic!("an object: {other:?}"),
        }
    }

    #[test]
    fn a_struct_reads_as_the_json_it_was_written_as() {
        let config = serde_json::json!({
            "default_port": 8080,
            "guard_metadata": true,
            "policy": {"mode": "enforce", "rules": [
                {"id": "a", "effect": "allow", "host": "a.example.com", "ports": [443], "note": null}]}
        });
        let read: serde_json::Value = serde_json::from_slice(&json(&wire(&config)).unwrap()).unwrap();
        assert_eq!(read, config);
        let plan = Plan::from_plugin_configuration(&wire(&config), Filter::Http).unwrap();
        assert_eq!(
            (plan.surroundings.default_port, plan.inline.unwrap().rules().len()),
            (8080, 1)
        );
    }

    #[test]
    fn json_text_is_left_alone() {
        for text in ["\n{\"default_port\": 8080}", "\n", "{}", ""] {
            assert_eq!(json(text.as_bytes()), None, "{text:?}");
        }
        let fraction = serde_json::json!({"default_port": 80.5});
        let error = Plan::from_plugin_configuration(&wire(&fraction), Filter::Http).unwrap_err();
        assert!(error.to_string().contains("80.5"), "{error}");
    }
}
