//! Making policies: by hand, for a resource that has none, and from a template.

use sluice_policy::{Effect, Mode};

use super::draft::{Draft, Why};
use super::load;
use super::types::{Policy, StoredRule};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::id;
use crate::moment::Moment;
use crate::resource::{Resource, TEMPLATE};
use crate::store::{Store, Tx};

/// What somebody wants to make.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// What people call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whose it is.
    pub resource: Option<Resource>,
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// What happens where no rule matches.
    pub default_effect: Effect,
    /// Its rules.
    pub rules: Vec<StoredRule>,
}

impl NewPolicy {
    fn into_policy(self) -> (Policy, Vec<StoredRule>) {
        let now = Moment::now();
        let policy = Policy {
            id: id::new("pol"),
            name: self.name,
            description: self.description,
            resource: self.resource,
            mode: self.mode,
            default_effect: self.default_effect,
            revision: 0,
            created_at: now,
            updated_at: now,
            relock_at: None,
        };
        (policy, self.rules)
    }
}

/// Makes a policy.
///
/// # Errors
/// [`Error::PolicyExists`] if its resource has one; [`Error::Validation`] if no filter would accept it.
pub async fn create(
    tx: &mut Tx,
    caller: &Caller,
    new: NewPolicy,
    operation: &str,
    note: &str,
) -> Result<(Draft, Vec<Change>), Error> {
    create_as(
        tx,
        &caller.id,
        Why {
            author: &caller.name,
            operation,
            note,
        },
        new,
    )
    .await
}

async fn create_as(tx: &mut Tx, actor: &str, why: Why<'_>, new: NewPolicy) -> Result<(Draft, Vec<Change>), Error> {
    if let Some(resource) = &new.resource {
        if let Some(policy) = load::of(&mut **tx, resource).await? {
            return Err(Error::PolicyExists {
                resource: resource.to_string(),
                id: policy.id,
            });
        }
        if !resource.is_tenant() {
            crate::resources::ensure(tx, resource).await?;
        }
    }
    let (policy, rules) = new.into_policy();
    let mut draft = Draft::new(policy, rules);
    let changes = draft.save_as(tx, actor, why).await?;
    Ok((draft, changes))
}

/// The own policy of a resource. One that has none gets one that copies the
/// mode and default in force, so that nothing changes but that it has its own.
///
/// # Errors
/// What the database says.
pub async fn of_resource(
    store: &Store,
    tx: &mut Tx,
    caller: &Caller,
    resource: &Resource,
) -> Result<(Draft, Vec<Change>), Error> {
    if let Some(policy) = load::of(&mut **tx, resource).await? {
        return Ok((Draft::load(store, tx, &policy.id).await?, Vec::new()));
    }
    let tenant = match resource.is_tenant() {
        true => None,
        false => load::of(&mut **tx, &Resource::tenant()).await?,
    };
    let new = NewPolicy {
        name: resource.to_string(),
        description: String::new(),
        resource: Some(resource.clone()),
        mode: tenant.as_ref().map_or(Mode::AuditOnly, |tenant| tenant.mode),
        default_effect: tenant.as_ref().map_or(Effect::Deny, |tenant| tenant.default_effect),
        rules: Vec::new(),
    };
    create(
        tx,
        caller,
        new,
        "create",
        "made with the mode and default that were in force",
    )
    .await
}

/// Gives a resource that has no policy a copy of its template's, if that has one.
pub(crate) async fn copy_of_template(tx: &mut Tx, resource: &Resource, template: &str) -> Result<Vec<Change>, Error> {
    if load::of(&mut **tx, resource).await?.is_some() {
        return Ok(Vec::new());
    }
    let Some(policy) = load::of(&mut **tx, &Resource::new(TEMPLATE, template)).await? else {
        return Ok(Vec::new());
    };
    let rules = load::rules(&mut **tx, &policy.id).await?;
    let new = NewPolicy {
        name: resource.to_string(),
        description: policy.description,
        resource: Some(resource.clone()),
        mode: policy.mode,
        default_effect: policy.default_effect,
        rules: copies(&rules),
    };
    let note = format!("copied from template {template}, revision {}", policy.revision);
    let why = Why {
        author: "sluice",
        operation: "inherit",
        note: &note,
    };
    Ok(create_as(tx, "sluice", why, new).await?.1)
}

/// The same rules, with ids of their own.
pub(super) fn copies(rules: &[StoredRule]) -> Vec<StoredRule> {
    rules
        .iter()
        .map(|rule| {
            let mut copy = rule.clone();
            copy.document.id = id::new("rule");
            copy.created_at = Moment::now();
            copy
        })
        .collect()
}
