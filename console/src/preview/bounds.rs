//! Between what a policy may say of a request of which something is not known.

use sluice_policy::{Effect, Policy, PolicyDocument, Problems, RuleDocument};

/// What is not known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Its path.
    Path,
    /// Method and path.
    Request,
}

/// The policy as if every allow that looks at what is hidden matched and no such deny did, and the other way round: so
/// the matcher itself says what may become of the request.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) best: Policy,
    pub(super) worst: Policy,
}

impl Bounds {
    /// None if no rule looks at what is hidden.
    pub(super) fn of(
        tenant: Option<&PolicyDocument>,
        resource: Option<&PolicyDocument>,
        hidden: Hidden,
    ) -> Result<Option<Self>, Problems> {
        let looks = |rule: &RuleDocument| match hidden {
            Hidden::Path => rule.path_glob.is_some(),
            Hidden::Request => rule.path_glob.is_some() || !rule.methods.is_empty(),
        };
        let mut all = [tenant, resource]
            .into_iter()
            .flatten()
            .flat_map(|document| &document.rules);
        if !all.any(looks) {
            return Ok(None);
        }
        let with = |matching: Effect| {
            let seen = |document: &PolicyDocument| PolicyDocument {
                rules: document
                    .rules
                    .iter()
                    .filter(|rule| !looks(rule) || rule.effect == matching)
                    .map(|rule| if looks(rule) { blind(rule, hidden) } else { rule.clone() })
                    .collect(),
                ..document.clone()
            };
            Policy::merge(tenant.map(seen).as_ref(), resource.map(seen).as_ref())
        };
        Ok(Some(Self {
            best: with(Effect::Allow)?,
            worst: with(Effect::Deny)?,
        }))
    }
}

/// The rule without what it says of the hidden.
fn blind(rule: &RuleDocument, hidden: Hidden) -> RuleDocument {
    let methods = match hidden {
        Hidden::Path => rule.methods.clone(),
        Hidden::Request => Vec::new(),
    };
    RuleDocument {
        terminated_only: rule.terminated_only && !methods.is_empty(),
        methods,
        path_glob: None,
        ..rule.clone()
    }
}
