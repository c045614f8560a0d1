//! What is in a collector's database, by its API and behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sluice_tests::playbook::Api;
use sluice_tests::postgres;
use sluice_tests::sending::Sent;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use tempfile::TempDir;

/// A database of a test, and what it is in.
pub(crate) struct Place {
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

/// A new SQLite file.
pub(crate) fn sqlite() -> Place {
    let folder = TempDir::with_prefix("sluice-").unwrap();
    Place {
        url: format!("sqlite:{}", folder.path().join("sluice.db").display()),
        _folder: Some(folder),
    }
}

/// A new database of the tests' PostgreSQL.
pub(crate) fn postgresql() -> Place {
    Place {
        url: postgres::fresh(),
        _folder: None,
    }
}

/// A new token.
pub(crate) fn token(api: &Api, role: &str, scope: &str) -> String {
    let body = json!({"name": format!("{role} of {scope}"), "role": role, "scope": scope});
    let token = api.post("/tokens", &body).data("token");
    token.as_str().unwrap().to_owned()
}

/// The audit trail, the oldest first, by its pages.
pub(crate) fn audit(api: &Api) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut query = "since=2000-01-01T00:00:00Z".to_owned();
    loop {
        let page = api.get(&format!("/egress/audit?limit=1000&{query}")).ok();
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("cursor={cursor}"),
            None => return rows,
        }
    }
}

pub(crate) fn uid(row: &Value) -> String {
    row["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// Rows of the database itself.
pub(crate) fn select(database: &str, sql: &str) -> Vec<AnyRow> {
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let mut connection = AnyConnection::connect(database).await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut connection)
            .await;
        connection.close().await.unwrap();
        rows.unwrap()
    })
}

/// Decisions by host as they were aggregated.
fn aggregated(database: &str) -> BTreeMap<String, i64> {
    let rows = select(
        database,
        "SELECT host, CAST(SUM(requests) AS BIGINT) AS n FROM destination_days GROUP BY host",
    );
    rows.iter().map(|row| (row.get("host"), row.get("n"))).collect()
}

/// Asserts that each acknowledged batch is there exactly once, each other one
/// as a whole or not at all, and that what was counted is what is there.
pub(crate) fn assert_whole(api: &Api, database: &str, sent: &[Sent]) {
    let rows = audit(api);
    let mut hosts: BTreeMap<String, i64> = BTreeMap::new();
    let mut there = BTreeSet::new();
    for row in &rows {
        assert!(there.insert(uid(row)), "{} is there twice", uid(row));
        *hosts.entry(row["host"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut expected = 0;
    for batch in sent {
        let stored = batch.uids.iter().filter(|uid| there.contains(*uid)).count();
        let whole = batch.uids.len();
        expected += stored;
        if batch.acknowledged {
            assert_eq!(stored, whole, "acknowledged, and not all there: {:?}", batch.uids);
        } else {
            assert!(stored == 0 || stored == whole, "half there: {:?}", batch.uids);
        }
    }
    assert_eq!(rows.len(), expected, "nothing is there that nobody sent");
    assert_eq!(aggregated(database), hosts, "destinations count what is there");
    let traffic = select(
        database,
        "SELECT CAST(COALESCE(SUM(allowed + warned + rejected), 0) AS BIGINT) AS n FROM traffic",
    );
    assert_eq!(
        traffic[0].get::<i64, _>("n"),
        i64::try_from(rows.len()).unwrap(),
        "traffic too"
    );
}
