//! A policy as people and the API write it.

mod read;

use serde::Serialize;

pub use read::PolicyRead;
pub(crate) use read::rule_name;

use crate::problem::Problems;
use crate::words::{Effect, Mode};

/// A policy document. What is absent is inherited: see [`Policy::merge`](crate::Policy::merge).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PolicyDocument {
    /// Whether verdicts are carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What happens where no rule matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_effect: Option<Effect>,
    /// The rules, in the order of the document.
    pub rules: Vec<RuleDocument>,
}

/// A rule as written. Empty lists mean *any*, like absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleDocument {
    /// `[A-Za-z0-9._:-]{1,64}`, unique in its document.
    pub id: String,
    /// Allow or deny.
    pub effect: Effect,
    /// A host pattern.
    pub host: String,
    /// Methods, case-sensitive; never `CONNECT`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// A pattern for the whole path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_glob: Option<String>,
    /// Ports, 1 to 65535.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Allow, and say so: for hosts on trial.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warn_only: bool,
    /// RFC 3339 time with zone at and after which the rule does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// CIDR blocks that the name may resolve to although they are not public.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolves_to: Vec<String>,
    /// The author knows that this deny, which looks at method or path, cannot
    /// see into opaque connections.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub terminated_only: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl RuleDocument {
    /// A rule about a host, with nothing else set.
    #[must_use]
    pub fn new(id: impl Into<String>, effect: Effect, host: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            effect,
            host: host.into(),
            methods: Vec::new(),
            path_glob: None,
            ports: Vec::new(),
            warn_only: false,
            expires_at: None,
            resolves_to: Vec::new(),
            terminated_only: false,
            note: None,
        }
    }
}

impl PolicyDocument {
    /// Reads and checks a policy.
    ///
    /// # Errors
    /// All [`Problems`], those of single values and those between rules.
    pub fn from_json(json: &[u8]) -> Result<Self, Problems> {
        let read = PolicyRead::from_json(json)?;
        read.policy()?;
        Ok(read.into_document())
    }
}

#[cfg(test)]
mod tests;
