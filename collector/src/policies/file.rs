//! A policy as a file: what `sluice replay`, `lint` and `policy apply` read.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_policy::{PolicyDocument, Reason};

use super::types::{Policy, StoredRule};

/// The document, with the names of rules as their ids where these can be ids.
#[must_use]
pub fn file(policy: &Policy, rules: &[StoredRule]) -> Value {
    json!(named(policy.document(&[]), rules))
}

/// A document with these rules, under their names where these can be ids.
pub(crate) fn named(document: PolicyDocument, rules: &[StoredRule]) -> PolicyDocument {
    let mut taken = BTreeSet::new();
    let rules = rules.iter().map(|stored| {
        let mut rule = stored.document.clone();
        if may_be_id(&stored.name) && taken.insert(stored.name.clone()) {
            rule.id.clone_from(&stored.name);
        }
        rule
    });
    PolicyDocument {
        rules: rules.collect(),
        ..document
    }
}

fn may_be_id(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let is_reason = Reason::ALL.iter().any(|reason| reason.as_str() == name);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(allowed) && !is_reason
}
