//! Tells another system of the first pending request of a host, with an HTTP
//! POST. With several replicas one of them tells: whoever takes the row first.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::changes::Change;
use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::pending;
use crate::store::Store;

/// How long the other system may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often what could not be told is tried again.
const AGAIN: Duration = Duration::from_secs(15);
/// After so long whoever began to tell has died of it, and somebody else tells:
/// rather twice than never.
const LEASE: i64 = 60 * SECOND;
/// How many rows are told in one go.
const MOST: i64 = 100;

/// Tells until the collector ends.
pub(crate) async fn run(store: Store, url: String, mut ending: watch::Receiver<bool>) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .build()
        .into();
    let mut changes = store.changes().listen();
    loop {
        if let Err(error) = tell_all(&store, &agent, &url).await {
            tracing::warn!(error = %error, "the webhook was not told of everything; trying again");
        }
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(Change::Pending | Change::Everything) => break,
                    Some(_) => {}
                    None => return,
                },
                () = tokio::time::sleep(AGAIN) => break,
                _ = ending.wait_for(|ending| *ending) => return,
            }
        }
    }
}

/// Why the other system does not know yet.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Store(#[from] Error),
    #[error("{0}")]
    Http(String),
}

/// What the `told` column says besides when a replica began to tell.
const UNTOLD: i64 = 0;
const TOLD: i64 = -1;

async fn tell_all(store: &Store, agent: &ureq::Agent, url: &str) -> Result<(), Untold> {
    let new = "SELECT id FROM pending WHERE told = $1 OR (told > 0 AND told < $2) ORDER BY first_seen LIMIT $3";
    let ids: Vec<String> = sqlx::query_scalar(new)
        .bind(UNTOLD)
        .bind(Moment::now().0.saturating_sub(LEASE))
        .bind(MOST)
        .fetch_all(store.read())
        .await
        .map_err(Error::from)?;
    for id in ids {
        if !claimed(store, &id, Moment::now()).await? {
            continue;
        }
        let row = pending::by_id(store.read(), &id).await?;
        let body = json!({"event": "pending", "data": row}).to_string();
        let (agent, url) = (agent.clone(), url.to_owned());
        let sent = tokio::task::spawn_blocking(move || {
            let post = agent.post(&url).header("content-type", "application/json");
            post.send(body).map(|_| ()).map_err(|error| error.to_string())
        });
        let sent = sent.await.unwrap_or_else(|error| Err(error.to_string()));
        note(store, &id, if sent.is_ok() { TOLD } else { UNTOLD }).await?;
        sent.map_err(Untold::Http)?;
    }
    Ok(())
}

/// Takes a row, unless another replica is telling of it.
async fn claimed(store: &Store, id: &str, now: Moment) -> Result<bool, Error> {
    let mut tx = store.begin().await?;
    let update = "UPDATE pending SET told = $1 WHERE id = $2 AND (told = $3 OR (told > 0 AND told < $4))";
    let update = sqlx::query(update)
        .bind(now.0)
        .bind(id)
        .bind(UNTOLD)
        .bind(now.0.saturating_sub(LEASE));
    let done = update.execute(&mut *tx).await?;
    store.commit(tx, &[]).await?;
    Ok(done.rows_affected() > 0)
}

async fn note(store: &Store, id: &str, told: i64) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    let update = sqlx::query("UPDATE pending SET told = $1 WHERE id = $2");
    update.bind(told).bind(id).execute(&mut *tx).await?;
    store.commit(tx, &[]).await
}

#[cfg(test)]
mod tests;
