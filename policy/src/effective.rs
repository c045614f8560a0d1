//! The effective policy of a resource on its way to a filter: the tenant's and
//! the resource's document side by side, merged by whoever decides.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::{PolicyDocument, PolicyRead};
use crate::policy::Policy;
use crate::problem::{Problem, Problems};

/// What `ENCODING_JSON` of `sluice.policy.v1` holds, to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EffectiveDocument {
    /// The tenant's policy, if it has one.
    pub tenant: Option<PolicyDocument>,
    /// The resource's own, if it has one.
    pub resource: Option<PolicyDocument>,
}

/// The same as it was read, with what could not be.
#[derive(Debug, Clone, Default)]
pub struct EffectiveRead {
    tenant: Option<PolicyRead>,
    resource: Option<PolicyRead>,
}

impl EffectiveRead {
    /// Reads JSON.
    ///
    /// # Errors
    /// One problem, with its line and column, if it is no object with these two members.
    pub fn from_json(json: &[u8]) -> Result<Self, Problems> {
        serde_json::from_slice(json).map_err(|error| {
            Problem {
                at: None,
                rule: None,
                field: String::new(),
                value: error.to_string(),
                expected: "a JSON object with tenant and resource, each a policy or null".to_owned(),
            }
            .into()
        })
    }

    /// Merges and compiles what was read: see [`Policy::merge`].
    ///
    /// # Errors
    /// What could not be read and what could not be compiled, together.
    pub fn policy(&self) -> Result<Policy, Problems> {
        let [tenant, resource] = [&self.tenant, &self.resource].map(|read| read.as_ref().map(PolicyRead::parts));
        Policy::merge_read(tenant, resource)
    }
}

// Derived, it would take a list of two for the object too.
impl<'de> Deserialize<'de> for EffectiveRead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EffectiveVisitor)
    }
}

struct EffectiveVisitor;

impl<'de> Visitor<'de> for EffectiveVisitor {
    type Value = EffectiveRead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with tenant and resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EffectiveRead, A::Error> {
        use serde::de::Error;
        let (mut tenant, mut resource) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let (name, place) = match key.as_str() {
                "tenant" => ("tenant", &mut tenant),
                "resource" => ("resource", &mut resource),
                other => return Err(A::Error::unknown_field(other, &["tenant", "resource"])),
            };
            if place.is_some() {
                return Err(A::Error::duplicate_field(name));
            }
            *place = Some(map.next_value::<Option<PolicyRead>>()?);
        }
        Ok(EffectiveRead {
            tenant: tenant.flatten(),
            resource: resource.flatten(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use crate::words::{Effect, Mode, Scope};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const BOTH: &str = r#"{
        "tenant": {"mode": "enforce", "default_effect": "allow", "rules": [{"id": "a", "effect": "deny", "host": "a.example.com"}]},
        "resource": {"mode": "audit_only", "rules": [{"id": "a", "effect": "allow", "host": "b.example.com"}]}}"#;

    #[test]
    fn the_two_are_merged_with_their_scopes() {
        let policy = EffectiveRead::from_json(BOTH.as_bytes()).unwrap().policy().unwrap();
        assert_eq!(
            (policy.mode(), policy.default_effect()),
            (Mode::AuditOnly, Effect::Allow)
        );
        let scopes: Vec<_> = policy.rules().iter().map(Rule::scope).collect();
        assert_eq!(scopes, [Scope::Tenant, Scope::Resource]);
        let none = EffectiveRead::from_json(br#"{"tenant": null}"#)
            .unwrap()
            .policy()
            .unwrap();
        assert_eq!((none.mode(), none.rules().len()), (Mode::AuditOnly, 0));
    }

    #[test]
    fn what_is_written_reads_back() {
        let document = EffectiveDocument {
            tenant: None,
            resource: Some(PolicyDocument::from_json(br#"{"mode": "enforce"}"#).unwrap()),
        };
        let json = serde_json::to_vec(&document).unwrap();
        let policy = EffectiveRead::from_json(&json).unwrap().policy().unwrap();
        assert_eq!(policy.mode(), Mode::Enforce);
    }

    #[test]
    fn the_problems_of_both_are_told() {
        let refused = |json: &str| match EffectiveRead::from_json(json.as_bytes()).and_then(|read| read.policy()) {
            Ok(_) => panic!("accepted: {json}"),
            Err(problems) => problems.to_string(),
        };
        for json in [
            "",
            "[]",
            "null",
            "7",
            r#"{"tenant": null, "tenant": null}"#,
            r#"{"policy": null}"#,
        ] {
            assert!(refused(json).contains("tenant and resource"), "{json}");
        }
        let both = refused(
            r#"{"tenant": {"mode": "observe"}, "resource": {"rules": [{"id": "a", "effect": "allow", "host": "a:1"}]}}"#,
        );
        assert!(both.contains("\"observe\"") && both.contains("rule a: host"), "{both}");
    }
}
