//! Decisions in words: what was asked for, why it was decided so, all members of a row, and what is asked to explain it.

use serde_json::{Map, Value, json};

use crate::model::{AuditRow, Explanation, Nearest};
use crate::text::{bytes, grouped};

/// What was asked for: `host:port`, or the escaped bytes of what is no target.
#[must_use]
pub fn target(row: &AuditRow) -> String {
    match (&row.host, &row.raw) {
        (Some(host), _) => authority(host, row.port),
        (None, Some(raw)) => raw.clone(),
        (None, None) => row.sni.clone().unwrap_or_default(),
    }
}

fn authority(host: &str, port: Option<u16>) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    match host.contains(':') {
        true => format!("[{host}]{port}"),
        false => format!("{host}{port}"),
    }
}

/// Method and path; none where nothing but the connection was seen.
#[must_use]
pub fn request(row: &AuditRow) -> Option<String> {
    match (row.method.as_deref(), row.path.as_deref()) {
        (None, None) => None,
        (Some(method), Some(path)) => Some(format!("{method} {path}")),
        (Some(method), None) => Some(method.to_owned()),
        (None, Some(path)) => Some(path.to_owned()),
    }
}

/// What decided, shortly: a rule's id, or the reason's word.
#[must_use]
pub fn by(row: &AuditRow) -> Option<&str> {
    row.rejected_by.as_deref().or(row.rule_id.as_deref())
}

/// A reason in a sentence; none for the id of a rule.
#[must_use]
pub fn reason(rejected_by: &str) -> Option<&'static str> {
    Some(match rejected_by {
        "default_deny" => "No rule that matches names it, and what no rule names is denied.",
        "invalid_authority" => "What was asked for is no valid host and port.",
        "sni_missing" => "The TLS connection named no server.",
        "sni_mismatch" => "The server named in TLS is not the host of the request.",
        "private_address" => "The name led to an address that is not public, and no rule says that it may.",
        "self" => "It is the proxy itself or its collector, which are no destinations.",
        "no_policy" => "The proxy had no policy yet.",
        "no_resource" => "The proxy could not tell whose request it was; the tenant's policy decided.",
        _ => return None,
    })
}

/// The rule that named the host, and why it did not match.
#[must_use]
pub fn nearest(nearest: &Nearest) -> String {
    let why = match nearest.why.as_str() {
        "method" => "not for this method",
        "port" => "not for this port",
        "path" => "not for this path",
        "opaque" => "only for requests in clear, and of this connection nothing but the host was seen",
        "expired" => "but it had expired",
        other => return format!("Rule {} names the host and does not match: {other}", nearest.rule_id),
    };
    format!("Rule {} names the host, {why}", nearest.rule_id)
}

/// What became of it, in a few words.
#[must_use]
pub fn outcome(row: &AuditRow) -> String {
    let outcome = match row.outcome.as_str() {
        "client_cancel" => "cancelled by the client",
        "policy_changed" => "closed by a new policy",
        "open" => "still open",
        other => other,
    };
    match row.status_code {
        0 => outcome.to_owned(),
        status => format!("{status} {outcome}"),
    }
}

/// What is asked to explain it: the target as it was seen, at its time; none if there was no target.
#[must_use]
pub fn question(row: &AuditRow) -> Option<Value> {
    let mut question = json!({"at": row.timestamp});
    let is_clear = row.method.is_some() || row.path.is_some();
    let aim = row
        .host
        .as_deref()
        .map(|host| authority(host, row.port))
        .or(row.raw.clone());
    match (aim, row.sni.as_deref().filter(|sni| !sni.is_empty() && !is_clear)) {
        (None, None) => return None,
        (aim, sni) => {
            // The bytes of what is no target can be no port to a server name.
            if let Some(aim) = aim.filter(|_| sni.is_none() || row.host.is_some()) {
                question["target"] = aim.into();
            }
            if let Some(sni) = sni {
                question["sni"] = sni.into();
            }
        }
    }
    if is_clear {
        let method = row.method.as_deref().unwrap_or("GET");
        question["method"] = method.into();
        if method != "CONNECT" {
            question["path"] = row.path.as_deref().unwrap_or("/").into();
        }
    }
    // Whose request it was is not known: the tenant's policy decided.
    let kind = if row.resource.kind.is_empty() {
        "tenant"
    } else {
        &row.resource.kind
    };
    question["resource_type"] = kind.into();
    question["resource_id"] = row.resource.id.as_str().into();
    Some(question)
}

/// What the policy would do with it, in a sentence.
#[must_use]
pub fn verdict(explanation: &Explanation) -> String {
    let done = match (explanation.action.as_str(), explanation.would_reject) {
        ("allow", true) => "It passes, because nothing is blocked in this mode; enforce would reject it",
        ("allow", false) => "It passes",
        ("warn", _) => "It passes on trial",
        ("reject", _) => "It is rejected",
        _ => "It is decided",
    };
    let by = explanation.rejected_by.as_deref().or(explanation.rule_id.as_deref());
    match by {
        None => format!("{done}: no rule names it, and what no rule names is allowed."),
        Some(by) => match reason(by) {
            Some(reason) => format!("{done}. {reason}"),
            None => format!("{done} by rule {by}."),
        },
    }
}

/// The canonical form, or why there is none.
#[must_use]
pub fn canonical(canonical: &Value) -> Option<String> {
    let text = |name: &str| canonical[name].as_str().unwrap_or_default();
    if let Some(host) = canonical["host"].as_str() {
        let port = canonical["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let kind = text("kind");
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!(" ({kind})")
        };
        return Some(format!("{}{kind}", authority(host, port)));
    }
    match (text("error"), text("reason")) {
        ("", "") => None,
        (error, "") => Some(error.to_owned()),
        (error, reason) => Some(format!("{error}: {reason}")),
    }
}

/// A span for people, of milliseconds.
#[must_use]
pub fn duration(milliseconds: f64) -> String {
    match milliseconds {
        value if value < 0.0 => format!("{value} ms"),
        value if value < 10.0 => format!("{value:.1} ms"),
        value if value < 1_000.0 => format!("{value:.0} ms"),
        value if value < 60_000.0 => format!("{:.1} s", value / 1_000.0),
        value => {
            let seconds = (value / 1_000.0) as u64;
            let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            match hours {
                0 => format!("{minutes} min {seconds} s"),
                _ => format!("{hours} h {minutes} min"),
            }
        }
    }
}

/// How a member is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// There is nothing in it.
    Nothing,
    /// As it is.
    Text(String),
    /// A moment, to be shown in the viewer's zone.
    Moment(String),
}

/// A member of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What people call it.
    pub label: String,
    /// What the API calls it.
    pub name: String,
    /// What is in it.
    pub value: Shown,
}

/// What people call the members, in the order in which they are read.
const LABELS: [(&str, &str); 39] = [
    ("timestamp", "Decided"),
    ("inserted_at", "Stored"),
    ("action", "Action"),
    ("effect", "Verdict"),
    ("would_reject", "Would reject"),
    ("resource_type", "Type of resource"),
    ("resource_id", "Resource"),
    ("host", "Host"),
    ("port", "Port"),
    ("raw", "Not a valid target"),
    ("method", "Method"),
    ("path", "Path"),
    ("metadata.path_cut", "Path was cut"),
    ("sni", "Server name in TLS"),
    ("metadata.protocol", "Protocol"),
    ("client", "Client"),
    ("metadata.peer", "Peer"),
    ("rule_id", "Rule"),
    ("rule_host", "The rule's host"),
    ("rule_scope", "The rule's scope"),
    ("rejected_by", "Rejected by"),
    ("nearest", "Nearest rule"),
    ("mode", "Mode"),
    ("policy_id", "Policy"),
    ("revision", "Revision in force"),
    ("metadata.epoch", "Epoch in force"),
    ("metadata.override", "Override"),
    ("outcome", "Outcome"),
    ("status_code", "Status"),
    ("metadata.envoy_details", "Envoy says"),
    ("duration_ms", "Took"),
    ("bytes_in", "Sent by the client"),
    ("bytes_out", "Sent to the client"),
    ("count", "Decisions"),
    ("id", "Id"),
    ("metadata.uid", "Record"),
    ("metadata.parent", "Inside of the tunnel"),
    ("metadata.external_user_id", "User elsewhere"),
    ("metadata.external_workspace_id", "Workspace elsewhere"),
];

/// All members of a row, those of its metadata too: first those that are known, then all others under their own names.
#[must_use]
pub fn facts(row: &Map<String, Value>) -> Vec<Fact> {
    let mut members: Vec<(String, &Value)> = Vec::new();
    for (name, value) in row {
        match value {
            Value::Object(inner) if name == "metadata" => {
                members.extend(inner.iter().map(|(inner, value)| (format!("metadata.{inner}"), value)));
            }
            _ => members.push((name.clone(), value)),
        }
    }
    let place = |name: &str| LABELS.iter().position(|(known, _)| *known == name);
    members.sort_by_key(|(name, _)| place(name).unwrap_or(LABELS.len()));
    let fact = |(name, value): (String, &Value)| Fact {
        label: place(&name).map_or_else(|| name.clone(), |place| LABELS[place].1.to_owned()),
        value: shown(&name, value),
        name,
    };
    members.into_iter().map(fact).collect()
}

fn shown(name: &str, value: &Value) -> Shown {
    let text = match (name, value) {
        (_, Value::Null) => return Shown::Nothing,
        (_, Value::String(text)) if text.is_empty() => return Shown::Nothing,
        ("timestamp" | "inserted_at", Value::String(text)) => return Shown::Moment(text.clone()),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(true)) => "yes".to_owned(),
        (_, Value::Bool(false)) => "no".to_owned(),
        ("status_code", Value::Number(number)) if number.as_i64() == Some(0) => "none".to_owned(),
        ("duration_ms", Value::Number(number)) => duration(number.as_f64().unwrap_or_default()),
        ("bytes_in" | "bytes_out", Value::Number(number)) => number.as_u64().map_or_else(|| number.to_string(), bytes),
        ("count", Value::Number(number)) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        ("nearest", Value::Object(_)) => match serde_json::from_value::<Nearest>(value.clone()) {
            Ok(found) => nearest(&found),
            Err(_) => value.to_string(),
        },
        (_, other) => other.to_string(),
    };
    Shown::Text(text)
}

#[cfg(test)]
mod tests;
