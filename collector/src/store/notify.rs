//! Telling other replicas what changed: PostgreSQL's `LISTEN` and `NOTIFY`.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::Tx;
use crate::changes::{Change, Changes};
use crate::error::Error;

const CHANNEL: &str = "sluice_changes";

/// Told when `tx` commits, and not if it does not.
pub(super) async fn announce(tx: &mut Tx, change: &Change) -> Result<(), Error> {
    let payload = serde_json::to_string(change).map_err(|error| Error::Internal(error.to_string()))?;
    let notify = sqlx::query("SELECT CAST(pg_notify($1, $2) AS TEXT)")
        .bind(CHANNEL)
        .bind(payload);
    notify.execute(&mut **tx).await?;
    Ok(())
}

/// Passes on what other replicas announce, for as long as the process lives.
/// While it has no connection announcements are lost, so afterwards everything is looked at.
pub(super) async fn listen(options: PgConnectOptions, changes: Changes) {
    loop {
        if let Err(error) = follow(options.clone(), &changes).await {
            tracing::warn!(%error, "not hearing of changes at other replicas; trying again");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn follow(options: PgConnectOptions, changes: &Changes) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    changes.tell(Change::Everything);
    loop {
        match listener.try_recv().await? {
            Some(notification) => match serde_json::from_str(notification.payload()) {
                Ok(change) => changes.tell(change),
                // Of a newer version; what it means by it is not known here.
                Err(_) => changes.tell(Change::Everything),
            },
            None => changes.tell(Change::Everything),
        }
    }
}
