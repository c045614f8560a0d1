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
use crate::resource::Resource;
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
                if let Some(mode) = source.mode {
                    if mode != draft.policy.mode {
                        draft.policy.relock_at = None;
                    }
                    draft.policy.mode = mode;
                }
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
            Target::Glob(glob) => {
                let before = found.len();
                let fit = known.iter().map(|known| &known.resource);
                let fit = fit.filter(|resource| caller.scope.contains(resource) && fits(glob, &resource.to_string()));
                found.extend(fit.cloned());
                if found.len() == before {
                    return Err(Error::field(
                        "targets",
                        glob,
                        "a glob that fits TYPE/ID of a known resource, such as sandbox/ci-*",
                    ));
                }
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// `*` stands for any characters, `?` for one; the rest for itself.
fn fits(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    // Where to go on if what follows the last `*` does not fit: it takes one character more.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(one) if *one == '?' || *one == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    glob[at..].iter().all(|rest| *rest == '*')
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

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn globs_fit_whole_names() {
        for (glob, text, expected) in [
            ("sandbox/*", "sandbox/a", true),
            ("sandbox/ci-*", "sandbox/ci-", true),
            ("sandbox/ci-?", "sandbox/ci-", false),
            ("*/a*b*c", "sandbox/aXbXbc", true),
            ("*/a*b*c", "sandbox/aXbXb", false),
            ("sandbox/a", "sandbox/ab", false),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(fits(glob, text), expected, "{glob} {text}");
        }
    }
}
