//! One policy for many resources: cloned from another, or applied from a file.
//!
//! All targets are checked before any is changed, each is changed by a
//! revision of its own, all in one transaction, and doing it again changes nothing.

use std::collections::BTreeSet;

use serde::Serialize;
use sluice_policy::{Effect, Mode};

use super::create::{NewPolicy, copies, create};
use super::draft::Draft;
use super::load;
use super::operations::{kept, permit};
use super::types::StoredRule;
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::resource::{Resource, ResourceGlob};
use crate::resources;
use crate::store::{Store, Tx};

/// What is to be put everywhere.
#[derive(Debug, Clone)]
pub struct Source {
    /// `clone` or `apply`.
    pub operation: &'static str,
    /// `None` keeps the mode that a target has.
    pub mode: Option<Mode>,
    /// `None` keeps the default that a target has.
    pub default_effect: Option<Effect>,
    /// The rules.
    pub rules: Vec<StoredRule>,
    /// What is noted with each revision.
    pub note: String,
}

/// Where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One resource, also one that has not been seen yet.
    Resource(Resource),
    /// Those that are known whose `TYPE/ID` fits; `*` stands for any characters, `?` for one.
    Glob(String),
}

/// What became of one target.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Which.
    #[serde(flatten)]
    pub resource: Resource,
    /// `changed` or `unchanged`.
    pub status: &'static str,
    /// Its policy.
    pub policy_id: Option<String>,
    /// Its mode.
    pub mode: Option<Mode>,
    /// The revision it has now.
    pub revision: Option<i64>,
    /// Why it could not be changed.
    pub error: Option<String>,
}

/// Puts a policy everywhere.
///
/// # Errors
/// [`Error::Forbidden`] if the caller may not change one of the targets, [`Error::Validation`] if one would not load: then none is changed.
pub async fn spread(
    store: &Store,
    tx: &mut Tx,
    caller: &Caller,
    source: &Source,
    targets: &[Resource],
) -> Result<(Vec<Outcome>, Vec<Change>), Error> {
    for resource in targets {
        caller.operates(resource)?;
    }
    let (mut outcomes, mut changes) = (Vec::new(), Vec::new());
    for resource in targets {
        let (draft, told) = match load::of(&mut **tx, resource).await? {
            Some(policy) => {
                let mut draft = Draft::load(store, tx, &policy.id).await?;
                permit(caller, &draft.policy)?;
                draft.policy.switch(source.mode.unwrap_or(draft.policy.mode));
                draft.policy.default_effect = source.default_effect.unwrap_or(draft.policy.default_effect);
                draft.rules = kept(&draft.rules, copies(&source.rules));
                let told = draft.save(tx, caller, source.operation, &source.note).await?;
                (draft, told)
            }
            None => {
                let (mode, default_effect) = inherited(tx, resource).await?;
                let new = NewPolicy {
                    name: resource.to_string(),
                    description: String::new(),
                    resource: Some(resource.clone()),
                    mode: source.mode.unwrap_or(mode),
                    default_effect: source.default_effect.unwrap_or(default_effect),
                    rules: copies(&source.rules),
                };
                create(tx, caller, new, source.operation, &source.note).await?
            }
        };
        outcomes.push(Outcome {
            resource: resource.clone(),
            status: if told.is_empty() { "unchanged" } else { "changed" },
            policy_id: Some(draft.policy.id),
            mode: Some(draft.policy.mode),
            revision: Some(draft.policy.revision),
            error: None,
        });
        changes.extend(told);
    }
    Ok((outcomes, changes))
}

/// The resources that targets mean, in order and each once; of a glob those that the caller may change.
///
/// # Errors
/// [`Error::Validation`] if a glob fits nothing that is known.
pub async fn resolve(store: &Store, caller: &Caller, targets: &[Target]) -> Result<Vec<Resource>, Error> {
    let known = resources::all(store.read()).await?;
    let mut found = BTreeSet::new();
    for target in targets {
        match target {
            Target::Resource(resource) => {
                found.insert(resource.clone());
            }
            Target::Glob(text) => {
                let glob = ResourceGlob::parse(text);
                let fits = |resource: &&Resource| {
                    caller.scope.contains(resource) && glob.as_ref().is_some_and(|glob| glob.fits(resource))
                };
                let mut fit = known.iter().map(|known| &known.resource).filter(fits).peekable();
                if fit.peek().is_none() {
                    return Err(Error::field(
                        "targets",
                        text,
                        "a glob that fits TYPE/ID of a known resource, such as sandbox/ci-*",
                    ));
                }
                found.extend(fit.cloned());
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// What is in force where there is no own policy.
async fn inherited(tx: &mut Tx, resource: &Resource) -> Result<(Mode, Effect), Error> {
    let tenant = if resource.is_tenant() {
        None
    } else {
        load::of(&mut **tx, &Resource::tenant()).await?
    };
    Ok(tenant.map_or((Mode::AuditOnly, Effect::Deny), |tenant| {
        (tenant.mode, tenant.default_effect)
    }))
}
