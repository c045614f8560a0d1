//! A row of the audit trail, in the words of the API.

use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::Error;
use crate::moment::Moment;

/// A decision as the API shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its place in the order of commits.
    pub inserted_at: i64,
    /// The row.
    pub value: Value,
}

impl Row {
    /// The id of the row with this place.
    #[must_use]
    pub fn id(inserted_at: i64) -> String {
        format!("aud_{inserted_at}")
    }

    /// The place of the row with this id.
    #[must_use]
    pub fn place(id: &str) -> Option<i64> {
        id.strip_prefix("aud_")?.parse().ok()
    }

    pub(super) fn of(row: &AnyRow) -> Result<Self, Error> {
        let text = |column: &str| row.try_get::<Option<String>, _>(column);
        let number = |column: &str| row.try_get::<Option<i64>, _>(column);
        let inserted_at: i64 = row.try_get("inserted_at")?;
        let would_reject = number("would_reject")? == Some(1);
        let count = number("count")?.unwrap_or(1);
        let nearest = text("nearest")?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let mut metadata = json!({
            "protocol": text("protocol")?, "uid": text("uid")?, "epoch": number("epoch")?,
            "external_user_id": text("external_user_id")?, "external_workspace_id": text("external_workspace_id")?,
            "envoy_details": text("details")?, "override": text("overridden")?, "parent": text("parent")?, "peer": text("peer")?,
            "path_cut": (number("path_cut")? == Some(1)).then_some(true),
        });
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.retain(|_, value| !value.is_null());
        }
        // A summary has no duration of its own.
        let duration_ms = number("duration_us")?.map(|duration| duration as f64 / 1_000.0);
        let value = json!({
            "id": Self::id(inserted_at),
            "inserted_at": Moment(inserted_at),
            "timestamp": Moment(row.try_get("timestamp")?),
            "host": text("host")?, "port": number("port")?, "raw": text("raw")?,
            "method": text("method")?, "path": text("path")?,
            "action": text("action")?,
            "effect": if would_reject { "deny" } else { "allow" },
            "would_reject": would_reject,
            "status_code": number("status_code")?,
            "duration_ms": duration_ms,
            "bytes_in": number("bytes_in")?, "bytes_out": number("bytes_out")?,
            "rule_id": text("rule_id")?, "rule_host": text("rule_host")?, "rule_scope": text("rule_scope")?,
            "rejected_by": text("rejected_by")?, "nearest": nearest,
            "policy_id": text("policy_id")?, "revision": number("revision")?, "mode": text("mode")?,
            "sni": text("sni")?, "client": text("client")?, "outcome": text("outcome")?,
            "resource_id": text("resource_id")?, "resource_type": text("resource_type")?,
            "count": count,
            "metadata": metadata,
        });
        Ok(Self { inserted_at, value })
    }

    /// One line of JSON in ASCII: clients of event streams split at bytes that
    /// are only the end of a line in other encodings.
    #[must_use]
    pub fn line(&self) -> String {
        let json = self.value.to_string();
        let mut line = String::with_capacity(json.len());
        for character in json.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                line.push(character);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ascii_and_read_back() {
        let value = json!({"host": "bücher.example.com\u{202e}\u{1f600}\n\u{7f}"});
        let row = Row { inserted_at: 1, value };
        let line = row.line();
        assert!(line.is_ascii() && !line.contains(['\n', '\u{7f}']), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), row.value);
    }

    #[test]
    fn ids_tell_the_place() {
        assert_eq!(Row::place(&Row::id(7)), Some(7));
        for id in ["", "7", "aud_", "aud_x", "pol_7"] {
            assert_eq!(Row::place(id), None, "{id}");
        }
    }
}
