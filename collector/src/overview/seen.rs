//! What resources did, added up by the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::resource::Resource;
use crate::store::Store;

/// Microseconds that ingest counts together.
const BUCKET: i64 = 300 * SECOND;

/// Decisions of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: i64,
    pub(super) rejected: i64,
    pub(super) would_reject: i64,
}

/// The order of the tables is that of the query: of each resource only the
/// window is looked at, because there is no index by time alone. The tenant is
/// no resource that is known, and may have traffic of its own all the same.
const TRAFFIC: &str = "SELECT t.resource_type, t.resource_id, CAST(SUM(t.allowed + t.warned + t.rejected) AS BIGINT), \
     CAST(SUM(t.rejected) AS BIGINT), CAST(SUM(t.would_reject) AS BIGINT) \
     FROM (SELECT resource_type, resource_id FROM resources UNION SELECT 'tenant', '') r CROSS JOIN traffic t \
     WHERE t.resource_type = r.resource_type AND t.resource_id = r.resource_id AND t.bucket >= $1 \
     GROUP BY t.resource_type, t.resource_id";

/// Decisions from the five minutes on that a time is in.
pub(super) async fn traffic(store: &Store, since: Moment) -> Result<Vec<(Resource, Counts)>, Error> {
    let first = since.0.saturating_sub(since.0.rem_euclid(BUCKET));
    let rows = sqlx::query(TRAFFIC).bind(first).fetch_all(store.read()).await?;
    rows.iter()
        .map(|row| {
            let counts = Counts {
                requests: row.try_get(2)?,
                rejected: row.try_get(3)?,
                would_reject: row.try_get(4)?,
            };
            Ok((resource(row)?, counts))
        })
        .collect()
}

/// How many hosts wait for a decision.
pub(super) async fn pending(store: &Store) -> Result<Vec<(Resource, i64)>, Error> {
    const PENDING: &str = "SELECT resource_type, resource_id, COUNT(*) FROM pending WHERE state = 'pending' \
                           GROUP BY resource_type, resource_id";
    let rows = sqlx::query(PENDING).fetch_all(store.read()).await?;
    rows.iter().map(|row| Ok((resource(row)?, row.try_get(2)?))).collect()
}

fn resource(row: &AnyRow) -> Result<Resource, Error> {
    Ok(Resource::new(
        row.try_get::<String, _>(0)?,
        row.try_get::<String, _>(1)?,
    ))
}
