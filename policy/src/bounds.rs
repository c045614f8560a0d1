//! Between what a policy may say of a request of which something is not known.

use crate::document::{PolicyDocument, RuleDocument};
use crate::policy::Policy;
use crate::problem::Problems;
use crate::rule::Rule;
use crate::words::{Effect, Scope};

/// What is not known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Its path.
    Path,
    /// Method and path.
    Request,
}

/// The policy as if every rule that looks at what is hidden let it pass, and as
/// if none did: so the matcher itself says what may become of it. Simulation and
/// the console's preview judge by it what was recorded without method or path.
#[derive(Debug)]
pub struct Bounds {
    /// What is hidden lets every allow match that looks at it, and no deny.
    pub best: Policy,
    /// It lets every such deny match, and no allow.
    pub worst: Policy,
}

impl Bounds {
    /// None if no rule looks at what is hidden.
    ///
    /// # Errors
    /// A defect: rules that were compiled do not compile a second time.
    pub fn of(policy: &Policy, hidden: Hidden) -> Result<Option<Self>, Problems> {
        let looks = |rule: &Rule| match hidden {
            Hidden::Path => rule.path_glob().is_some(),
            Hidden::Request => rule.needs_request(),
        };
        if !policy.rules().iter().any(looks) {
            return Ok(None);
        }
        let with = |matching: Effect| {
            let kept = policy
                .rules()
                .iter()
                .filter(|rule| !looks(rule) || rule.effect() == matching);
            let documents = [Scope::Tenant, Scope::Resource].map(|scope| PolicyDocument {
                mode: Some(policy.mode()),
                default_effect: Some(policy.default_effect()),
                rules: kept
                    .clone()
                    .filter(|rule| rule.scope() == scope)
                    .map(|rule| {
                        if looks(rule) {
                            blind(rule, hidden)
                        } else {
                            document(rule)
                        }
                    })
                    .collect(),
            });
            let [tenant, resource] = &documents;
            Policy::merge(Some(tenant), Some(resource))
        };
        Ok(Some(Self {
            best: with(Effect::Allow)?,
            worst: with(Effect::Deny)?,
        }))
    }
}

/// The rule without what it says of the hidden.
fn blind(rule: &Rule, hidden: Hidden) -> RuleDocument {
    let whole = document(rule);
    let methods = match hidden {
        Hidden::Path => whole.methods,
        Hidden::Request => Vec::new(),
    };
    RuleDocument {
        terminated_only: whole.terminated_only && !methods.is_empty(),
        methods,
        path_glob: None,
        ..whole
    }
}

/// What a compiled rule was compiled from.
fn document(rule: &Rule) -> RuleDocument {
    RuleDocument {
        methods: rule.methods().map(str::to_owned).collect(),
        path_glob: rule.path_glob().map(ToString::to_string),
        ports: rule.ports().to_vec(),
        warn_only: rule.warn_only(),
        expires_at: rule.expires_at().map(|at| at.to_string()),
        resolves_to: rule.resolves_to().iter().map(ToString::to_string).collect(),
        terminated_only: rule.terminated_only(),
        ..RuleDocument::new(rule.id(), rule.effect(), rule.host())
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::decide::Circumstances;
    use crate::target::{Seen, Surroundings};
    use crate::words::Action;
    use crate::{Mode, Timestamp};

    fn action(policy: &Policy) -> Action {
        let seen = Seen::Request {
            authority: b"api.example.com:443",
            method: b"GET",
            path: Some(b"/"),
        };
        let circumstances = Circumstances {
            mode: Some(Mode::Enforce),
            ..Timestamp::from_micros(0).into()
        };
        policy
            .decide_resolved(&seen, &Surroundings::new(443), &[], circumstances)
            .action()
    }

    #[test]
    fn a_rule_that_looks_at_what_is_hidden_may_match_or_not() {
        let policy = |rule: &str| Policy::from_json(format!(r#"{{"mode": "enforce", "rules": [{rule}]}}"#).as_bytes());
        for (rule, hidden, bounds) in [
            (
                r#"{"id": "a", "effect": "allow", "host": "api.example.com"}"#,
                Hidden::Request,
                None,
            ),
            (
                r#"{"id": "a", "effect": "allow", "host": "api.example.com", "methods": ["PUT"]}"#,
                Hidden::Request,
                Some((Action::Allow, Action::Reject)),
            ),
            (
                r#"{"id": "a", "effect": "allow", "host": "api.example.com", "methods": ["PUT"]}"#,
                Hidden::Path,
                None,
            ),
            (
                r#"{"id": "a", "effect": "allow", "host": "api.example.com", "path_glob": "/x/**"}"#,
                Hidden::Path,
                Some((Action::Allow, Action::Reject)),
            ),
            (
                r#"{"id": "a", "effect": "allow", "host": "api.example.com"},
                   {"id": "d", "effect": "deny", "host": "api.example.com", "path_glob": "/x", "terminated_only": true}"#,
                Hidden::Path,
                Some((Action::Allow, Action::Reject)),
            ),
        ] {
            let policy = policy(rule).unwrap();
            let found = Bounds::of(&policy, hidden).unwrap();
            assert_eq!(
                found.map(|found| (action(&found.best), action(&found.worst))),
                bounds,
                "{rule}"
            );
        }
    }
}
