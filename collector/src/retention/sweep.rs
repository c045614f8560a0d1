//! Removes what is old, a few thousand rows at a time, so that nobody waits for it long.

use sqlx::Row;

use super::Keep;
use crate::error::Error;
use crate::ingest::Locks;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::{Store, Tx};

/// Rows that are removed in one transaction.
const TOGETHER: i64 = 4_000;

const AUDIT: &str = "DELETE FROM audit WHERE inserted_at IN \
                     (SELECT inserted_at FROM audit WHERE inserted_at < $1 ORDER BY inserted_at LIMIT $2)";
/// All VMs of a process go together: what the process lost is told by all of them.
const INSTANCES: &str = "DELETE FROM instances WHERE (credential, instance) IN \
                         (SELECT n.credential, n.instance FROM instances n WHERE n.last_seen < $1 AND NOT EXISTS \
                         (SELECT 1 FROM instances o WHERE o.credential = n.credential AND o.process = n.process \
                         AND o.last_seen >= $1) LIMIT $2)";
const IN_FORCE: &str = "DELETE FROM in_force WHERE (credential, instance, resource_type, resource_id) IN \
                        (SELECT credential, instance, resource_type, resource_id FROM in_force \
                        WHERE heartbeat_at < $1 LIMIT $2)";
const STREAMS: &str = "DELETE FROM open_streams WHERE (credential, uid) IN \
                       (SELECT credential, uid FROM open_streams WHERE inserted_at < $1 LIMIT $2)";
/// One that is not used ends before it expires, and that is soon enough.
const SESSIONS: &str = "DELETE FROM sessions WHERE id IN \
                        (SELECT id FROM sessions WHERE COALESCE(ended_at, expires_at) < $1 LIMIT $2)";

/// Removes old audit rows and VMs; answers how many rows went.
///
/// # Errors
/// What the database says. What was removed before stays removed.
pub async fn events(store: &Store, keep: Keep, now: Moment) -> Result<u64, Error> {
    let before = now.0.saturating_sub(keep.events);
    let mut removed = 0;
    for statement in [AUDIT, INSTANCES, IN_FORCE] {
        removed += all(store, statement, before).await?;
    }
    Ok(removed)
}

/// Removes sessions that ended long ago; answers how many.
///
/// # Errors
/// As [`events`].
pub async fn sessions(store: &Store, keep: Keep, now: Moment) -> Result<u64, Error> {
    all(store, SESSIONS, now.0.saturating_sub(keep.sessions)).await
}

/// Removes all that a statement finds.
async fn all(store: &Store, statement: &'static str, before: i64) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let mut tx = store.begin().await?;
        let done = sqlx::query(statement)
            .bind(before)
            .bind(TOGETHER)
            .execute(&mut *tx)
            .await?;
        store.commit(tx, &[]).await?;
        removed += done.rows_affected();
        if done.rows_affected() < TOGETHER.unsigned_abs() {
            return Ok(removed);
        }
    }
}

/// Removes old days and old destinations; answers how many rows went.
///
/// # Errors
/// As [`events`].
pub async fn aggregates(store: &Store, keep: Keep, now: Moment) -> Result<u64, Error> {
    let before = Moment(now.0.saturating_sub(keep.aggregates));
    let mut resources = vec![Resource::tenant()];
    for row in sqlx::query("SELECT resource_type, resource_id FROM resources ORDER BY resource_type, resource_id")
        .fetch_all(store.read())
        .await?
    {
        resources.push(Resource::new(
            row.try_get::<String, _>(0)?,
            row.try_get::<String, _>(1)?,
        ));
    }
    let mut removed = 0;
    for resource in &resources {
        removed += days(store, resource, before).await?;
        removed += destinations(store, resource, before).await?;
    }
    // A stream may be open for longer than its audit row is kept.
    Ok(removed + all(store, STREAMS, before.0).await?)
}

const DAYS: &str = "DELETE FROM destination_days WHERE (resource_type, resource_id, day, host, port) IN \
                    (SELECT resource_type, resource_id, day, host, port FROM destination_days \
                    WHERE resource_type = $1 AND resource_id = $2 AND day < $3 LIMIT $4)";
const TRAFFIC: &str = "DELETE FROM traffic WHERE (resource_type, resource_id, bucket) IN \
                       (SELECT resource_type, resource_id, bucket FROM traffic \
                       WHERE resource_type = $1 AND resource_id = $2 AND bucket < $3 LIMIT $4)";
const DESTINATIONS: &str = "DELETE FROM destinations WHERE (resource_type, resource_id, host, port) IN \
                            (SELECT resource_type, resource_id, host, port FROM destinations \
                            WHERE resource_type = $1 AND resource_id = $2 AND last_seen < $3 LIMIT $4)";

async fn days(store: &Store, resource: &Resource, before: Moment) -> Result<u64, Error> {
    let mut removed = 0;
    for (statement, before) in [(DAYS, before.day()), (TRAFFIC, before.0)] {
        loop {
            let mut tx = begin(store, resource).await?;
            let done = delete(&mut tx, statement, resource, before).await?;
            store.commit(tx, &[]).await?;
            removed += done;
            if done < TOGETHER.unsigned_abs() {
                break;
            }
        }
    }
    Ok(removed)
}

const FORGET: &str = "DELETE FROM domains WHERE part = 'destinations' AND resource_type = $1 AND resource_id = $2";
const COUNT: &str = "INSERT INTO domains (part, resource_type, resource_id, domain, hosts, overflows) \
                     SELECT 'destinations', resource_type, resource_id, domain, \
                     CAST(SUM(1 - overflow) AS BIGINT), CAST(SUM(overflow) AS BIGINT) FROM destinations \
                     WHERE resource_type = $1 AND resource_id = $2 GROUP BY resource_type, resource_id, domain";
const COUNT_DOMAINS: &str = "INSERT INTO domains (part, resource_type, resource_id, domain, hosts, overflows) \
                             SELECT 'destinations', resource_type, resource_id, '', COUNT(*), 0 FROM domains \
                             WHERE part = 'destinations' AND resource_type = $1 AND resource_id = $2 \
                             AND domain <> '*' GROUP BY resource_type, resource_id";

/// With the counts of domains, so that there is room for new ones.
async fn destinations(store: &Store, resource: &Resource, before: Moment) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let mut tx = begin(store, resource).await?;
        let done = delete(&mut tx, DESTINATIONS, resource, before.0).await?;
        if done > 0 {
            for statement in [FORGET, COUNT, COUNT_DOMAINS] {
                let query = sqlx::query(statement).bind(&resource.kind).bind(&resource.id);
                query.execute(&mut *tx).await?;
            }
        }
        store.commit(tx, &[]).await?;
        removed += done;
        if done < TOGETHER.unsigned_abs() {
            return Ok(removed);
        }
    }
}

async fn begin(store: &Store, resource: &Resource) -> Result<Tx, Error> {
    let mut tx = store.begin().await?;
    let mut locks = Locks::default();
    locks.resource(resource);
    locks.take(store.kind(), &mut tx).await?;
    Ok(tx)
}

async fn delete(tx: &mut Tx, statement: &'static str, resource: &Resource, before: i64) -> Result<u64, Error> {
    let delete = sqlx::query(statement).bind(&resource.kind).bind(&resource.id);
    Ok(delete
        .bind(before)
        .bind(TOGETHER)
        .execute(&mut **tx)
        .await?
        .rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::DAY;
    use crate::testing::Fresh;

    #[tokio::test]
    async fn sessions_are_kept_for_a_while_after_their_end() {
        let fresh = Fresh::new().await;
        let mut tx = fresh.store.begin().await.unwrap();
        for (id, expires, ended) in [
            ("open", 100, None),
            ("expired", 2, None),
            ("just expired", 4, None),
            ("signed out", 100, Some(2)),
            ("just signed out", 100, Some(4)),
        ] {
            let insert = "INSERT INTO sessions (id, hash, csrf, created_at, last_used, expires_at, ended_at, address, agent) \
                          VALUES ($1, $1, '', 0, 0, $2, $3, '', '')";
            let insert = sqlx::query(insert)
                .bind(id)
                .bind(expires * DAY)
                .bind(ended.map(|day: i64| day * DAY));
            insert.execute(&mut *tx).await.unwrap();
        }
        fresh.store.commit(tx, &[]).await.unwrap();
        let removed = sessions(&fresh.store, Keep::default(), Moment(10 * DAY)).await.unwrap();
        let left: Vec<String> = sqlx::query_scalar("SELECT id FROM sessions ORDER BY id")
            .fetch_all(fresh.store.read())
            .await
            .unwrap();
        assert_eq!(
            (removed, left.join(", ")),
            (2, "just expired, just signed out, open".to_owned())
        );
    }
}
