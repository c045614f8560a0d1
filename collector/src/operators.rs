//! The operator log: who changed what, and from where. It is written in the
//! transaction of the change, so that neither is there without the other.

use serde::Serialize;
use serde_json::Value;
use sqlx::Row;

use crate::error::Error;
use crate::moment::Moment;
use crate::store::{Store, Tx};

tokio::task_local! {
    /// From where the call that is being served came.
    pub static ADDRESS: String;
}

/// One entry.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number, unique and rising.
    pub id: String,
    /// When.
    pub at: Moment,
    /// Who: a credential's id, or `sluice` itself.
    pub actor: String,
    /// From where; empty for Sluice itself.
    pub address: String,
    /// What was done.
    pub operation: String,
    /// To what.
    pub subject: String,
    /// With what.
    pub details: Value,
}

/// Notes a change.
///
/// # Errors
/// What the database says.
pub async fn note(tx: &mut Tx, actor: &str, operation: &str, subject: &str, details: &Value) -> Result<(), Error> {
    let id = Store::next_entry(tx).await?;
    let address = ADDRESS.try_with(Clone::clone).unwrap_or_default();
    let insert = "INSERT INTO operator_log (id, at, actor, address, operation, subject, details) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(id)
        .bind(Moment::now().0)
        .bind(actor)
        .bind(address)
        .bind(operation)
        .bind(subject)
        .bind(details.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The newest entries, the newest first, older than `before`.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store, before: Option<i64>, limit: i64) -> Result<Vec<Entry>, Error> {
    let query = "SELECT * FROM operator_log WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let rows = sqlx::query(query)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(store.read())
        .await?;
    rows.iter()
        .map(|row| {
            let (id, details): (i64, String) = (row.try_get("id")?, row.try_get("details")?);
            Ok(Entry {
                id: id.to_string(),
                at: Moment(row.try_get("at")?),
                actor: row.try_get("actor")?,
                address: row.try_get("address")?,
                operation: row.try_get("operation")?,
                subject: row.try_get("subject")?,
                details: serde_json::from_str(&details).unwrap_or_default(),
            })
        })
        .collect()
}
