//! Root contexts: their start, their ticks, their queues and their end.

use proxy_wasm_host::abi::v0_2_1::{Callback, ContextId, ContextState, ContextType, PluginConfig};

use super::{Gone, Plugged, Vm};
use crate::engine::acts::telling_lines;
use crate::lab::error::LabError;
use crate::lab::instrument::Question;
use crate::lab::setup::Plugin;
use crate::lab::store::Notice;

impl Vm {
    /// Starts a root context and gives its place in the list.
    pub(in crate::lab) fn add_root(&mut self, plugin: Plugin) -> Result<usize, LabError> {
        let index = self.plugins.len();
        self.plugins.push(Plugged {
            plugin,
            ended: false,
            root: None,
        });
        match self.start_root(index) {
            Ok(()) => Ok(index),
            Err(error) => {
                self.plugins.truncate(index);
                Err(error)
            }
        }
    }

    /// Envoy calls `proxy_on_vm_start` for every root context it makes.
    pub(super) fn start_root(&mut self, index: usize) -> Result<(), LabError> {
        let before = self.journal.len();
        let started = self.configure(index).and_then(|started| self.after().map(|()| started));
        match started {
            Ok(None) => Ok(()),
            Ok(Some((root, callback))) => {
                self.disown(root);
                Err(LabError::Refused {
                    root_id: self.plugins[index].plugin.root_id.clone(),
                    callback,
                    log: telling_lines(&self.journal.since(before)),
                })
            }
            Err(Gone) => Err(self.traps.pop_back().map_or(LabError::Dead(self.id), LabError::Trapped)),
        }
    }

    /// The root context and the callback that refused, if one did.
    fn configure(&mut self, index: usize) -> Result<Option<(ContextId, Callback)>, Gone> {
        let root = self.run(Callback::ContextCreate, |scope| scope.on_context_create(None))?;
        self.table()?.roots.insert(root);
        if !self.call(Callback::VmStart, root, |scope| scope.on_vm_start(root))? {
            return Ok(Some((root, Callback::VmStart)));
        }
        let Plugin { root_id, name, json } = &self.plugins[index].plugin;
        let config = PluginConfig::new()
            .with_name(name.as_bytes())
            .with_root_id(root_id.as_bytes())
            .with_configuration(json.as_bytes());
        if !self.call(Callback::Configure, root, |scope| scope.on_configure(root, config))? {
            return Ok(Some((root, Callback::Configure)));
        }
        self.plugins[index].root = Some(root);
        Ok(None)
    }

    /// A root context that refused hears of nothing any more.
    fn disown(&mut self, root: ContextId) {
        self.process.hub.open().forget_context(self.id, root);
        if let Some(live) = &mut self.live {
            live.ticks.remove(&root);
        }
        if let Ok(table) = self.table() {
            table.roots.remove(&root);
            table.pending.remove(&root);
        }
    }

    /// Ends a root context; it is deleted once it is done and its streams have ended.
    pub(in crate::lab) fn end_root(&mut self, index: usize) -> Result<(), Gone> {
        let root = self.root(index)?;
        if self.plugins[index].ended {
            return Ok(());
        }
        self.plugins[index].ended = true;
        if !self.call(Callback::Done, root, |scope| scope.on_done(root))? {
            self.table()?.pending.insert(root);
        }
        self.after()
    }

    pub(super) fn root(&self, index: usize) -> Result<ContextId, Gone> {
        self.plugins.get(index).and_then(|plugged| plugged.root).ok_or(Gone)
    }

    /// Whether the root context is there, be it that it is about to end.
    pub(in crate::lab) fn has_root(&self, index: usize) -> bool {
        self.root(index).is_ok()
    }

    /// Deletes root contexts that are done. Whether there was one.
    pub(super) fn delete_done_roots(&mut self) -> Result<bool, Gone> {
        for context in std::mem::take(&mut self.table()?.declared_done) {
            self.ask(context, Question::Done)?;
        }
        let guest = self.guest()?;
        let done = self.plugins.iter().enumerate().find_map(|(index, plugged)| {
            let root = plugged.root.filter(|_| plugged.ended)?;
            let done = guest.context_state(root) == Some(ContextState::Done);
            (done && !guest.has_stream_contexts(root)).then_some((index, root))
        });
        let Some((index, root)) = done else {
            return Ok(false);
        };
        self.plugins[index].root = None;
        self.delete(root)?;
        self.disown(root);
        Ok(true)
    }

    /// Runs `on_delete`, and cancels in silence what the context has open, as Envoy does.
    pub(super) fn delete(&mut self, context: ContextId) -> Result<(), Gone> {
        self.process.hub.open().forget_context(self.id, context);
        self.table()?.silent = true;
        self.call(Callback::Delete, context, |scope| scope.on_delete(context))?;
        self.table()?.silent = false;
        Ok(())
    }

    /// Takes over the tick periods the guest set: each counts from now.
    pub(super) fn note_ticks(&mut self) {
        let Some(live) = &mut self.live else {
            return;
        };
        for (root, period) in live.guest.take_changes().tick_periods {
            match period {
                Some(period) => live.ticks.insert(root, self.process.clock.in_future(period)),
                None => live.ticks.remove(&root),
            };
        }
    }

    /// When the next tick is due, and whose.
    pub(in crate::lab) fn next_tick(&self) -> Option<(u64, ContextId)> {
        let ticks = self.live.iter().flat_map(|live| &live.ticks);
        ticks.map(|(root, due)| (*due, *root)).min()
    }

    /// Ticks. Envoy arms the timer again when the callback has returned.
    pub(in crate::lab) fn tick(&mut self, root: ContextId) -> Result<(), Gone> {
        if let Some(live) = &mut self.live {
            live.ticks.remove(&root);
        }
        self.call(Callback::Tick, root, |scope| scope.on_tick(root))?;
        if let Some(live) = &mut self.live
            && let Some(period) = live.guest.tick_period(root)
        {
            let due = self.process.clock.in_future(period);
            live.ticks.entry(root).or_insert(due);
        }
        self.after()
    }

    /// Tells the registrant of an item, if this guest still is it.
    pub(in crate::lab) fn queue_ready(&mut self, notice: Notice) -> Result<(), Gone> {
        let guest = self.guest()?;
        let context = notice.registrant.context;
        if guest.id() != notice.registrant.guest {
            return Ok(());
        }
        let root = match guest.context_type(context) {
            Some(ContextType::Root) => context,
            Some(ContextType::Stream) => guest.context_parent(context).unwrap_or(context),
            None => return Ok(()),
        };
        if !self.plugins.iter().any(|plugged| plugged.root == Some(root)) {
            return Ok(());
        }
        let queue = notice.queue;
        self.call(Callback::QueueReady, root, |scope| scope.on_queue_ready(root, queue))?;
        self.after()
    }
}
