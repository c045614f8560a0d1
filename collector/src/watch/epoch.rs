//! The epoch of the database. A restored one forgot revisions that filters
//! hold; they accept only higher ones, so it has to begin a new epoch.

use crate::changes::Change;
use crate::error::Error;
use crate::moment::{DAY, Moment, SECOND};
use crate::policy_v1::Version;
use crate::store::Store;

/// The epoch.
pub(super) async fn current(store: &Store) -> Result<u64, Error> {
    let epoch: i64 = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'epoch'")
        .fetch_one(store.read())
        .await?;
    Ok(u64::try_from(epoch).unwrap_or_default())
}

/// Looks at what a filter holds: a revision of this epoch that was never made
/// here, or a later epoch, is the sign that the database was restored.
pub(super) async fn learn(store: &Store, held: Version) -> Result<(), Error> {
    let epoch = current(store).await?;
    let last: i64 = sqlx::query_scalar("SELECT last FROM clocks WHERE name = 'revision'")
        .fetch_one(store.read())
        .await?;
    let last = u64::try_from(last).unwrap_or_default();
    let now = u64::try_from(Moment::now().0 / SECOND).unwrap_or_default();
    let tomorrow = now.saturating_add(u64::try_from(DAY / SECOND).unwrap_or_default());
    // An epoch is a time; one in the future is no epoch of ours, and following it would leave none above it.
    let is_ahead = held.epoch > epoch || (held.epoch == epoch && held.revision > last);
    if !is_ahead || held.epoch > tomorrow {
        return Ok(());
    }
    let next = now.max(held.epoch.saturating_add(1));
    let next = i64::try_from(next).unwrap_or(i64::MAX);
    let mut tx = store.begin().await?;
    let update = sqlx::query("UPDATE meta SET value = $1 WHERE name = 'epoch' AND value < $1");
    update.bind(next).execute(&mut *tx).await?;
    store.commit(tx, &[Change::Everything]).await?;
    tracing::error!(
        held_epoch = held.epoch,
        held_revision = held.revision,
        epoch,
        revision = last,
        "a filter holds a policy that this database has never made: it was restored from a backup, and begins a new epoch"
    );
    Ok(())
}
