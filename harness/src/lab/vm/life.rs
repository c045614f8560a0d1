//! The life of a VM: starting it, losing it, starting it anew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proxy_wasm_host::abi::v0_2_1::VmServices;

use super::{Live, Plugged, Process, Vm};
use crate::engine::acts::Journal;
use crate::lab::VmId;
use crate::lab::error::LabError;
use crate::lab::grpc::Plug;
use crate::lab::setup::VmSetup;
use crate::lab::store::Door;
use crate::lab::table::Table;
use crate::lab::traffic::State;

impl Vm {
    /// Starts a VM and its first plugin.
    pub(in crate::lab) fn start(id: VmId, process: &Process, setup: &VmSetup) -> Result<Self, LabError> {
        let mut vm = Self {
            id,
            process: process.clone(),
            setup: setup.clone(),
            journal: Journal::default(),
            plugins: Vec::new(),
            live: None,
            streams: BTreeMap::new(),
            traps: VecDeque::new(),
        };
        vm.boot()?;
        vm.add_root(setup.plugin.clone())?;
        Ok(vm)
    }

    /// Starts the VM anew, as Envoy does under `FAIL_RELOAD`: with every
    /// plugin it had, and nothing of what it knew.
    pub(in crate::lab) fn restart(&mut self) -> Result<(), LabError> {
        self.die();
        self.boot()?;
        let indices: Vec<usize> = (0..self.plugins.len()).filter(|at| !self.plugins[*at].ended).collect();
        for index in indices {
            if let Err(error) = self.start_root(index) {
                self.die();
                return Err(error);
            }
        }
        Ok(())
    }

    /// The guest is gone, without a callback; its streams fail with it, and
    /// what it asked for over gRPC is cancelled.
    pub(in crate::lab) fn die(&mut self) {
        self.live = None;
        self.process.hub.open().forget(self.id);
        for Plugged { root, .. } in &mut self.plugins {
            *root = None;
        }
        for record in self.streams.values_mut().filter(|record| !record.ended) {
            record.state = State::Failed;
            record.ended = true;
            record.context = None;
        }
    }

    fn boot(&mut self) -> Result<(), LabError> {
        let Self { id, process, .. } = &*self;
        let (vm, journal) = (*id, self.journal.clone());
        let door = Door {
            vm,
            store: Arc::clone(&process.store),
            journal: journal.clone(),
        };
        let plug = Plug {
            vm,
            hub: Arc::clone(&process.hub),
            journal: journal.clone(),
        };
        let environment = self.setup.environment.iter();
        let environment = environment
            .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
            .collect();
        let services = VmServices::new(Arc::new(journal.clone()))
            .with_clock(Arc::new(process.clock.clone()))
            .with_shared(Arc::new(door))
            .with_callouts(Arc::new(plug))
            .with_environment(environment)
            .with_vm_id(self.setup.vm_id.as_bytes());
        let guest = process.filter.compiled.instance(services);
        self.live = Some(Live {
            guest: guest.map_err(|error| LabError::Module(Box::new(error)))?,
            table: Some(Table::new(&journal, &self.setup.properties)),
            ticks: BTreeMap::new(),
        });
        Ok(())
    }
}
