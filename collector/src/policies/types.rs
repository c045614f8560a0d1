//! A policy and its rules as they are stored and shown.

use serde_json::{Value, json};
use sluice_policy::{Effect, Mode, PolicyDocument, RuleDocument};

use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;

/// A policy without its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whose it is; attached to nothing it governs nothing.
    pub resource: Option<Resource>,
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// What happens where no rule matches.
    pub default_effect: Effect,
    /// Its latest revision, of the one sequence of all policies.
    pub revision: i64,
    /// When it was made.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
    /// When `observe` ends by itself.
    pub relock_at: Option<Moment>,
}

/// A rule of a policy. The document's id is the collector's, unique among all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// The id that a file gave it, or what people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Moment,
    /// What it says.
    pub document: RuleDocument,
}

impl StoredRule {
    /// Whether two rules do the same: all but id, name and note.
    #[must_use]
    pub fn does_the_same(&self, other: &RuleDocument) -> bool {
        let bare = |rule: &RuleDocument| RuleDocument {
            id: String::new(),
            note: None,
            ..rule.clone()
        };
        bare(&self.document) == bare(other)
    }

    /// The row of the API; `warnings` are sentences about this rule.
    #[must_use]
    pub fn row(&self, policy: &Policy, warnings: &[String]) -> Value {
        let RuleDocument {
            id,
            effect,
            host,
            methods,
            path_glob,
            ports,
            warn_only,
            expires_at,
            resolves_to,
            terminated_only,
            note,
        } = &self.document;
        json!({
            "id": id, "name": self.name, "host": host, "effect": effect, "methods": methods, "path_glob": path_glob,
            "ports": ports, "warn_only": warn_only, "expires_at": expires_at, "resolves_to": resolves_to,
            "terminated_only": terminated_only, "note": note, "policy_id": policy.id,
            "resource_id": policy.resource.as_ref().map(|resource| &resource.id),
            "resource_type": policy.resource.as_ref().map(|resource| &resource.kind),
            "created_at": self.created_at, "warnings": warnings,
        })
    }

    /// What the `body` column holds: the document without its id.
    pub(super) fn body(&self) -> Value {
        let mut body = serde_json::to_value(&self.document).unwrap_or_default();
        if let Some(body) = body.as_object_mut() {
            body.remove("id");
        }
        body
    }
}

impl Policy {
    /// The document that decides.
    #[must_use]
    pub fn document(&self, rules: &[StoredRule]) -> PolicyDocument {
        PolicyDocument {
            mode: Some(self.mode),
            default_effect: Some(self.default_effect),
            rules: rules.iter().map(|rule| rule.document.clone()).collect(),
        }
    }

    /// Takes another mode. Whoever chooses one decides about the time to observe too.
    pub(super) fn switch(&mut self, mode: Mode) {
        if mode != self.mode {
            self.relock_at = None;
        }
        self.mode = mode;
    }

    /// The row of the API.
    #[must_use]
    pub fn row(&self, rules: &[StoredRule]) -> Value {
        let rows: Vec<Value> = rules.iter().map(|rule| rule.row(self, &[])).collect();
        let with = |effect: Effect| -> Vec<&Value> {
            let of_effect = rows
                .iter()
                .zip(rules)
                .filter(|(_, rule)| rule.document.effect == effect);
            of_effect.map(|(row, _)| row).collect()
        };
        json!({
            "id": self.id, "name": self.name, "mode": self.mode, "default_effect": self.default_effect,
            "description": self.description,
            "resource_id": self.resource.as_ref().map(|resource| &resource.id),
            "resource_type": self.resource.as_ref().map(|resource| &resource.kind),
            "rules": rows, "allow_rules": with(Effect::Allow), "deny_rules": with(Effect::Deny),
            "revision": self.revision, "relock_at": self.relock_at,
            "created_at": self.created_at, "updated_at": self.updated_at,
        })
    }
}

/// Reads a word of the policy's, such as a mode.
pub(super) fn word<T: serde::de::DeserializeOwned>(field: &str, text: &str, expected: &str) -> Result<T, Error> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| Error::field(field, text, expected))
}

/// `audit_only` or `enforce`.
pub(crate) fn mode(text: &str) -> Result<Mode, Error> {
    word("mode", text, "audit_only or enforce")
}

/// `allow` or `deny`.
pub(crate) fn effect(field: &str, text: &str) -> Result<Effect, Error> {
    word(field, text, "allow or deny")
}
