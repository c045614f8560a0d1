//! What resources did, added up by the database.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::resource::Resource;
use crate::review::Filter;
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

/// From how many resources on their names in a query take longer than all there are.
const MANY: usize = 1_000;

/// The sums are one text, because each resource has one query that looks at its window alone: putting rows in
/// groups takes far longer. The tenant is no resource that is known, and may have traffic of its own all the same.
const TRAFFIC: &str = "SELECT resource_type, resource_id, (SELECT SUM(allowed + warned + rejected) || ' ' || SUM(rejected) \
     || ' ' || SUM(would_reject) FROM traffic t WHERE t.resource_type = r.resource_type AND t.resource_id = r.resource_id \
     AND t.bucket >= $1) FROM (SELECT resource_type, resource_id FROM resources UNION SELECT 'tenant', '') AS r WHERE {}";

/// Decisions on these resources, maybe on others too, from the five minutes on that a time is in.
pub(super) async fn traffic(
    store: &Store,
    resources: &[&Resource],
    since: Moment,
) -> Result<HashMap<Resource, Counts>, Error> {
    let first = since.0.saturating_sub(since.0.rem_euclid(BUCKET));
    let which = match resources.len() {
        ..MANY => Filter::of(resources.iter().copied()),
        MANY.. => Filter::Everything,
    };
    let mut all = HashMap::new();
    for row in which.query(TRAFFIC, &[first]).fetch_all(store.read()).await? {
        if let Some(sums) = row.try_get::<Option<&str>, _>(2)? {
            all.insert(resource(&row)?, Counts::read(sums)?);
        }
    }
    Ok(all)
}

impl Counts {
    fn read(sums: &str) -> Result<Self, Error> {
        let mut sums = sums.split(' ').map(str::parse);
        let mut next = || match sums.next() {
            Some(Ok(sum)) => Ok(sum),
            other => Err(Error::Internal(format!("a sum of decisions is {other:?}"))),
        };
        Ok(Self {
            requests: next()?,
            rejected: next()?,
            would_reject: next()?,
        })
    }
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
