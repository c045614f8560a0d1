//! The attributes of a log record, read once and strictly: what is there has the right type and no odd length.

use std::net::IpAddr;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use sluice_policy::address;

use super::refusal::Refusal;

macro_rules! attributes {
    (texts { $($text:ident = $text_key:literal: $limit:literal,)+ }
     prose { $($prose:ident = $prose_key:literal,)+ }
     ints { $($int:ident = $int_key:literal,)+ }
     flags { $($flag:ident = $flag_key:literal,)+ }
     addresses { $($address:ident = $address_key:literal,)+ }) => {
        /// What a record may have. Attributes that are not known are none of ours.
        #[derive(Debug, Default)]
        pub(super) struct Attributes {
            $(pub(super) $text: Option<String>,)+
            $(pub(super) $prose: Option<String>,)+
            $(pub(super) $int: Option<i64>,)+
            $(pub(super) $flag: Option<bool>,)+
            $(pub(super) $address: Option<IpAddr>,)+
        }

        impl Attributes {
            fn set(&mut self, key: &str, value: Option<AnyValue>) -> Result<(), Refusal> {
                match key {
                    $($text_key => self.$text = Some(text($text_key, value, $limit)?),)+
                    $($prose_key => self.$prose = Some(prose($prose_key, value)?),)+
                    $($int_key => self.$int = Some(int($int_key, value)?),)+
                    $($flag_key => self.$flag = Some(flag($flag_key, value)?),)+
                    $($address_key => self.$address = address(value),)+
                    _ => {}
                }
                Ok(())
            }
        }
    };
}

attributes! {
    texts {
        event = "sluice.event": 32,
        instance = "sluice.instance": 128,
        uid = "log.record.uid": 160,
        host = "server.address": 256,
        raw = "sluice.raw": 255,
        action = "sluice.action": 16,
        rule_id = "sluice.rule.id": 64,
        rule_scope = "sluice.rule.scope": 16,
        rejected_by = "sluice.rejected_by": 64,
        nearest = "sluice.nearest": 512,
        mode = "sluice.policy.mode": 16,
        digest = "sluice.policy.digest": 128,
        method = "http.request.method": 512,
        path = "url.path": 2048,
        outcome = "sluice.outcome": 32,
        sni = "tls.client.server_name": 512,
        client = "client.address": 128,
        protocol = "network.protocol.name": 32,
        parent = "sluice.parent": 160,
    }
    prose {
        overridden = "sluice.override",
        policy_error = "sluice.policy.error",
        details = "sluice.envoy_details",
    }
    ints {
        seq = "sluice.seq",
        port = "server.port",
        epoch = "sluice.policy.epoch",
        revision = "sluice.policy.revision",
        status = "http.response.status_code",
        request_bytes = "http.request.size",
        response_bytes = "http.response.size",
        duration_us = "sluice.duration_us",
        count = "sluice.count",
        first = "sluice.first",
        last = "sluice.last",
        decisions = "sluice.heartbeat.decisions",
        merged = "sluice.heartbeat.merged",
        dropped = "sluice.heartbeat.dropped",
        refused = "sluice.heartbeat.refused",
        unsent_bytes = "sluice.heartbeat.unsent_bytes",
        memory_bytes = "sluice.heartbeat.memory_bytes",
    }
    flags {
        would_reject = "sluice.would_reject",
        path_cut = "sluice.path_cut",
        closing = "sluice.heartbeat.closing",
    }
    addresses {
        peer = "network.peer.address",
    }
}

/// The longest that explanations of others are kept: a long one is cut and refuses no record.
const PROSE: usize = 1024;

impl Attributes {
    /// Reads all of them. The first that is wrong is told; the others are read
    /// all the same, so that the record's number is known.
    pub(super) fn read(attributes: Vec<KeyValue>) -> (Self, Result<(), Refusal>) {
        let mut read = Self::default();
        let mut result = Ok(());
        for attribute in attributes {
            let set = read.set(&attribute.key, attribute.value);
            result = result.and(set);
        }
        (read, result)
    }
}

fn text(field: &'static str, value: Option<AnyValue>, limit: usize) -> Result<String, Refusal> {
    let text = any_text(field, value)?;
    if text.len() > limit {
        return Err(Refusal::TooLong { field, limit });
    }
    Ok(text)
}

fn prose(field: &'static str, value: Option<AnyValue>) -> Result<String, Refusal> {
    let mut text = any_text(field, value)?;
    text.truncate(text.floor_char_boundary(PROSE));
    Ok(text)
}

fn any_text(field: &'static str, value: Option<AnyValue>) -> Result<String, Refusal> {
    match value.and_then(|value| value.value) {
        // PostgreSQL cannot store it.
        Some(Value::StringValue(text)) if text.contains('\0') => Err(Refusal::Nul { field }),
        Some(Value::StringValue(text)) => Ok(text),
        _ => Err(Refusal::Type {
            field,
            expected: "a text",
        }),
    }
}

fn int(field: &'static str, value: Option<AnyValue>) -> Result<i64, Refusal> {
    match value.and_then(|value| value.value) {
        Some(Value::IntValue(number)) => Ok(number),
        _ => Err(Refusal::Type {
            field,
            expected: "a whole number",
        }),
    }
}

fn flag(field: &'static str, value: Option<AnyValue>) -> Result<bool, Refusal> {
    match value.and_then(|value| value.value) {
        Some(Value::BoolValue(flag)) => Ok(flag),
        _ => Err(Refusal::Type {
            field,
            expected: "true or false",
        }),
    }
}

/// OpenTelemetry lets others write what they like there, the path of a socket for
/// one: what is no address is not about this.
fn address(value: Option<AnyValue>) -> Option<IpAddr> {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text.parse().ok().map(address::unmapped),
        _ => None,
    }
}

/// A text attribute of an OTLP resource.
pub(super) fn resource_text<'a>(attributes: &'a [KeyValue], key: &'static str) -> Result<Option<&'a str>, Refusal> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.key == key) else {
        return Ok(None);
    };
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => Ok(Some(text)),
        _ => Err(Refusal::Type {
            field: key,
            expected: "a text",
        }),
    }
}
