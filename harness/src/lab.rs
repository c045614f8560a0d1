//! A proxy without Envoy: several VMs of one process, a clock that the test
//! moves, and the far side of every gRPC call in the hands of the test.
//!
//! For what one VM and one stream at a time cannot show: delivery, live
//! policy, and what happens when a VM dies. Nothing happens by itself. A call
//! of a method runs the callbacks it names, then what they led to: streams
//! they answered, resumed or closed, as Envoy does once a callback has
//! returned. Ticks and queue notices wait for [`Lab::advance`].
//!
//! What is Envoy's here was observed, or read in its `context.cc`. What is not:
//! a stream is logged between `on_done` and `on_delete`, nothing of it can be
//! read while its context is created, bodies and trailers do not exist, and
//! gRPC metadata is not delivered.

mod clock;
mod counts;
mod error;
mod filter;
mod grpc;
pub(crate) mod instrument;
mod meter;
mod open;
mod serve;
mod setup;
mod store;
mod table;
mod time;
mod traffic;
mod upstream;
mod vm;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sluice_policy::Timestamp;

pub use self::counts::Counts;
pub use self::error::{LabError, Trap};
pub use self::filter::{FilterError, LabFilter, Unfit};
pub use self::grpc::{Answer, Call, GrpcStream, Refusal};
pub use self::setup::{Plugin, VmSetup};
pub use self::store::Queue;
pub use self::traffic::{Connection, Ending, Reply, Request, State, Stream};

use self::clock::LabClock;
use self::grpc::Hub;
use self::store::Store;
use self::vm::{Gone, Process, Vm};
use self::wire::Responder;
use crate::engine::acts::{Act, Entry, Line};

/// A VM of a lab. It keeps its name when it is started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(usize);

impl VmId {
    /// The VM that was started as this one, the first being zero.
    #[must_use]
    pub const fn from_number(number: usize) -> Self {
        Self(number)
    }
}

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VM {}", self.0)
    }
}

/// A root context of a VM. A [`VmId`] will do for that of its first plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root {
    /// The VM.
    pub vm: VmId,
    /// Its place among all root contexts the VM ever had.
    index: usize,
}

impl From<VmId> for Root {
    fn from(vm: VmId) -> Self {
        Self { vm, index: 0 }
    }
}

/// Several VMs of one process.
pub struct Lab {
    process: Process,
    vms: Vec<Vm>,
    last_stream: u64,
    responder: Responder,
    traps: Vec<Trap>,
}

impl Lab {
    /// A process without a VM, at noon of the first of September 2026.
    #[must_use]
    pub fn new(filter: &LabFilter) -> Self {
        const START: Timestamp = Timestamp::from_micros(1_788_264_000_000_000);
        Self::starting_at(filter, START)
    }

    /// A process without a VM, at that time.
    #[must_use]
    pub fn starting_at(filter: &LabFilter, start: Timestamp) -> Self {
        Self {
            process: Process {
                filter: filter.clone(),
                clock: LabClock::new(start),
                store: Arc::new(Store::default()),
                hub: Arc::new(Hub::default()),
            },
            vms: Vec::new(),
            last_stream: 0,
            responder: Responder::default(),
            traps: Vec::new(),
        }
    }

    /// A process with so many VMs of one kind, as workers are.
    ///
    /// # Errors
    /// As [`Lab::add_vm`].
    pub fn with_vms(filter: &LabFilter, setup: &VmSetup, count: usize) -> Result<Self, LabError> {
        let mut lab = Self::new(filter);
        for _ in 0..count {
            lab.add_vm(setup)?;
        }
        Ok(lab)
    }

    /// Starts a VM.
    ///
    /// # Errors
    /// [`LabError`] if the filter refused to start or failed; there is no such VM then.
    pub fn add_vm(&mut self, setup: &VmSetup) -> Result<VmId, LabError> {
        let id = VmId(self.vms.len());
        let vm = Vm::start(id, &self.process, setup);
        if vm.is_err() {
            self.process.hub.open().forget(id);
        }
        self.vms.push(vm?);
        self.respond();
        Ok(id)
    }

    /// Starts a further plugin in a VM, as Envoy does with plugins of one VM
    /// id, and after a listener update.
    ///
    /// # Errors
    /// [`LabError`] if the filter refused or failed. After a refusal the VM goes on.
    pub fn add_root(&mut self, vm: VmId, plugin: Plugin) -> Result<Root, LabError> {
        let index = self.vms[vm.0].add_root(plugin);
        self.respond();
        Ok(Root { vm, index: index? })
    }

    /// Runs `on_done` of a root context, and `on_delete` once it is done and
    /// its streams have ended. Until then it ticks.
    pub fn end_root(&mut self, root: impl Into<Root>) {
        let Root { vm, index } = root.into();
        self.drive(vm, |vm| vm.end_root(index));
    }

    /// Whether a root context has not been deleted.
    #[must_use]
    pub fn has_root(&self, root: impl Into<Root>) -> bool {
        let Root { vm, index } = root.into();
        self.vms[vm.0].has_root(index)
    }

    /// The VM is gone, without a callback, as after a trap.
    pub fn drop_vm(&mut self, vm: VmId) {
        self.vms[vm.0].die();
    }

    /// Starts a VM anew with all its plugins, dead or alive. It knows nothing
    /// any more; what it shared is still there.
    ///
    /// # Errors
    /// As [`Lab::add_vm`].
    pub fn restart_vm(&mut self, vm: VmId) -> Result<(), LabError> {
        let restarted = self.vms[vm.0].restart();
        self.respond();
        restarted
    }

    /// Whether a VM runs.
    #[must_use]
    pub fn is_live(&self, vm: VmId) -> bool {
        self.vms[vm.0].is_live()
    }

    /// All VMs there ever were.
    pub fn vms(&self) -> impl Iterator<Item = VmId> + use<> {
        (0..self.vms.len()).map(VmId)
    }

    /// Every failure of a guest after its start, the first first.
    #[must_use]
    pub fn traps(&self) -> &[Trap] {
        &self.traps
    }

    /// Everything a VM did, in order, over all its lives.
    #[must_use]
    pub fn acts(&self, vm: VmId) -> Vec<Entry> {
        self.vms[vm.0].journal.since(0)
    }

    /// As [`Lab::acts`], and forgets them.
    pub fn take_acts(&mut self, vm: VmId) -> Vec<Entry> {
        let mut acts = Vec::new();
        self.vms[vm.0].journal.take_into(&mut acts);
        acts
    }

    /// What a VM logged, in order.
    #[must_use]
    pub fn log(&self, vm: VmId) -> Vec<Line> {
        self.acts(vm)
            .into_iter()
            .filter_map(|entry| match entry.act {
                Act::Log(line) => Some(line),
                _ => None,
            })
            .collect()
    }

    /// The bytes of a VM's linear memory; none if it is dead or has no plugin.
    pub fn memory(&mut self, vm: VmId) -> Option<usize> {
        self.drive(vm, Vm::memory)
    }

    /// What a VM of a [metered](LabFilter::metered) filter has counted since its start: nothing else
    /// counts anything. None if it is dead or has no plugin.
    pub fn counted(&mut self, vm: VmId) -> Option<Counts> {
        self.drive(vm, Vm::counted)
    }

    /// The value of a counter or gauge, or the last of a histogram.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.process.store.open().metrics.named(name)
    }

    /// All metrics of the process.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.process.store.open().metrics.all()
    }

    /// Shared data under a VM id.
    #[must_use]
    pub fn shared(&self, vm_id: &str, key: &[u8]) -> Option<Vec<u8>> {
        let key = (vm_id.as_bytes().to_vec(), key.to_vec());
        self.process.store.open().data.get(&key).map(|held| held.bytes)
    }

    /// All shared data under a VM id.
    #[must_use]
    pub fn shared_data(&self, vm_id: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.process.store.open().data.under(vm_id.as_bytes())
    }

    /// Writes shared data as another plugin of the VM id could.
    pub fn set_shared(&mut self, vm_id: &str, key: &[u8], bytes: &[u8]) {
        let key = (vm_id.as_bytes().to_vec(), key.to_vec());
        let set = self.process.store.open().data.set(key, bytes, None);
        debug_assert_eq!(set, Ok(()), "only a number that does not match keeps a value out");
    }

    /// Puts an item into a shared queue as another plugin could. Whether there is that queue.
    pub fn enqueue(&mut self, vm_id: &str, queue: &str, item: &[u8]) -> bool {
        let mut store = self.process.store.open();
        let queue = store
            .queues
            .find(&(vm_id.as_bytes().to_vec(), queue.as_bytes().to_vec()));
        queue.is_some_and(|queue| store.queues.push(queue, item).is_ok())
    }

    /// All shared queues.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        self.process.store.open().queues.list()
    }

    /// Runs callbacks of one VM, and what follows from them. None if it is dead or dies.
    fn drive<T>(&mut self, vm: VmId, callbacks: impl FnOnce(&mut Vm) -> Result<T, Gone>) -> Option<T> {
        let done = callbacks(&mut self.vms[vm.0]);
        self.traps.extend(self.vms[vm.0].traps.drain(..));
        self.respond();
        done.ok()
    }
}
