//! Reading policies and their rules.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_policy::{PolicyDocument, RuleDocument};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Executor, Row};

use super::types::{self, Policy, StoredRule};
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;

/// A policy by its id.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn by_id<'c, E: Executor<'c, Database = Any>>(on: E, id: &str) -> Result<Policy, Error> {
    let found = sqlx::query("SELECT * FROM policies WHERE id = $1").bind(id.to_owned());
    match found.fetch_optional(on).await? {
        Some(row) => policy(&row),
        None => Err(Error::NotFound(format!("policy {id}"))),
    }
}

/// The own policy of a resource, if it has one.
///
/// # Errors
/// What the database says.
pub async fn of<'c, E: Executor<'c, Database = Any>>(on: E, resource: &Resource) -> Result<Option<Policy>, Error> {
    let found = sqlx::query("SELECT * FROM policies WHERE resource_type = $1 AND resource_id = $2")
        .bind(resource.kind.clone())
        .bind(resource.id.clone());
    found.fetch_optional(on).await?.as_ref().map(policy).transpose()
}

/// Every policy with its rules, by the time at which it was made.
///
/// # Errors
/// What the database says.
pub async fn all<'c, E: Executor<'c, Database = Any> + Copy>(on: E) -> Result<Vec<(Policy, Vec<StoredRule>)>, Error> {
    let policies = sqlx::query("SELECT * FROM policies ORDER BY created_at, id")
        .fetch_all(on)
        .await?;
    let query = "SELECT * FROM rules WHERE removed_at IS NULL ORDER BY policy_id, position";
    let mut rows: BTreeMap<String, Vec<AnyRow>> = BTreeMap::new();
    for row in sqlx::query(query).fetch_all(on).await? {
        rows.entry(row.try_get("policy_id")?).or_default().push(row);
    }
    policies
        .iter()
        .map(|row| {
            let policy = policy(row)?;
            let rules = stored(&rows.remove(&policy.id).unwrap_or_default())?;
            Ok((policy, rules))
        })
        .collect()
}

/// The rules of a policy, in order.
pub(crate) async fn rules<'c, E: Executor<'c, Database = Any>>(on: E, policy: &str) -> Result<Vec<StoredRule>, Error> {
    let query = "SELECT * FROM rules WHERE policy_id = $1 AND removed_at IS NULL ORDER BY position";
    stored(&sqlx::query(query).bind(policy.to_owned()).fetch_all(on).await?)
}

/// The `position` of each rule of a policy, by its id.
pub(super) async fn positions<'c, E: Executor<'c, Database = Any>>(
    on: E,
    policy: &str,
) -> Result<BTreeMap<String, i64>, Error> {
    let query = "SELECT id, position FROM rules WHERE policy_id = $1 AND removed_at IS NULL";
    let rows = sqlx::query(query).bind(policy.to_owned()).fetch_all(on).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("id")?, row.try_get("position")?)))
        .collect()
}

/// Which policy a rule is or was in, and whether it is in it now; `None` for a rule that never was.
///
/// # Errors
/// What the database says.
pub async fn owner_of_rule<'c, E: Executor<'c, Database = Any>>(
    on: E,
    rule: &str,
) -> Result<Option<(String, bool)>, Error> {
    let query = sqlx::query("SELECT policy_id, removed_at FROM rules WHERE id = $1").bind(rule.to_owned());
    let Some(row) = query.fetch_optional(on).await? else {
        return Ok(None);
    };
    let removed: Option<i64> = row.try_get("removed_at")?;
    Ok(Some((row.try_get("policy_id")?, removed.is_none())))
}

/// Locks a policy's row until the transaction ends, where readers do not wait for writers.
pub(super) async fn lock(store: &crate::store::Store, tx: &mut crate::store::Tx, id: &str) -> Result<(), Error> {
    let query = format!("SELECT id FROM policies WHERE id = $1{}", store.for_update());
    sqlx::query(AssertSqlSafe(query))
        .bind(id.to_owned())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(())
}

fn policy(row: &AnyRow) -> Result<Policy, Error> {
    let kind: Option<String> = row.try_get("resource_type")?;
    let id: Option<String> = row.try_get("resource_id")?;
    let mode: String = row.try_get("mode")?;
    let default_effect: String = row.try_get("default_effect")?;
    Ok(Policy {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        resource: kind.zip(id).map(|(kind, id)| Resource::new(kind, id)),
        mode: types::mode(&mode)?,
        default_effect: types::effect("default_effect", &default_effect)?,
        revision: row.try_get("revision")?,
        created_at: Moment(row.try_get("created_at")?),
        updated_at: Moment(row.try_get("updated_at")?),
        relock_at: row.try_get::<Option<i64>, _>("relock_at")?.map(Moment),
    })
}

/// All rules of one policy are read as one document: a check a rule would be slow.
fn stored(rows: &[AnyRow]) -> Result<Vec<StoredRule>, Error> {
    let mut bodies = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, body): (String, String) = (row.try_get("id")?, row.try_get("body")?);
        let body = serde_json::from_str(&body).map_err(|error| Error::Internal(format!("rule {id}: {error}")))?;
        bodies.push((id, body));
    }
    let documents = documents(bodies)?;
    let both = rows.iter().zip(documents);
    both.map(|(row, document)| {
        Ok(StoredRule {
            name: row.try_get("name")?,
            created_at: Moment(row.try_get("created_at")?),
            document,
        })
    })
    .collect()
}

/// Rule documents of what was stored of them.
pub(super) fn documents(bodies: Vec<(String, Value)>) -> Result<Vec<RuleDocument>, Error> {
    let rules = bodies.into_iter().map(|(id, mut body)| {
        body["id"] = Value::String(id);
        body
    });
    let whole = serde_json::json!({ "rules": rules.collect::<Vec<_>>() }).to_string();
    let document = PolicyDocument::from_json(whole.as_bytes());
    Ok(document
        .map_err(|problems| Error::Internal(format!("stored rules do not load: {problems}")))?
        .rules)
}
