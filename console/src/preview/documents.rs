//! From the rows of the API to documents of `sluice_policy`. Rules go by the collector's ids, which no two share.

use sluice_policy::{Effect, Mode, PolicyDocument, RuleDocument};

use crate::model::{Policy, Rule};

/// The document of a policy.
#[must_use]
pub fn document(policy: &Policy) -> PolicyDocument {
    PolicyDocument {
        mode: Some(match policy.mode.as_str() {
            "enforce" => Mode::Enforce,
            _ => Mode::AuditOnly,
        }),
        default_effect: Some(effect(&policy.default_effect)),
        rules: policy.rules.iter().map(|rule| rule_document(rule, &rule.id)).collect(),
    }
}

/// The document of a rule, under an id.
#[must_use]
pub fn rule_document(rule: &Rule, id: &str) -> RuleDocument {
    RuleDocument {
        methods: rule.methods.clone(),
        path_glob: rule.path_glob.clone(),
        ports: rule.ports.clone(),
        warn_only: rule.warn_only,
        expires_at: rule.expires_at.clone(),
        resolves_to: rule.resolves_to.clone(),
        terminated_only: rule.terminated_only,
        note: rule.note.clone(),
        ..RuleDocument::new(id, effect(&rule.effect), rule.host.as_str())
    }
}

/// What is no word of the API denies.
fn effect(word: &str) -> Effect {
    if word == "allow" { Effect::Allow } else { Effect::Deny }
}
