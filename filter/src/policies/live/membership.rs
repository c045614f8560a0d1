//! Which VMs there are, and which of them leads: in shared data, where anybody could write.

use std::rc::Rc;

use prost::Message;

use super::super::leader::Leader;
use super::super::shared::{LEASE, Lease, Members};
use super::Policies;
use crate::host::shared::{self as host};
use crate::host::{self as proxy, Status};

impl Policies {
    /// Says in shared data that this VM lives.
    pub(super) fn announce(&self, now: u64) {
        if self.queue.get().is_some() {
            self.change_members(now, |members| members.join(&self.vm, now));
        }
    }

    pub(super) fn change_members(&self, now: u64, change: impl Fn(&mut Members)) {
        let key = self.key("members");
        // The others announce themselves too, and now and then somebody is first.
        for _ in 0..10 {
            let (bytes, cas) = match host::data(&key) {
                Ok(found) => found,
                Err(_) => (Vec::new(), host::NOTHING_THERE),
            };
            let mut members = Members::read(&bytes, now);
            change(&mut members);
            match host::set_data(&key, &members.encode_to_vec(), cas) {
                Err(Status::CAS_MISMATCH) => continue,
                Ok(()) => *self.members.borrow_mut() = members,
                Err(status) => log::error!("the list of VMs cannot be written: {status}"),
            }
            return;
        }
    }

    /// The VMs that live now. This VM's own list may be as old as what it said
    /// of itself last, and who came since would be neither told nor counted.
    pub(super) fn look_at_members(&self, now: u64) {
        if let Ok((bytes, _)) = host::data(&self.key("members")) {
            *self.members.borrow_mut() = Members::read(&bytes, now);
        }
    }

    pub(super) fn look_at_lease(&self, now: u64) {
        self.look_at_members(now);
        let key = self.key("lease");
        let (bytes, cas) = host::data(&key).unwrap_or((Vec::new(), host::NOTHING_THERE));
        match Lease::read(&bytes, now) {
            Some(lease) if *lease.vm != *self.vm => {
                self.resign("another VM leads");
                self.follow(lease.vm.into());
            }
            _ => self.take_lease(&key, cas, now),
        }
    }

    pub(super) fn take_lease(&self, key: &str, cas: u32, now: u64) {
        if self.queue.get().is_none() {
            return;
        }
        let lease = Lease {
            vm: self.vm.to_string(),
            until: now.saturating_add(LEASE),
        };
        match host::set_data(key, &lease.encode_to_vec(), cas) {
            Ok(()) => {
                if !self.leads() {
                    log::info!("this VM now asks for policies for the whole process");
                    *self.leader.borrow_mut() = Some(Leader::new(self.seed, self.most.get()));
                }
                self.follow(Rc::clone(&self.vm));
            }
            Err(Status::CAS_MISMATCH) => self.resign("another VM took the lead"),
            Err(status) => log::error!("the lease cannot be written: {status}"),
        }
    }

    pub(super) fn follow(&self, leader: Rc<str>) {
        let mut led_by = self.led_by.borrow_mut();
        if led_by.as_ref() != Some(&leader) {
            *led_by = Some(leader);
            // It does not know what the one before was told.
            self.slots.borrow_mut().ask_again();
        }
    }

    /// Gives up what this VM holds in the name of all, before it ends.
    pub(crate) fn leave(&self) {
        let now = proxy::monotonic_nanos();
        self.left.set(true);
        if self.leads() {
            self.resign("this VM ends");
            // Not in force any more: the next one need not wait.
            let _ = host::set_data(&self.key("lease"), &[], 0);
        }
        if self.queue.get().is_some() {
            self.change_members(now, |members| members.leave(&self.vm));
        }
    }

    /// Takes part again, as one that knows nobody: it asks the leader anew, whoever that is.
    pub(crate) fn rejoin(&self) {
        if self.left.replace(false) {
            *self.led_by.borrow_mut() = None;
            self.announced.set(0);
            self.looked.set(0);
        }
    }
}
