//! Policies, their rules and their history.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Resource;

/// A policy.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `audit_only` or `enforce`.
    pub mode: String,
    /// `allow` or `deny`.
    pub default_effect: String,
    /// What it is for.
    pub description: String,
    /// Whose it is: the type.
    pub resource_type: Option<String>,
    /// The id.
    pub resource_id: Option<String>,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// Counts its changes.
    pub revision: i64,
    /// When it locks again by itself.
    pub relock_at: Option<String>,
    /// The last change.
    pub updated_at: String,
    /// What a lockdown breaks.
    pub warnings: Vec<String>,
}

impl Policy {
    /// Whose it is.
    #[must_use]
    pub fn resource(&self) -> Option<Resource> {
        let kind = self.resource_type.as_deref()?;
        Some(Resource::new(kind, self.resource_id.as_deref().unwrap_or_default()))
    }
}

/// A rule. What is sent of it is what the policy document of the filter has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// The collector's id.
    pub id: String,
    /// The id in files.
    pub name: String,
    /// The pattern.
    pub host: String,
    /// `allow` or `deny`.
    pub effect: String,
    /// Any, if empty.
    pub methods: Vec<String>,
    /// Any path without it.
    pub path_glob: Option<String>,
    /// Any, if empty.
    pub ports: Vec<u16>,
    /// Lets pass, and says so.
    pub warn_only: bool,
    /// When it ends.
    pub expires_at: Option<String>,
    /// Private blocks that the name may lead to.
    pub resolves_to: Vec<String>,
    /// A deny that is meant for requests in clear only.
    pub terminated_only: bool,
    /// Why it is there.
    pub note: Option<String>,
    /// The policy it is in.
    pub policy_id: String,
    /// When it was made.
    pub created_at: String,
    /// What the collector thinks of it.
    pub warnings: Vec<String>,
}

impl Rule {
    /// As the API takes rules of a policy: `id` is the name, and what says nothing is left out.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut document = serde_json::json!({"id": self.name, "effect": self.effect, "host": self.host});
        let members = [
            (
                "methods",
                (!self.methods.is_empty()).then(|| self.methods.clone().into()),
            ),
            ("path_glob", self.path_glob.clone().map(Value::from)),
            ("ports", (!self.ports.is_empty()).then(|| self.ports.clone().into())),
            ("warn_only", self.warn_only.then_some(Value::Bool(true))),
            ("expires_at", self.expires_at.clone().map(Value::from)),
            (
                "resolves_to",
                (!self.resolves_to.is_empty()).then(|| self.resolves_to.clone().into()),
            ),
            ("terminated_only", self.terminated_only.then_some(Value::Bool(true))),
            (
                "note",
                self.note.clone().filter(|note| !note.is_empty()).map(Value::from),
            ),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                document[name] = value;
            }
        }
        document
    }
}

/// A revision of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Revision {
    /// Its number.
    pub revision: i64,
    /// When.
    pub at: String,
    /// By whom.
    pub author: String,
    /// What was done.
    pub operation: String,
    /// Why.
    pub note: String,
    /// The mode since then.
    pub mode: String,
    /// How many rules since then.
    pub rule_count: u64,
}

/// What a policy said at a revision.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct RevisionDocument {
    /// Its number.
    pub revision: i64,
    /// The mode.
    pub mode: String,
    /// What became of what no rule named.
    pub default_effect: String,
    /// The rules.
    pub rules: Vec<Value>,
}

/// What became of the targets of a clone or a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Each.
    pub targets: Vec<SpreadRow>,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SpreadRow {
    /// Which.
    #[serde(flatten)]
    pub resource: Resource,
    /// What was done.
    pub status: String,
    /// The mode since then.
    pub mode: Option<String>,
    /// The revision since then.
    pub revision: Option<i64>,
    /// Why not.
    pub error: Option<String>,
}
