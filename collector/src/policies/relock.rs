//! Locking again what was observed for a time.

use sluice_policy::Mode;

use super::draft::{Draft, Why};
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;

/// Locks every policy whose time to observe is over; answers how many. With
/// several replicas the first one does it: the others find nothing to do.
///
/// # Errors
/// What the database says.
pub async fn relock(store: &Store, now: Moment) -> Result<usize, Error> {
    let due: Vec<String> = sqlx::query_scalar("SELECT id FROM policies WHERE relock_at <= $1")
        .bind(now.0)
        .fetch_all(store.read())
        .await?;
    for id in &due {
        let mut tx = store.begin_change().await?;
        let mut draft = Draft::load(store, &mut tx, id).await?;
        if draft.policy.relock_at.is_none_or(|at| at > now) {
            continue;
        }
        draft.policy.mode = Mode::Enforce;
        draft.policy.relock_at = None;
        let why = Why {
            author: "sluice",
            operation: "relock",
            note: "the time to observe is over",
        };
        let changes = draft.save_as(&mut tx, "sluice", why).await?;
        store.commit(tx, &changes).await?;
    }
    Ok(due.len())
}
