//! The history of a policy, and going back in it.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::Row;

use super::draft::Draft;
use super::types::{self, StoredRule};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::{Store, Tx};

/// One revision, without its document.
#[derive(Debug, Clone, Serialize)]
pub struct Revision {
    /// Its number.
    pub revision: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub author: String,
    /// What was done.
    pub operation: String,
    /// What they said about it.
    pub note: String,
    /// The mode from then on.
    pub mode: String,
    /// How many rules there were then.
    pub rule_count: i64,
}

/// The history of a policy, the latest first.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store, policy: &str) -> Result<Vec<Revision>, Error> {
    let query = "SELECT revision, at, author, operation, note, mode, rule_count FROM revisions \
                 WHERE policy_id = $1 ORDER BY revision DESC";
    let rows = sqlx::query(query)
        .bind(policy.to_owned())
        .fetch_all(store.read())
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Revision {
                revision: row.try_get("revision")?,
                at: Moment(row.try_get("at")?),
                author: row.try_get("author")?,
                operation: row.try_get("operation")?,
                note: row.try_get("note")?,
                mode: row.try_get("mode")?,
                rule_count: row.try_get("rule_count")?,
            })
        })
        .collect()
}

/// What a policy said at a revision: name, description, mode, `default_effect`, rules.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn document_of(store: &Store, policy: &str, revision: i64) -> Result<Value, Error> {
    let query = "SELECT document FROM revisions WHERE policy_id = $1 AND revision = $2";
    let found: Option<String> = sqlx::query_scalar(query)
        .bind(policy.to_owned())
        .bind(revision)
        .fetch_optional(store.read())
        .await?;
    read(policy, revision, found)
}

fn read(policy: &str, revision: i64, found: Option<String>) -> Result<Value, Error> {
    let text = found.ok_or_else(|| Error::NotFound(format!("revision {revision} of policy {policy}")))?;
    serde_json::from_str(&text).map_err(|error| Error::Internal(format!("revision {revision} of {policy}: {error}")))
}

/// Goes back to what a revision said, by default the one before the latest; as
/// a new revision. The mode stays as it is unless `with_mode`.
///
/// # Errors
/// [`Error::NotFound`] if there is no such revision.
pub async fn rollback(
    tx: &mut Tx,
    caller: &Caller,
    draft: &mut Draft,
    to: Option<i64>,
    with_mode: bool,
    note: &str,
) -> Result<Vec<Change>, Error> {
    let id = draft.policy.id.clone();
    let to = match to {
        Some(revision) => revision,
        None => {
            let before: Option<i64> = sqlx::query_scalar(
                "SELECT revision FROM revisions WHERE policy_id = $1 AND revision < $2 ORDER BY revision DESC LIMIT 1",
            )
            .bind(&id)
            .bind(draft.policy.revision)
            .fetch_optional(&mut **tx)
            .await?;
            before.ok_or_else(|| Error::NotFound(format!("revision before the first one of policy {id}")))?
        }
    };
    let query = "SELECT document FROM revisions WHERE policy_id = $1 AND revision = $2";
    let found: Option<String> = sqlx::query_scalar(query)
        .bind(&id)
        .bind(to)
        .fetch_optional(&mut **tx)
        .await?;
    let document = read(&id, to, found)?;
    let text = |key: &str| document[key].as_str().unwrap_or_default();
    draft.policy.default_effect = types::effect("default_effect", text("default_effect"))?;
    if with_mode {
        draft.policy.switch(types::mode(text("mode"))?);
    }
    draft.rules = stored(&document)?;
    let note = match note {
        "" => format!("back to revision {to}"),
        note => format!("back to revision {to}: {note}"),
    };
    draft.save(tx, caller, "rollback", &note).await
}

/// The rules as a revision keeps them.
fn stored(document: &Value) -> Result<Vec<StoredRule>, Error> {
    let (mut bodies, mut rest) = (Vec::new(), Vec::new());
    for rule in document["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
    {
        let mut body = rule.clone();
        let mut take = |key: &str| {
            let value = body.remove(key);
            value
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let (id, name, created_at) = (take("id"), take("name"), take("created_at"));
        rest.push((name, Moment::parse("created_at", &created_at)?));
        bodies.push((id, json!(body)));
    }
    let documents = super::load::documents(bodies)?;
    let both = documents.into_iter().zip(rest);
    Ok(both
        .map(|(document, (name, created_at))| StoredRule {
            name,
            created_at,
            document,
        })
        .collect())
}
