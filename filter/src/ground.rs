//! What a request is decided by: the policy of its resource, or what stands in
//! for it.

use std::rc::Rc;

use sluice_policy::{Mode, Policy, Reason};

use crate::config::{OnUnknown, Plan};
use crate::policies::{Known, Lookup};
use crate::refusal::Resource;
use crate::version::Version;

/// Why a decision can, or cannot, be made now.
#[derive(Debug, Clone)]
pub(crate) enum Ground {
    /// By this.
    Decide(By),
    /// The policy service has been asked and has not answered.
    Wait,
}

/// A policy, and how it came to rule.
#[derive(Debug, Clone)]
pub(crate) struct By {
    pub(crate) policy: Rc<Policy>,
    /// It is the tenant's, because nobody knows whose request it is.
    pub(crate) unresolved: bool,
    /// Of a live policy.
    pub(crate) version: Option<Version>,
}

impl By {
    fn standing(policy: &Rc<Policy>) -> Self {
        Self {
            policy: Rc::clone(policy),
            unresolved: false,
            version: None,
        }
    }
}

/// What rules where there is no policy to rule.
#[derive(Debug)]
pub(crate) struct Standing {
    /// A new resource is observed: it is never locked out.
    observed: Rc<Policy>,
    no_policy: Rc<Policy>,
    no_policy_observed: Rc<Policy>,
    no_resource: Rc<Policy>,
    tenant: Rc<Resource>,
}

impl Default for Standing {
    fn default() -> Self {
        // Merging no documents finds no problem in them.
        let observed =
            Policy::merge(None, None).unwrap_or_else(|_| Policy::standing_in(Reason::DefaultDeny, Mode::AuditOnly));
        Self {
            observed: Rc::new(observed),
            no_policy: Rc::new(Policy::standing_in(Reason::NoPolicy, Mode::Enforce)),
            no_policy_observed: Rc::new(Policy::standing_in(Reason::NoPolicy, Mode::AuditOnly)),
            no_resource: Rc::new(Policy::standing_in(Reason::NoResource, Mode::Enforce)),
            tenant: Rc::new(Resource::tenant()),
        }
    }
}

impl Standing {
    /// What a request of `who` is decided by. `waited` says that it has been
    /// held for as long as it may be.
    pub(crate) fn ground(
        &self,
        plan: &Plan,
        who: Option<&Rc<Resource>>,
        waited: bool,
        look_up: Option<impl FnOnce(&Rc<Resource>) -> Lookup>,
    ) -> Ground {
        let inline = plan.inline.as_ref();
        let Some(look_up) = look_up else {
            // The same policy for everybody, whoever they are.
            return Ground::Decide(By::standing(inline.unwrap_or(&self.observed)));
        };
        let resource = who.unwrap_or(&self.tenant);
        match (look_up(resource), inline) {
            (Lookup::Known(Known::Policy { policy, version, .. }), _) => Ground::Decide(By {
                policy,
                unresolved: who.is_none(),
                version: Some(version),
            }),
            // Nobody knows who asks, so nobody knows what they may.
            (Lookup::Known(Known::None { .. }), _) if who.is_none() => Ground::Decide(By::standing(&self.no_resource)),
            // The author of the inline policy meant it for exactly this.
            (_, Some(inline)) => Ground::Decide(By {
                unresolved: who.is_none(),
                ..By::standing(inline)
            }),
            (Lookup::Known(Known::None { version }), None) => Ground::Decide(By {
                version,
                ..By::standing(&self.observed)
            }),
            (Lookup::Unknown | Lookup::New, None) if !waited => Ground::Wait,
            (Lookup::Unknown | Lookup::New | Lookup::Full, None) => {
                Ground::Decide(By::standing(match plan.on_unknown {
                    _ if who.is_none() => &self.no_resource,
                    OnUnknown::Reject => &self.no_policy,
                    OnUnknown::Observe => &self.no_policy_observed,
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Kind;

    const ENFORCE: &str = r#""policy": {"mode": "enforce"}"#;
    const SERVICE: &str = r#""resource": {"type": "sandbox", "id": "sb_1"}, "policy_service": {"cluster": "c"}"#;
    const OBSERVE: &str = r#""on_unknown": "observe""#;

    fn known() -> Lookup {
        Lookup::Known(Known::Policy {
            policy: Rc::new(Policy::standing_in(Reason::DefaultDeny, Mode::Enforce)),
            version: Version { epoch: 1, revision: 2 },
            digest: "".into(),
        })
    }

    /// One line of what a request is decided by.
    fn ground(parts: &[&str], who: Option<&str>, waited: bool, lookup: Option<Lookup>) -> String {
        let json = format!("{{{}}}", parts.join(","));
        let plan = Plan::from_json(json.as_bytes(), Kind::Http).unwrap();
        let who = who.map(|id| {
            Rc::new(Resource {
                kind: "sandbox".into(),
                id: id.into(),
            })
        });
        let expected = who.as_deref().cloned().unwrap_or_else(Resource::tenant);
        let look_up = lookup.map(|lookup| {
            move |asked: &Rc<Resource>| {
                assert_eq!(**asked, expected);
                lookup
            }
        });
        match Standing::default().ground(&plan, who.as_ref(), waited, look_up) {
            Ground::Wait => "wait".into(),
            Ground::Decide(by) => {
                let missing = by.policy.missing().map_or("-", |reason| reason.as_str());
                let revision = by.version.map_or("-".into(), |version| version.revision.to_string());
                let unresolved = if by.unresolved { " unresolved" } else { "" };
                format!("{} {missing} {revision}{unresolved}", by.policy.mode())
            }
        }
    }

    #[test]
    fn the_policy_in_force_is_the_designed_one() {
        let (unknown, full) = (|| Some(Lookup::Unknown), || Some(Lookup::Full));
        let none = || {
            Some(Lookup::Known(Known::None {
                version: Some(Version { epoch: 1, revision: 9 }),
            }))
        };
        let known = || Some(known());
        let who = Some("sb_1");
        for (parts, who, waited, lookup, expected) in [
            // Without a policy service: what is inline, else observe.
            (&[][..], None, false, None, "audit_only - -"),
            (&[ENFORCE], None, false, None, "enforce - -"),
            // A live policy beats everything.
            (&[SERVICE], who, false, known(), "enforce default_deny 2"),
            (&[SERVICE, ENFORCE], who, false, known(), "enforce default_deny 2"),
            // None is an answer, and a new resource is never locked out by it …
            (&[SERVICE], who, false, none(), "audit_only - 9"),
            // … but an inline policy is not forgotten for it.
            (&[SERVICE, ENFORCE], who, false, none(), "enforce - -"),
            // Before the first answer.
            (&[SERVICE], who, false, unknown(), "wait"),
            (&[SERVICE], who, false, Some(Lookup::New), "wait"),
            (&[SERVICE, ENFORCE], who, false, unknown(), "enforce - -"),
            (&[SERVICE], who, true, unknown(), "enforce no_policy -"),
            (&[SERVICE, OBSERVE], who, true, unknown(), "audit_only no_policy -"),
            // Too many resources: no use in waiting.
            (&[SERVICE], who, false, full(), "enforce no_policy -"),
            (&[SERVICE, OBSERVE], who, false, full(), "audit_only no_policy -"),
            // Nobody knows who asks: the tenant's policy, and never observed by default.
            (&[SERVICE], None, false, known(), "enforce default_deny 2 unresolved"),
            (&[SERVICE], None, false, none(), "enforce no_resource -"),
            (&[SERVICE, ENFORCE], None, false, unknown(), "enforce - - unresolved"),
            (&[SERVICE, OBSERVE], None, false, unknown(), "wait"),
            (&[SERVICE, OBSERVE], None, true, unknown(), "enforce no_resource -"),
        ] {
            let label = format!("{parts:?} {who:?} waited={waited} {lookup:?}");
            assert_eq!(ground(parts, who, waited, lookup), expected, "{label}");
        }
    }
}
