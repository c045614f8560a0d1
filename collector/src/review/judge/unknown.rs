//! Between what a policy may say of a request of which something is not known.

use sluice_policy::{Effect, Policy, PolicyDocument, Rule, RuleDocument};

use crate::error::Error;

/// What is not known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Its path.
    Path,
    /// Method and path.
    Request,
}

/// The policy as if every rule that looks at what is hidden let it pass, and as
/// if none did: so the matcher itself says what may become of it.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) best: Policy,
    pub(super) worst: Policy,
}

impl Bounds {
    /// None if no rule looks at what is hidden.
    pub(super) fn of(policy: &Policy, hidden: Hidden) -> Result<Option<Self>, Error> {
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
            let documents =
                [sluice_policy::Scope::Tenant, sluice_policy::Scope::Resource].map(|scope| PolicyDocument {
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
            Policy::merge(Some(tenant), Some(resource)).map_err(|problems| Error::Internal(problems.to_string()))
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
