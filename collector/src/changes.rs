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
    /// What proxies say of the policy of a resource, or of several.
    Proxies(Option<Resource>),
    /// Something, and nobody knows what.
    Everything,
}

/// Where changes are told and heard.
///
/// What proxies say is apart: it comes from each of them, and if it woke the
/// streams of all of them too, a policy for many would cost the square of them.
#[derive(Debug, Clone)]
pub struct Changes {
    most: broadcast::Sender<Change>,
    of_proxies: broadcast::Sender<Change>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            most: broadcast::Sender::new(BEHIND),
            of_proxies: broadcast::Sender::new(BEHIND),
        }
    }
}

impl Changes {
    /// Tells everybody in this process.
    pub fn tell(&self, change: Change) {
        let to = match change {
            Change::Proxies(_) => &self.of_proxies,
            Change::Policy(_) | Change::Audit | Change::Pending | Change::Everything => &self.most,
        };
        // Nobody listening is no error.
        let _ = to.send(change);
    }

    /// Hears all that is told from now on, but for what proxies say.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.most.subscribe())
    }

    /// Hears what proxies say from now on.
    #[must_use]
    pub fn listen_to_proxies(&self) -> Listener {
        Listener(self.of_proxies.subscribe())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_proxies_say_wakes_only_who_asked_for_it() {
        let changes = Changes::default();
        let (mut most, mut of_proxies) = (changes.listen(), changes.listen_to_proxies());
        let said = Change::Proxies(Some(Resource::new("sandbox", "sb_1")));
        changes.tell(said.clone());
        changes.tell(Change::Audit);
        assert_eq!(most.next().await, Some(Change::Audit));
        assert_eq!(of_proxies.next().await, Some(said));
        drop(changes);
        assert_eq!((most.next().await, of_proxies.next().await), (None, None));
    }
}
