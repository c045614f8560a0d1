//! Metrics, shared data and queues of one VM; metric changes are recorded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use proxy_wasm_host::abi::v0_2_1::types::{MetricType, Status};
use proxy_wasm_host::abi::v0_2_1::{
    InMemoryStore, InMemoryStoreLimits, Invocation, MetricId, QueueId, SharedServices, SharedValue,
};

use super::acts::{Act, Journal};

/// The ABI crate's store, with a note in the journal of every metric change.
pub(super) struct Shared {
    store: InMemoryStore,
    names: Mutex<HashMap<MetricId, String>>,
    journal: Journal,
}

impl Shared {
    pub(super) fn new(journal: Journal) -> Self {
        // Envoy was seen to take values of 256 MiB.
        let limits = InMemoryStoreLimits::new().with_value_bytes(256 << 20);
        Self {
            store: InMemoryStore::new().with_limits(limits),
            names: Mutex::default(),
            journal,
        }
    }

    fn name(&self, metric: MetricId) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&metric).cloned().unwrap_or_default()
    }
}

impl SharedServices for Shared {
    fn define_metric(&self, call: Invocation, vm_id: &[u8], kind: MetricType, name: &[u8]) -> Result<MetricId, Status> {
        let metric = self.store.define_metric(call, vm_id, kind, name)?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(metric, String::from_utf8_lossy(name).into_owned());
        Ok(metric)
    }

    fn increment_metric(&self, call: Invocation, metric: MetricId, by: i64) -> Result<(), Status> {
        self.store.increment_metric(call, metric, by)?;
        let metric = self.name(metric);
        self.journal.add(call.callback, Act::Count { metric, by });
        Ok(())
    }

    fn record_metric(&self, call: Invocation, metric: MetricId, value: u64) -> Result<(), Status> {
        self.store.record_metric(call, metric, value)?;
        let metric = self.name(metric);
        self.journal.add(call.callback, Act::Record { metric, value });
        Ok(())
    }

    fn get_metric(&self, call: Invocation, metric: MetricId) -> Result<u64, Status> {
        self.store.get_metric(call, metric)
    }

    fn get_shared_data(&self, call: Invocation, vm_id: &[u8], key: &[u8]) -> Result<SharedValue, Status> {
        self.store.get_shared_data(call, vm_id, key)
    }

    fn set_shared_data(
        &self,
        call: Invocation,
        vm_id: &[u8],
        key: &[u8],
        value: &[u8],
        cas: Option<u32>,
    ) -> Result<(), Status> {
        self.store.set_shared_data(call, vm_id, key, value, cas)
    }

    fn register_shared_queue(&self, call: Invocation, vm_id: &[u8], name: &[u8]) -> Result<QueueId, Status> {
        self.store.register_shared_queue(call, vm_id, name)
    }

    fn resolve_shared_queue(&self, call: Invocation, vm_id: &[u8], name: &[u8]) -> Result<QueueId, Status> {
        self.store.resolve_shared_queue(call, vm_id, name)
    }

    fn enqueue_shared_queue(&self, call: Invocation, queue: QueueId, value: &[u8]) -> Result<(), Status> {
        self.store.enqueue_shared_queue(call, queue, value)
    }

    fn dequeue_shared_queue(&self, call: Invocation, queue: QueueId) -> Result<Vec<u8>, Status> {
        self.store.dequeue_shared_queue(call, queue)
    }
}
