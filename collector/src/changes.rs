//! What changed, told to whoever waits for it: Watch streams, live tails.
//!
//! A change says where to look again and carries no content, so that hearing it
//! twice, late or from another replica does no harm.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::resource::Resource;

/// How many changes a slow listener may be behind before it is told to look at everything.
const BEHIND: usize = 1024;

/// What to look at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The own policy of a resource; the tenant's concerns all.
    Policy(Resource),
    /// There are new audit rows.
    Audit,
    /// The pending queue.
    Pending,
    /// Something, and nobody knows what.
    Everything,
}

/// Where changes are told and heard.
#[derive(Debug, Clone)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Changes {
    /// Tells everybody in this process.
    pub fn tell(&self, change: Change) {
        // Nobody listening is no error.
        let _ = self.0.send(change);
    }

    /// Hears all that is told from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears changes.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Change>);

impl Listener {
    /// The next change; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Change::Everything),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
