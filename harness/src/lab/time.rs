//! The clock moves: ticks that are due, and the notices they lead to.

use std::time::Duration;

use sluice_policy::Timestamp;

use super::{Lab, VmId};

/// Notices delivered in a row before it is a loop.
const MOST_NOTICES: usize = 1_000_000;

impl Lab {
    /// The time in every VM.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let micros = self.process.clock.now() / 1_000;
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// Moves the clock, tick by tick: each at its time, those of one moment in
    /// the order of VMs and root contexts. Queue notices are delivered as soon
    /// as all ticks of a moment have run.
    ///
    /// # Panics
    /// As [`Lab::settle`].
    pub fn advance(&mut self, by: Duration) {
        let end = self.process.clock.in_future(by);
        self.settle();
        while let Some((due, _)) = self.next_tick().filter(|(due, _)| *due <= end) {
            self.process.clock.set(due);
            while let Some((_, vm)) = self.next_tick().filter(|(next, _)| *next <= due) {
                self.tick(vm);
            }
            self.settle();
        }
        self.process.clock.set(end);
    }

    /// Delivers queue notices until there are none: one for each item, to the
    /// last registrant of its queue. One whose registrant is gone is lost.
    ///
    /// # Panics
    /// If the guests answer every item with an item, for ever.
    pub fn settle(&mut self) {
        for _ in 0..MOST_NOTICES {
            let notice = self.process.store.open().queues.next_notice();
            let Some(notice) = notice else {
                return;
            };
            self.drive(notice.registrant.vm, |vm| vm.queue_ready(notice));
        }
        panic!("the guests enqueue again on every item");
    }

    fn next_tick(&self) -> Option<(u64, VmId)> {
        let due = |(at, vm): (usize, &super::Vm)| Some((vm.next_tick()?.0, VmId(at)));
        self.vms.iter().enumerate().filter_map(due).min()
    }

    fn tick(&mut self, vm: VmId) {
        self.drive(vm, |vm| match vm.next_tick() {
            Some((_, root)) => vm.tick(root),
            None => Ok(()),
        });
    }
}
