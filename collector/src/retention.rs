//! What is forgotten in time, and numbers that are given up waiting for.

mod gaps;
mod sweep;

use std::time::Duration;

use crate::moment::{DAY, Moment};
use crate::store::Store;
pub use gaps::report;
pub use sweep::{aggregates, events, sessions};

/// How long things are kept, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Audit rows, and VMs that are no more.
    pub events: i64,
    /// What is counted by day, and with it what was last seen so long ago.
    pub aggregates: i64,
    /// Sessions, after their end.
    pub sessions: i64,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            events: 30 * DAY,
            aggregates: 400 * DAY,
            sessions: 7 * DAY,
        }
    }
}

/// How often gaps are looked for.
const TICK: Duration = Duration::from_secs(30);
/// Every so many ticks old events are removed.
const SWEEP: u64 = 20;

/// Does it all, until it is aborted. Each step is a transaction of its own.
pub async fn run(store: Store, keep: Keep) {
    let mut ticks = tokio::time::interval(TICK);
    let mut day = None;
    for tick in 0_u64.. {
        ticks.tick().await;
        let now = Moment::now();
        if let Err(error) = report(&store, now).await {
            tracing::warn!(%error, "missing records cannot be reported; trying again");
        }
        if tick % SWEEP != 0 {
            continue;
        }
        if let Err(error) = events(&store, keep, now).await {
            tracing::warn!(%error, "old events cannot be removed; trying again");
        }
        if let Err(error) = sessions(&store, keep, now).await {
            tracing::warn!(%error, "old sessions cannot be removed; trying again");
        }
        if day != Some(now.day()) {
            match aggregates(&store, keep, now).await {
                Ok(_) => day = Some(now.day()),
                Err(error) => tracing::warn!(%error, "old aggregates cannot be removed; trying again"),
            }
        }
    }
}
