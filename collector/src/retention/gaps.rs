//! Numbers that have been missing for so long that they are a gap.

use sqlx::Row;

use crate::error::Error;
use crate::ingest::{Locks, Numbers, PATIENCE};
use crate::moment::Moment;
use crate::store::{Store, Tx};

/// How many instances are looked at in one transaction.
const TOGETHER: usize = 64;

/// Reports what has been missing for five minutes; answers how many numbers.
///
/// # Errors
/// What the database says.
pub async fn report(store: &Store, now: Moment) -> Result<i64, Error> {
    let before = Moment(now.0 - PATIENCE);
    let due = "SELECT credential, instance FROM instances WHERE missing_since IS NOT NULL AND missing_since <= $1 \
               ORDER BY credential, instance";
    let mut instances: Vec<(String, String)> = Vec::new();
    for row in sqlx::query(due).bind(before.0).fetch_all(store.read()).await? {
        instances.push((row.try_get(0)?, row.try_get(1)?));
    }
    let mut reported = 0_i64;
    for some in instances.chunks(TOGETHER) {
        let mut tx = store.begin().await?;
        let mut locks = Locks::default();
        for (credential, instance) in some {
            locks.instance(credential, instance);
        }
        locks.take(store.kind(), &mut tx).await?;
        for (credential, instance) in some {
            reported = reported.saturating_add(age(&mut tx, credential, instance, before).await?);
        }
        store.commit(tx, &[]).await?;
    }
    metrics::counter!("sluice_collector_missing_records_total").increment(reported.unsigned_abs());
    Ok(reported)
}

async fn age(tx: &mut Tx, credential: &str, instance: &str, before: Moment) -> Result<i64, Error> {
    let find = "SELECT watermark, beyond, reported, gaps FROM instances WHERE credential = $1 AND instance = $2";
    let row = sqlx::query(find)
        .bind(credential)
        .bind(instance)
        .fetch_optional(&mut **tx);
    // It may have been forgotten meanwhile.
    let Some(row) = row.await? else { return Ok(0) };
    let mut numbers = Numbers::load(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
    let reported = numbers.age(before);
    if reported > 0 {
        let save = "UPDATE instances SET watermark = $1, beyond = $2, reported = $3, missing_since = $4, missing = $5, \
                    gaps = $6 WHERE credential = $7 AND instance = $8";
        sqlx::query(save)
            .bind(numbers.watermark())
            .bind(numbers.beyond())
            .bind(numbers.reported())
            .bind(numbers.missing_since().map(|since| since.0))
            .bind(numbers.missing())
            .bind(numbers.gaps())
            .bind(credential)
            .bind(instance)
            .execute(&mut **tx)
            .await?;
    }
    Ok(reported)
}
