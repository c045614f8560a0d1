//! One VM: a guest, its root contexts and its streams.

mod grpc;
mod life;
mod roots;
mod streams;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proxy_wasm_host::abi::v0_2_1::{CallScope, Callback, ContextId, Guest, GuestError};

use super::VmId;
use super::clock::LabClock;
use super::counts::Counts;
use super::error::Trap;
use super::filter::LabFilter;
use super::grpc::Hub;
use super::instrument::{PART_BITS, PARTS, Question};
use super::setup::{Plugin, VmSetup};
use super::store::Store;
use super::table::Table;
use super::traffic::State;
use crate::engine::acts::{Act, Journal, telling_lines};

/// What all VMs of a lab have in common.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) filter: LabFilter,
    pub(super) clock: LabClock,
    pub(super) store: Arc<Store>,
    pub(super) hub: Arc<Hub>,
}

/// A VM, dead or alive.
pub(super) struct Vm {
    id: VmId,
    process: Process,
    setup: VmSetup,
    pub(super) journal: Journal,
    /// One for each root context there ever was, in the order they came.
    plugins: Vec<Plugged>,
    live: Option<Live>,
    pub(super) streams: BTreeMap<u64, Record>,
    pub(super) traps: VecDeque<Trap>,
}

/// A plugin, and the root context that serves it.
struct Plugged {
    plugin: Plugin,
    /// Whether the test ended it; it is not started again.
    ended: bool,
    root: Option<ContextId>,
}

/// What goes with a guest when it dies.
struct Live {
    guest: Guest,
    /// Lent to the guest during a callback, here between callbacks.
    table: Option<Table>,
    /// When each root context ticks next.
    ticks: BTreeMap<ContextId, u64>,
}

/// What is known of a stream for good.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) state: State,
    pub(super) ended: bool,
    context: Option<ContextId>,
}

/// The VM is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

type Scope<'a> = CallScope<'a, Table>;

impl Vm {
    fn guest(&self) -> Result<&Guest, Gone> {
        Ok(&self.live.as_ref().ok_or(Gone)?.guest)
    }

    fn table(&mut self) -> Result<&mut Table, Gone> {
        self.live.as_mut().and_then(|live| live.table.as_mut()).ok_or(Gone)
    }

    /// Runs one callback of a context.
    fn call<T>(
        &mut self,
        callback: Callback,
        context: ContextId,
        body: impl FnOnce(&mut Scope<'_>) -> Result<T, GuestError>,
    ) -> Result<T, Gone> {
        let entered = Act::Entered { context: context.get() };
        self.journal.add(Some(callback), entered);
        self.run(callback, body)
    }

    /// Asks the module about itself, of which no trace remains.
    fn ask(&mut self, context: ContextId, question: Question) -> Result<(), Gone> {
        self.run(Callback::ForeignFunction, |scope| {
            scope.on_foreign_function(context, question.number(), [].as_slice().into())
        })
    }

    /// Runs the guest; a failure of whatever kind is its death, as a trap is in Envoy.
    fn run<T>(
        &mut self,
        callback: Callback,
        body: impl FnOnce(&mut Scope<'_>) -> Result<T, GuestError>,
    ) -> Result<T, Gone> {
        let before = self.journal.len();
        let live = self.live.as_mut().ok_or(Gone)?;
        let mut table = live.table.take().ok_or(Gone)?;
        table.begin_callback();
        let (outcome, table) = live.guest.with(table, body);
        live.table = Some(table);
        match outcome {
            Ok(value) => {
                self.note_ticks();
                Ok(value)
            }
            Err(error) => {
                let log = telling_lines(&self.journal.since(before));
                self.traps.push_back(Trap::new(self.id, callback, &error, log));
                self.die();
                Err(Gone)
            }
        }
    }

    /// Whether the guest runs.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The bytes of the linear memory.
    pub(super) fn memory(&mut self) -> Result<usize, Gone> {
        const PAGE: usize = 65_536;
        let root = self.plugins.iter().find_map(|plugged| plugged.root).ok_or(Gone)?;
        self.ask(root, Question::Memory)?;
        Ok(self.table()?.told.saturating_mul(PAGE))
    }

    /// What the module has counted, by name.
    pub(super) fn counted(&mut self) -> Result<Counts, Gone> {
        let root = self.plugins.iter().find_map(|plugged| plugged.root).ok_or(Gone)?;
        let names = Arc::clone(&self.process.filter.counters);
        let mut counts = Counts::default();
        for (place, name) in (0..).zip(names.iter()) {
            let mut number = 0_u64;
            for part in 0..PARTS {
                self.ask(root, Question::Counter { place, part })?;
                let told = self.table()?.told.saturating_sub(1) as u64;
                number |= told << (part * PART_BITS);
            }
            counts.add(name, number);
        }
        Ok(counts)
    }

    /// Does what the guest wished for in its last callback, and what follows from that.
    fn after(&mut self) -> Result<(), Gone> {
        loop {
            let table = self.table()?;
            if table.wishes.is_empty() {
                if !self.delete_done_roots()? {
                    return Ok(());
                }
                continue;
            }
            let wish = table.wishes.remove(0);
            self.grant(wish)?;
        }
    }
}
