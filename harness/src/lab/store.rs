//! What the VMs of a process share: data, queues and metrics.
//!
//! Shared data and queues belong to a VM id; metrics to the process, because
//! Envoy counts what has one name in one counter, whichever VM defined it.

mod data;
mod metrics;
mod queues;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proxy_wasm_host::abi::v0_2_1::types::{MetricType, Status};
use proxy_wasm_host::abi::v0_2_1::{Invocation, MetricId, QueueId, SharedServices, SharedValue};

use self::data::SharedData;
use self::metrics::Metrics;
use self::queues::Queues;
use super::VmId;
use crate::engine::acts::{Act, Journal};

pub use self::queues::Queue;
pub(super) use self::queues::{Notice, Registrant};

/// A VM id and a key or name under it.
type Key = (Vec<u8>, Vec<u8>);

fn key(vm_id: &[u8], name: &[u8]) -> Key {
    (vm_id.to_vec(), name.to_vec())
}

/// What all VMs share.
///
/// Behind a lock because the ABI crate asks it of shared services; the VMs of
/// a lab run one after the other, so it is never waited for.
#[derive(Debug, Default)]
pub(super) struct Store(Mutex<Shelves>);

/// What is in a [`Store`].
#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) data: SharedData,
    pub(super) queues: Queues,
    pub(super) metrics: Metrics,
}

impl Store {
    pub(super) fn open(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store as one VM reaches it, which notes what the VM does there.
pub(super) struct Door {
    pub(super) vm: VmId,
    pub(super) store: Arc<Store>,
    pub(super) journal: Journal,
}

impl SharedServices for Door {
    fn get_shared_data(&self, _: Invocation, vm_id: &[u8], name: &[u8]) -> Result<SharedValue, Status> {
        self.store.open().data.get(&key(vm_id, name)).ok_or(Status::NotFound)
    }

    fn set_shared_data(
        &self,
        call: Invocation,
        vm_id: &[u8],
        name: &[u8],
        value: &[u8],
        cas: Option<u32>,
    ) -> Result<(), Status> {
        let written = self.store.open().data.set(key(vm_id, name), value, cas);
        let act = Act::SetShared {
            key: name.to_vec(),
            bytes: value.len(),
            written: written.is_ok(),
        };
        self.journal.add(call.callback, act);
        written
    }

    fn register_shared_queue(&self, call: Invocation, vm_id: &[u8], name: &[u8]) -> Result<QueueId, Status> {
        let registrant = Registrant {
            vm: self.vm,
            guest: call.guest,
            context: call.context,
        };
        self.store.open().queues.register(key(vm_id, name), registrant)
    }

    fn resolve_shared_queue(&self, _: Invocation, vm_id: &[u8], name: &[u8]) -> Result<QueueId, Status> {
        self.store.open().queues.find(&key(vm_id, name)).ok_or(Status::NotFound)
    }

    fn enqueue_shared_queue(&self, call: Invocation, queue: QueueId, item: &[u8]) -> Result<(), Status> {
        let name = self.store.open().queues.push(queue, item)?;
        let item = item.to_vec();
        self.journal.add(call.callback, Act::Enqueue { queue: name, item });
        Ok(())
    }

    fn dequeue_shared_queue(&self, _: Invocation, queue: QueueId) -> Result<Vec<u8>, Status> {
        self.store.open().queues.pop(queue)
    }

    fn define_metric(&self, _: Invocation, _: &[u8], kind: MetricType, name: &[u8]) -> Result<MetricId, Status> {
        self.store.open().metrics.define(kind, name)
    }

    fn increment_metric(&self, call: Invocation, metric: MetricId, by: i64) -> Result<(), Status> {
        let metric = self.store.open().metrics.increment(metric, by)?;
        self.journal.add(call.callback, Act::Count { metric, by });
        Ok(())
    }

    fn record_metric(&self, call: Invocation, metric: MetricId, value: u64) -> Result<(), Status> {
        let metric = self.store.open().metrics.record(metric, value)?;
        self.journal.add(call.callback, Act::Record { metric, value });
        Ok(())
    }

    fn get_metric(&self, _: Invocation, metric: MetricId) -> Result<u64, Status> {
        self.store.open().metrics.read(metric)
    }
}
