//! Shared queues, and the notices of items that are still to be delivered.

use std::collections::{BTreeMap, VecDeque};

use proxy_wasm_host::abi::v0_2_1::types::Status;
use proxy_wasm_host::abi::v0_2_1::{ContextId, GuestId, QueueId};

use super::Key;
use crate::lab::VmId;

/// Who registered a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) struct Registrant {
    pub(in crate::lab) vm: VmId,
    /// The instance, because a VM that is started anew registers anew.
    pub(in crate::lab) guest: GuestId,
    pub(in crate::lab) context: ContextId,
}

/// An item was put into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) struct Notice {
    pub(in crate::lab) queue: QueueId,
    /// Who had registered the queue last when the item came.
    pub(in crate::lab) registrant: Registrant,
}

/// A shared queue as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The VM id it was registered under.
    pub vm_id: String,
    /// Its name.
    pub name: String,
    /// The items nobody has taken, the oldest first.
    pub items: Vec<Vec<u8>>,
    /// The VM that hears of new items: that of the last registrant.
    pub heard_by: VmId,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    registrant: Registrant,
    items: VecDeque<Vec<u8>>,
}

/// All queues. Envoy bounds neither them nor their items.
#[derive(Debug, Default)]
pub(in crate::lab) struct Queues {
    entries: BTreeMap<QueueId, Entry>,
    notices: VecDeque<Notice>,
}

impl Queues {
    /// One name is one queue, which notifies whoever registered it last.
    pub(in crate::lab) fn register(&mut self, key: Key, registrant: Registrant) -> Result<QueueId, Status> {
        if let Some(queue) = self.find(&key) {
            if let Some(entry) = self.entries.get_mut(&queue) {
                entry.registrant = registrant;
            }
            return Ok(queue);
        }
        let number = u32::try_from(self.entries.len() + 1).map_err(|_| Status::InternalFailure)?;
        let queue = QueueId::try_from(number).map_err(|_| Status::InternalFailure)?;
        let entry = Entry {
            key,
            registrant,
            items: VecDeque::new(),
        };
        self.entries.insert(queue, entry);
        Ok(queue)
    }

    pub(in crate::lab) fn find(&self, key: &Key) -> Option<QueueId> {
        self.entries
            .iter()
            .find_map(|(queue, entry)| (entry.key == *key).then_some(*queue))
    }

    /// Adds an item and gives the name of the queue.
    pub(in crate::lab) fn push(&mut self, queue: QueueId, item: &[u8]) -> Result<Vec<u8>, Status> {
        let entry = self.entries.get_mut(&queue).ok_or(Status::NotFound)?;
        entry.items.push_back(item.to_vec());
        let registrant = entry.registrant;
        self.notices.push_back(Notice { queue, registrant });
        Ok(entry.key.1.clone())
    }

    pub(in crate::lab) fn pop(&mut self, queue: QueueId) -> Result<Vec<u8>, Status> {
        let entry = self.entries.get_mut(&queue).ok_or(Status::NotFound)?;
        entry.items.pop_front().ok_or(Status::Empty)
    }

    pub(in crate::lab) fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    pub(in crate::lab) fn list(&self) -> Vec<Queue> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.entries
            .values()
            .map(|entry| Queue {
                vm_id: text(&entry.key.0),
                name: text(&entry.key.1),
                items: entry.items.iter().cloned().collect(),
                heard_by: entry.registrant.vm,
            })
            .collect()
    }
}
