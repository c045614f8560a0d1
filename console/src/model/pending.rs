//! The pending queue.

use serde::Deserialize;
use serde_json::Value;

use super::{Nearest, Resource, Rule};

/// A rejected host that nobody has decided about.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Pending {
    /// Its id.
    pub id: String,
    /// Whose request it was.
    #[serde(flatten)]
    pub resource: Resource,
    /// The canonical host.
    pub host: String,
    /// Whether it stands for many.
    pub overflow: bool,
    /// The ports asked for.
    pub ports: Vec<u16>,
    /// The methods, where they were seen.
    pub methods: Vec<String>,
    /// How often.
    pub attempts: u64,
    /// When first.
    pub first_seen: String,
    /// When last.
    pub last_seen: String,
    /// One of the requests.
    pub example: Value,
    /// What rejected it.
    pub rejected_by: String,
    /// The rule that named the host and did not match.
    pub nearest: Option<Nearest>,
    /// When it was last let through.
    pub last_allowed_at: Option<String>,
    /// `pending`, or what was decided.
    pub state: String,
    /// Who decided.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<String>,
    /// In how many resources it was asked for.
    pub seen_in: u64,
}

/// A pending host and the rule that came of it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Decided {
    /// The host.
    pub host: String,
    /// Whose.
    #[serde(flatten)]
    pub resource: Resource,
    /// The rule.
    pub rule: Rule,
    /// The policy it went into.
    pub policy_id: String,
    /// That policy's revision.
    pub revision: i64,
}
