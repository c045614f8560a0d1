//! The audit trail.

use serde::Deserialize;

use super::Resource;

/// A decision, or a summary of several.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct AuditRow {
    /// Its id.
    pub id: String,
    /// When it was stored.
    pub inserted_at: String,
    /// When it was decided.
    pub timestamp: String,
    /// The canonical host.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The escaped bytes of what is no target.
    pub raw: Option<String>,
    /// The method, where it was seen.
    pub method: Option<String>,
    /// The path, where it was seen.
    pub path: Option<String>,
    /// What was done.
    pub action: String,
    /// Whether the verdict was reject.
    pub would_reject: bool,
    /// The verdict's rule.
    pub rule_id: Option<String>,
    /// What rejected it.
    pub rejected_by: Option<String>,
    /// The rule that named the host and did not match.
    pub nearest: Option<Nearest>,
    /// The mode in force.
    pub mode: String,
    /// The server name in TLS.
    pub sni: Option<String>,
    /// What became of it.
    pub outcome: String,
    /// The answer's status.
    pub status_code: i64,
    /// How many decisions.
    pub count: u64,
    /// Whose.
    #[serde(flatten)]
    pub resource: Resource,
    /// The revision of the effective policy.
    pub revision: Option<i64>,
    /// `tenant` or `resource`: where the rule is.
    pub rule_scope: Option<String>,
}

/// The rule that named the host, and why it did not match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Nearest {
    /// Which rule.
    pub rule_id: String,
    /// `method`, `port`, `path`, `opaque` or `expired`.
    pub why: String,
}
