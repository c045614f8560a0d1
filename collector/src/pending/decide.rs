//! Deciding about a rejected host: a rule that allows it, one that denies it, or neither.

use std::collections::BTreeSet;

use serde_json::json;
use sluice_harness::suggest::blocks_of;
use sluice_policy::{
    Decision, Effect, Policy as Compiled, Reason, Rejection, RuleDocument, Seen, Surroundings, Verdict,
};

use super::rows::{Pending, State, by_id, list};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::ingest::Locks;
use crate::moment::Moment;
use crate::policies::{self, Draft, Policy, StoredRule};
use crate::resource::{Resource, TEMPLATE};
use crate::resources;
use crate::store::{Store, Tx};

/// For whom a host is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// The resource that asked for it.
    #[default]
    Resource,
    /// What was made from the same template, and what will be.
    Template,
    /// Every resource.
    Tenant,
}

/// How a host is allowed.
#[derive(Debug, Clone, Default)]
pub struct Approval {
    /// A pattern in the place of the host, such as the domain's wildcard.
    pub pattern: Option<String>,
    /// Let it through on trial.
    pub warn_only: bool,
    /// Until when.
    pub expires_at: Option<String>,
    /// For whom.
    pub reach: Reach,
    /// The latest revision that the caller has seen.
    pub revision: Option<i64>,
    /// Also where a deny rule makes it useless.
    pub force: bool,
    /// What they say about it.
    pub note: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Approved {
    /// The row as it is now.
    pub pending: Pending,
    /// The rule.
    pub rule: StoredRule,
    /// The policy that it is in: the first one, if there are several.
    pub policy: Policy,
}

/// Allows a host, and takes everything from the queue that the rule lets through
/// too. What was rejected for where it led may lead there, and to cloud metadata never.
///
/// # Errors
/// [`Error::StaleRevision`], [`Error::ShadowedByDeny`], [`Error::Validation`]; then nothing was changed.
pub async fn approve(
    store: &Store,
    tx: &mut Tx,
    caller: &Caller,
    id: &str,
    approval: &Approval,
) -> Result<(Approved, Vec<Change>), Error> {
    let mut pending = by_id(&mut **tx, id).await?;
    caller.operates(&pending.resource)?;
    pending.follow(tx).await?;
    let host = approval.pattern.clone().unwrap_or_else(|| pending.host.clone());
    let resolves_to = blocks_of(&pending.led_to);
    if let (Some(metadata), []) = (pending.led_to.first(), &*resolves_to) {
        return Err(Error::invalid(format!(
            "{} leads to {metadata}, where clouds hand out credentials: block it, or write a rule whose resolves_to names it",
            pending.host
        )));
    }
    let mut input = json!({
        "effect": "allow", "host": host, "ports": ports(&pending), "warn_only": approval.warn_only,
        "name": pending.host, "note": approval.note, "resolves_to": resolves_to,
    });
    if let (Some(at), Some(input)) = (&approval.expires_at, input.as_object_mut()) {
        input.insert("expires_at".to_owned(), json!(at));
    }
    if approval.note.is_empty()
        && let Some(input) = input.as_object_mut()
    {
        input.remove("note");
    }
    let targets = targets(tx, &pending, approval.reach).await?;
    let (mut first, mut changes) = (None, Vec::new());
    for target in &targets {
        caller.operates(target)?;
        let (mut draft, told) = policies::of_resource(store, tx, caller, target).await?;
        changes.extend(told);
        if first.is_none() {
            draft.expect(approval.revision)?;
        }
        let rule = policies::rule_of_input(input.as_object().unwrap_or(&serde_json::Map::new()))?;
        let note = noted("approved", id, &approval.note);
        let ((rule, policy), told) = allow(tx, caller, &mut draft, rule, &note).await?;
        changes.extend(told);
        if !approval.force {
            refuse_shadowed(tx, &draft, &pending).await?;
        }
        first.get_or_insert((rule, policy));
    }
    let (rule, policy) = first.ok_or_else(|| Error::NotFound(format!("resource of pending request {id}")))?;
    lock_concerned(store, tx, &pending, &targets).await?;
    settle(tx, caller, id, State::Approved).await?;
    settle_allowed(tx, caller, &targets).await?;
    changes.push(Change::Pending);
    let pending = by_id(&mut **tx, id).await?;
    Ok((Approved { pending, rule, policy }, changes))
}

/// Adds a rule. One that says where its host may lead would stand behind those
/// that let it pass by its name, so that these say it too.
async fn allow(
    tx: &mut Tx,
    caller: &Caller,
    draft: &mut Draft,
    rule: StoredRule,
    note: &str,
) -> Result<((StoredRule, Policy), Vec<Change>), Error> {
    let new = &rule.document;
    let mut changed = None;
    if !new.resolves_to.is_empty() && !new.warn_only && new.expires_at.is_none() {
        let lasting = |old: &RuleDocument| old.effect == Effect::Allow && !old.warn_only && old.expires_at.is_none();
        for old in &mut draft.rules {
            if old.document.host != new.host || !lasting(&old.document) {
                continue;
            }
            let blocks = new.resolves_to.iter();
            let missing = blocks.filter(|block| !old.document.resolves_to.contains(block));
            let missing: Vec<String> = missing.cloned().collect();
            old.document.resolves_to.extend(missing);
            changed.get_or_insert_with(|| old.clone());
        }
    }
    if let Some(rule) = changed {
        let changes = draft.save(tx, caller, "allow", note).await?;
        return Ok(((rule, draft.policy.clone()), changes));
    }
    let (added, changes) = policies::add_rule(tx, caller, draft, rule, note).await?;
    Ok(((added.rule, added.policy), changes))
}

/// The ports for a rule: any, where more were tried than are kept apart.
fn ports(pending: &Pending) -> &[u16] {
    if pending.ports.contains(&0) {
        &[]
    } else {
        &pending.ports
    }
}

/// Whose policies get the rule; the one whose revision the caller has seen first.
async fn targets(tx: &mut Tx, pending: &Pending, reach: Reach) -> Result<Vec<Resource>, Error> {
    match reach {
        Reach::Resource => Ok(vec![pending.resource.clone()]),
        Reach::Tenant => Ok(vec![Resource::tenant()]),
        Reach::Template => {
            let known = resources::find(&mut **tx, &pending.resource).await?;
            let template = known.and_then(|known| known.template).ok_or_else(|| {
                Error::field(
                    "scope",
                    "template",
                    &format!("possible: {} was not made from a template", pending.resource),
                )
            })?;
            let made = resources::of_template(&mut **tx, &template).await?;
            Ok(std::iter::once(Resource::new(TEMPLATE, template)).chain(made).collect())
        }
    }
}

/// Refuses a rule that changes nothing, because a deny beats it.
async fn refuse_shadowed(tx: &mut Tx, draft: &Draft, pending: &Pending) -> Result<(), Error> {
    let document = draft.policy.document(&draft.rules);
    let is_tenant = draft.policy.resource.as_ref().is_some_and(Resource::is_tenant);
    let other = match is_tenant {
        // What the resource itself says of it counts too.
        true => policies::own_document(tx, &pending.resource).await?,
        false => policies::own_document(tx, &Resource::tenant()).await?,
    };
    let (tenant, resource) = if is_tenant {
        (Some(&document), other.as_ref())
    } else {
        (other.as_ref(), Some(&document))
    };
    let merged = Compiled::merge(tenant, resource).map_err(|problems| Error::policy(&problems))?;
    for_each_port(&merged, pending, |decision| match decision.verdict() {
        Verdict::Reject(Rejection::Rule(rule)) => Err(Error::ShadowedByDeny {
            rule_id: rule.id().to_owned(),
            host: rule.host().to_string(),
            scope: rule.scope().as_str(),
        }),
        // A rule that comes first lets it pass by its name alone.
        Verdict::Reject(Rejection::Reason(Reason::PrivateAddress)) => Err(Error::invalid(format!(
            "{} would still be rejected for where it leads: the rule that names it comes first, of the tenant's or on \
             trial, and says nothing of that in its resolves_to",
            pending.host
        ))),
        _ => Ok(()),
    })
}

/// What a policy says of a host on each of the ports that were tried, opaque as most of it is.
fn for_each_port<E>(
    policy: &Compiled,
    pending: &Pending,
    mut each: impl FnMut(&Decision<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let host = if pending.host.contains(':') {
        format!("[{}]", pending.host)
    } else {
        pending.host.clone()
    };
    for port in &pending.ports {
        let authority = format!("{host}:{port}");
        let seen = Seen::Request {
            authority: authority.as_bytes(),
            method: b"CONNECT",
            path: None,
        };
        let (around, now) = (Surroundings::new(443), Moment::now().timestamp());
        each(&policy.decide_resolved(&seen, &around, &pending.led_to, now))?;
    }
    Ok(())
}

/// Keeps events of all whose rows may be settled out of the way: they write the same rows, in an order of their own.
async fn lock_concerned(store: &Store, tx: &mut Tx, pending: &Pending, targets: &[Resource]) -> Result<(), Error> {
    let everything = targets.iter().any(Resource::is_tenant);
    let mut locks = Locks::default();
    locks.resource(&pending.resource);
    targets.iter().for_each(|resource| locks.resource(resource));
    if everything {
        let open = list(&mut **tx, Some(State::Pending)).await?;
        open.iter().for_each(|row| locks.resource(&row.resource));
    }
    locks.take(store.kind(), tx).await
}

/// What the revision says: what was decided, and what they said about it.
fn noted(what: &str, id: &str, note: &str) -> String {
    if note.is_empty() {
        format!("{what} {id}")
    } else {
        format!("{what} {id}: {note}")
    }
}

/// Takes from the queue what is allowed now.
async fn settle_allowed(tx: &mut Tx, caller: &Caller, targets: &[Resource]) -> Result<(), Error> {
    let everything = targets.iter().any(Resource::is_tenant);
    let targets: BTreeSet<&Resource> = targets.iter().collect();
    let tenant = policies::own_document(tx, &Resource::tenant()).await?;
    let open = list(&mut **tx, Some(State::Pending)).await?;
    let concerned = open
        .into_iter()
        .filter(|row| everything || targets.contains(&row.resource));
    let mut compiled: std::collections::BTreeMap<Resource, Compiled> = std::collections::BTreeMap::new();
    for mut row in concerned.filter(|row| !row.overflow) {
        row.follow(tx).await?;
        if row.leads_inside() && row.led_to.is_empty() {
            // Its name was allowed before.
            continue;
        }
        if !compiled.contains_key(&row.resource) {
            let own = policies::own_document(tx, &row.resource).await?;
            let merged = Compiled::merge(tenant.as_ref(), own.as_ref()).map_err(|problems| Error::policy(&problems))?;
            compiled.insert(row.resource.clone(), merged);
        }
        let Some(policy) = compiled.get(&row.resource) else {
            continue;
        };
        let allowed = for_each_port(
            policy,
            &row,
            |decision| if decision.would_reject() { Err(()) } else { Ok(()) },
        );
        if allowed.is_ok() {
            settle(tx, caller, &row.id, State::Approved).await?;
        }
    }
    Ok(())
}

/// Denies a host by a rule of its own.
///
/// # Errors
/// [`Error::StaleRevision`], or what makes the rule impossible.
pub async fn block(
    store: &Store,
    tx: &mut Tx,
    caller: &Caller,
    id: &str,
    revision: Option<i64>,
    note: &str,
) -> Result<(Approved, Vec<Change>), Error> {
    let pending = by_id(&mut **tx, id).await?;
    caller.operates(&pending.resource)?;
    let (mut draft, mut changes) = policies::of_resource(store, tx, caller, &pending.resource).await?;
    draft.expect(revision)?;
    let host = pending.host.clone();
    let mut document = RuleDocument::new(crate::id::new("rule"), Effect::Deny, host);
    document.note = (!note.is_empty()).then(|| note.to_owned());
    let rule = StoredRule {
        name: pending.host.clone(),
        created_at: Moment::now(),
        document,
    };
    let (added, told) = policies::add_rule(tx, caller, &mut draft, rule, &noted("blocked", id, note)).await?;
    changes.extend(told);
    settle(tx, caller, id, State::Blocked).await?;
    changes.push(Change::Pending);
    let pending = by_id(&mut **tx, id).await?;
    Ok((
        Approved {
            pending,
            rule: added.rule,
            policy: added.policy,
        },
        changes,
    ))
}

/// Hides a host without a rule: it stays rejected.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn dismiss(tx: &mut Tx, caller: &Caller, id: &str) -> Result<(Pending, Vec<Change>), Error> {
    let pending = by_id(&mut **tx, id).await?;
    caller.operates(&pending.resource)?;
    settle(tx, caller, id, State::Dismissed).await?;
    let subject = format!("{} of {}", pending.host, pending.resource);
    crate::operators::note(tx, &caller.id, "dismiss", &subject, &json!({"pending": id})).await?;
    Ok((by_id(&mut **tx, id).await?, vec![Change::Pending]))
}

async fn settle(tx: &mut Tx, caller: &Caller, id: &str, state: State) -> Result<(), Error> {
    sqlx::query("UPDATE pending SET state = $1, changed_at = $2, changed_by = $3 WHERE id = $4")
        .bind(state.as_str())
        .bind(Moment::now().0)
        .bind(&caller.name)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
