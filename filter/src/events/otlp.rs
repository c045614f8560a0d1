//! Records as OTLP log records (opentelemetry-proto 1.x, `logs/v1/logs.proto`),
//! written straight into bytes: a record has some 25 attributes, and building
//! each as a message of its own would cost two allocations an attribute.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use sluice_policy::Action;

use super::record::{Audit, Course, Decided, Heartbeat, InForce, Pending, Record, Undecided, Wire};
use super::summary::Summary;
use crate::refusal::Resource;

/// Who writes, on every record: relays re-batch, and then the resource
/// attributes may be those of somebody else.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// `<process>/<vm>`
    pub(crate) instance: Box<str>,
}

/// Counters of an outbox that heartbeats carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Decisions that went into a summary instead of a record of their own.
    pub(crate) merged: u64,
    /// Decisions that could not be kept.
    pub(crate) dropped: u64,
    /// Decisions that the receiver refused for good.
    pub(crate) refused: u64,
}

/// Protobuf fields at the end of a buffer.
struct Fields<'b>(&'b mut Vec<u8>);

impl Fields<'_> {
    fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        encode_key(tag, WireType::LengthDelimited, self.0);
        encode_varint(bytes.len() as u64, self.0);
        self.0.extend_from_slice(bytes);
    }

    fn fixed64(&mut self, tag: u32, value: u64) {
        encode_key(tag, WireType::SixtyFourBit, self.0);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn varint(&mut self, tag: u32, value: u64) {
        encode_key(tag, WireType::Varint, self.0);
        encode_varint(value, self.0);
    }

    /// A `KeyValue`, whose `AnyValue` is one field of `size` bytes.
    fn attribute(&mut self, tag: u32, key: &str, size: usize, value: impl FnOnce(&mut Fields<'_>)) {
        let key_size = length_delimited(key.len());
        encode_key(tag, WireType::LengthDelimited, self.0);
        encode_varint(key_size.saturating_add(length_delimited(size)) as u64, self.0);
        self.bytes(1, key.as_bytes());
        encode_key(2, WireType::LengthDelimited, self.0);
        encode_varint(size as u64, self.0);
        value(self);
    }

    fn text(&mut self, tag: u32, key: &str, text: &str) {
        self.attribute(tag, key, length_delimited(text.len()), |value| {
            value.bytes(1, text.as_bytes());
        });
    }
}

/// What a length-delimited field of a tag below 16 takes.
fn length_delimited(size: usize) -> usize {
    encoded_len_varint(size as u64).saturating_add(size).saturating_add(1)
}

/// The attributes of one log record.
struct Attributes<'b>(Fields<'b>);

/// `LogRecord.attributes`
const ATTRIBUTE: u32 = 6;

impl Attributes<'_> {
    fn text(&mut self, key: &str, text: &str) {
        self.0.text(ATTRIBUTE, key, text);
    }

    fn some(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    fn int(&mut self, key: &str, value: u64) {
        // An `int_value` is signed; what does not fit is no count of anything.
        let value = value.min(i64::MAX.unsigned_abs());
        let size = encoded_len_varint(value).saturating_add(1);
        self.0.attribute(ATTRIBUTE, key, size, |field| field.varint(3, value));
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.0
            .attribute(ATTRIBUTE, key, 2, |field| field.varint(2, value.into()));
    }
}

impl Writer {
    /// `log.record.uid`
    pub(crate) fn uid(&self, number: u64) -> String {
        format!("{}/{number}", self.instance)
    }

    /// A record with its place in the sequence.
    pub(crate) fn record(&self, record: &Record, seq: u64, unsent: usize, counters: Counters) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1024);
        match record {
            Record::Audit(audit) => self.audit(audit, seq, &mut bytes),
            Record::Pending(pending) => self.pending(pending, seq, &mut bytes),
            Record::Undecided(undecided) => self.undecided(undecided, seq, &mut bytes),
            Record::Heartbeat(heartbeat) => self.heartbeat(heartbeat, seq, unsent, counters, &mut bytes),
        }
        bytes
    }

    fn begin<'b>(&self, event: &str, at: u64, severity: u64, seq: u64, bytes: &'b mut Vec<u8>) -> Attributes<'b> {
        let mut fields = Fields(bytes);
        fields.fixed64(1, at);
        fields.fixed64(11, at);
        fields.varint(2, severity);
        fields.bytes(12, event.as_bytes());
        let mut attributes = Attributes(fields);
        attributes.text("sluice.event", event);
        attributes.text("sluice.instance", &self.instance);
        attributes.int("sluice.seq", seq);
        attributes
    }

    fn audit(&self, audit: &Audit, seq: u64, bytes: &mut Vec<u8>) {
        let severity = severity(&audit.decided);
        let mut attributes = self.begin("audit", audit.at, severity, seq, bytes);
        attributes.text("log.record.uid", &self.uid(audit.number));
        decided(&audit.decided, &mut attributes);
        wire(&audit.wire, &mut attributes);
        course(&audit.course, &mut attributes);
    }

    fn pending(&self, pending: &Pending, seq: u64, bytes: &mut Vec<u8>) {
        let mut attributes = self.begin("pending", pending.at, WARN, seq, bytes);
        decided(&pending.decided, &mut attributes);
        wire(&pending.wire, &mut attributes);
        attributes.int("sluice.count", pending.attempts);
    }

    fn undecided(&self, undecided: &Undecided, seq: u64, bytes: &mut Vec<u8>) {
        let mut attributes = self.begin("undecided", undecided.at, INFO, seq, bytes);
        attributes.some("sluice.raw", undecided.raw.as_deref());
        wire(&undecided.wire, &mut attributes);
        course(&undecided.course, &mut attributes);
    }

    fn heartbeat(&self, heartbeat: &Heartbeat, seq: u64, unsent: usize, counters: Counters, bytes: &mut Vec<u8>) {
        let mut attributes = self.begin("heartbeat", heartbeat.at, INFO, seq, bytes);
        in_force(&heartbeat.in_force, &mut attributes);
        attributes.some("sluice.policy.digest", heartbeat.digest.as_deref());
        attributes.some("sluice.policy.error", heartbeat.policy_error.as_deref());
        attributes.int("sluice.heartbeat.decisions", heartbeat.decisions);
        attributes.int("sluice.heartbeat.merged", counters.merged);
        attributes.int("sluice.heartbeat.dropped", counters.dropped);
        attributes.int("sluice.heartbeat.refused", counters.refused);
        attributes.int("sluice.heartbeat.unsent_bytes", unsent as u64);
        attributes.int("sluice.heartbeat.memory_bytes", heartbeat.memory_bytes);
        attributes.flag("sluice.heartbeat.closing", heartbeat.closing);
    }

    /// A summary with its place in the sequence.
    pub(crate) fn summary(&self, summary: &Summary, seq: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let key = &summary.key;
        let severity = if key.would_reject { WARN } else { INFO };
        let mut attributes = self.begin("summary", summary.last, severity, seq, &mut bytes);
        in_force(&key.in_force, &mut attributes);
        attributes.some("server.address", key.host.as_deref());
        if let Some(port) = key.port {
            attributes.int("server.port", port.into());
        }
        attributes.text("sluice.action", key.action.as_str());
        attributes.flag("sluice.would_reject", key.would_reject);
        attributes.some("sluice.rule.id", key.rule_id.as_deref());
        attributes.some("sluice.rejected_by", key.rejected_by.as_deref());
        attributes.int("sluice.count", summary.count);
        attributes.int("sluice.first", summary.first);
        attributes.int("sluice.last", summary.last);
        bytes
    }
}

/// `SEVERITY_NUMBER_INFO` and `_WARN`
const INFO: u64 = 9;
const WARN: u64 = 13;

fn severity(decided: &Decided) -> u64 {
    if decided.would_reject || decided.action != Action::Allow {
        WARN
    } else {
        INFO
    }
}

fn decided(decided: &Decided, attributes: &mut Attributes<'_>) {
    let Decided {
        resource: _, // an attribute of the OTLP resource
        in_force: policy,
        host,
        port,
        raw,
        action,
        would_reject,
        rule_id,
        rule_scope,
        rejected_by,
        nearest,
    } = decided;
    attributes.some("server.address", host.as_deref());
    if let Some(port) = *port {
        attributes.int("server.port", port.into());
    }
    attributes.some("sluice.raw", raw.as_deref());
    attributes.text("sluice.action", action.as_str());
    attributes.flag("sluice.would_reject", *would_reject);
    attributes.some("sluice.rule.id", rule_id.as_deref());
    attributes.some("sluice.rule.scope", rule_scope.map(|scope| scope.as_str()));
    attributes.some("sluice.rejected_by", rejected_by.as_deref());
    attributes.some("sluice.nearest", nearest.as_deref());
    in_force(policy, attributes);
}

fn in_force(policy: &InForce, attributes: &mut Attributes<'_>) {
    let InForce {
        version,
        mode,
        overridden,
    } = policy;
    if let Some(version) = version {
        attributes.int("sluice.policy.epoch", version.epoch);
        attributes.int("sluice.policy.revision", version.revision);
    }
    attributes.text("sluice.policy.mode", mode.map_or("none", |mode| mode.as_str()));
    attributes.some("sluice.override", overridden.as_deref());
}

fn wire(wire: &Wire, attributes: &mut Attributes<'_>) {
    let Wire {
        protocol,
        method,
        path,
        path_cut,
        server_name,
        client,
        peer,
        parent,
    } = wire;
    attributes.text("network.protocol.name", protocol);
    attributes.some("http.request.method", method.as_deref());
    attributes.some("url.path", path.as_deref());
    if *path_cut {
        attributes.flag("sluice.path_cut", true);
    }
    attributes.some("tls.client.server_name", server_name.as_deref());
    attributes.some("client.address", client.as_deref());
    attributes.some("network.peer.address", peer.as_deref());
    attributes.some("sluice.parent", parent.as_deref());
}

fn course(course: &Course, attributes: &mut Attributes<'_>) {
    let Course {
        outcome,
        status,
        request_bytes,
        response_bytes,
        duration_us,
        details,
    } = course;
    attributes.text("sluice.outcome", outcome.as_str());
    attributes.int("http.response.status_code", (*status).into());
    attributes.int("http.request.size", *request_bytes);
    attributes.int("http.response.size", *response_bytes);
    attributes.int("sluice.duration_us", *duration_us);
    attributes.some("sluice.envoy_details", details.as_deref());
}

/// An `ExportLogsServiceRequest` of records that are grouped by resource.
pub(crate) fn request<'r>(
    instance: &str,
    groups: impl IntoIterator<Item = (Option<&'r Resource>, Vec<&'r [u8]>)>,
) -> Vec<u8> {
    let mut request = Vec::new();
    for (resource, logs) in groups {
        let about = about(instance, resource);
        let mut scope = Vec::new();
        Fields(&mut scope).bytes(1, b"sluice"); // InstrumentationScope.name
        let records: usize = logs.iter().map(|log| length_delimited(log.len())).sum();
        let scope_logs = length_delimited(scope.len()).saturating_add(records);
        let resource_logs = length_delimited(about.len()).saturating_add(length_delimited(scope_logs));
        encode_key(1, WireType::LengthDelimited, &mut request);
        encode_varint(resource_logs as u64, &mut request);
        let mut fields = Fields(&mut request);
        fields.bytes(1, &about);
        encode_key(2, WireType::LengthDelimited, fields.0);
        encode_varint(scope_logs as u64, fields.0);
        fields.bytes(1, &scope);
        for log in logs {
            fields.bytes(2, log);
        }
    }
    request
}

/// How many records an `ExportLogsServiceResponse` says were rejected, and why.
/// OK was said either way, so what cannot be read is an acknowledgement.
pub(crate) fn partial_success(answer: &[u8]) -> (u64, String) {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Response {
        #[prost(message, optional, tag = "1")]
        partial_success: Option<PartialSuccess>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct PartialSuccess {
        #[prost(int64, tag = "1")]
        rejected_log_records: i64,
        #[prost(string, tag = "2")]
        error_message: String,
    }
    let response = <Response as prost::Message>::decode(answer).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_log_records).unwrap_or(0);
    (rejected, partial.error_message.escape_debug().take(200).collect())
}

/// The OTLP resource: the filter, and the workload it governs.
fn about(instance: &str, resource: Option<&Resource>) -> Vec<u8> {
    let mut about = Vec::new();
    let mut fields = Fields(&mut about);
    fields.text(1, "service.name", "sluice");
    fields.text(1, "service.version", env!("CARGO_PKG_VERSION"));
    fields.text(1, "service.instance.id", instance);
    if let Some(resource) = resource {
        fields.text(1, "sluice.resource.type", &resource.kind);
        fields.text(1, "sluice.resource.id", &resource.id);
    }
    about
}

#[cfg(test)]
mod tests;
