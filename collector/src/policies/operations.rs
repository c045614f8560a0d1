//! What is done to a whole policy: changed by hand, observed, locked down.

use sluice_policy::{Effect, Mode};

use super::draft::Draft;
use super::types::{Policy, StoredRule};
use crate::access::{Caller, Scope};
use crate::changes::Change;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Tx;

/// What is to be different; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// What people call it.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether verdicts are carried out.
    pub mode: Option<Mode>,
    /// What happens where no rule matches.
    pub default_effect: Option<Effect>,
    /// All its rules. One that does the same as an old one keeps that one's id.
    pub rules: Option<Vec<StoredRule>>,
}

/// Lets pass who may change this policy. One that is attached to nothing is everybody's, so it takes the tenant's scope.
///
/// # Errors
/// [`Error::Forbidden`].
pub(crate) fn permit(caller: &Caller, policy: &Policy) -> Result<(), Error> {
    match &policy.resource {
        Some(resource) => caller.operates(resource),
        None if caller.role.operates() && caller.scope == Scope::Tenant => Ok(()),
        None => Err(Error::Forbidden(format!(
            "{} may not change policy {}, which is attached to nothing: that takes the scope tenant",
            caller.name, policy.id
        ))),
    }
}

/// Changes a policy by hand.
///
/// # Errors
/// [`Error::Validation`] if a filter would refuse it.
pub async fn patch(
    tx: &mut Tx,
    caller: &Caller,
    draft: &mut Draft,
    patch: Patch,
    operation: &str,
    note: &str,
) -> Result<Vec<Change>, Error> {
    let Patch {
        name,
        description,
        mode,
        default_effect,
        rules,
    } = patch;
    let policy = &mut draft.policy;
    if let Some(name) = name {
        policy.name = name;
    }
    if let Some(description) = description {
        policy.description = description;
    }
    policy.switch(mode.unwrap_or(policy.mode));
    if let Some(default_effect) = default_effect {
        policy.default_effect = default_effect;
    }
    if let Some(rules) = rules {
        draft.rules = kept(&draft.rules, rules);
    }
    draft.save(tx, caller, operation, note).await
}

/// New rules, those that were there before under their old ids: what has not
/// changed is the same rule, in the audit trail too.
pub(super) fn kept(old: &[StoredRule], new: Vec<StoredRule>) -> Vec<StoredRule> {
    let mut left: Vec<Option<&StoredRule>> = old.iter().map(Some).collect();
    new.into_iter()
        .map(|rule| {
            let same = left
                .iter_mut()
                .find(|old| old.is_some_and(|old| old.does_the_same(&rule.document)));
            match same.and_then(Option::take) {
                Some(old) => {
                    let mut kept = rule;
                    kept.document.id.clone_from(&old.document.id);
                    kept.created_at = old.created_at;
                    kept
                }
                None => rule,
            }
        })
        .collect()
}

/// Blocks nothing any more and keeps the list; after `span` it locks again by itself.
///
/// # Errors
/// What the database says.
pub async fn observe(
    tx: &mut Tx,
    caller: &Caller,
    draft: &mut Draft,
    span: Option<i64>,
    note: &str,
) -> Result<Vec<Change>, Error> {
    let was_locked = draft.policy.mode == Mode::Enforce || draft.policy.relock_at.is_some();
    draft.policy.mode = Mode::AuditOnly;
    // What was not locked has nothing to lock again.
    draft.policy.relock_at = span
        .filter(|_| was_locked)
        .map(|span| Moment(Moment::now().0.saturating_add(span)));
    draft.save(tx, caller, "observe", note).await
}

/// Carries verdicts out.
///
/// # Errors
/// What the database says.
pub async fn lockdown(tx: &mut Tx, caller: &Caller, draft: &mut Draft, note: &str) -> Result<Vec<Change>, Error> {
    draft.policy.mode = Mode::Enforce;
    draft.policy.relock_at = None;
    draft.save(tx, caller, "lockdown", note).await
}
