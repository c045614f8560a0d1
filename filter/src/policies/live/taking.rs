//! Takes what is shared: every VM's way to a policy but the leader's.

use super::super::received::{Envelope, Known, Received};
use super::super::shared::{Tell, read_head};
use super::Policies;
use crate::host::shared as host;
use crate::refusal::Resource;
use crate::version::Version;

impl Policies {
    /// Looks whether a note was missed: one number tells.
    pub(super) fn look_at_changes(&self) {
        let number = self.change_number();
        if number == self.seen.replace(number) {
            return;
        }
        let resources = self.slots.borrow().resources();
        for (resource, _) in resources {
            self.load(&resource);
        }
    }

    pub(super) fn change_number(&self) -> u64 {
        let found = host::data(&self.key("changes")).ok();
        found
            .and_then(|(bytes, _)| bytes.try_into().ok())
            .map_or(0, u64::from_le_bytes)
    }

    /// Takes the policy of a resource from shared data, if it is newer there.
    pub(super) fn load(&self, resource: &Resource) {
        let Some(there) = self.shared_version(resource) else {
            return;
        };
        let held = self.slots.borrow().known(resource).map(Known::version);
        if held.is_some_and(|held| held.unwrap_or_default() >= there) {
            return;
        }
        match self.read_shared(resource) {
            // Its body is still to come, and a note with it.
            Some(received) if received.known.version().unwrap_or_default() != there => {}
            Some(received) => {
                let version = received.known.version();
                if self.put(received) {
                    self.confirm(resource, version);
                }
            }
            None => log::error!("what is shared of the policy of {resource} cannot be read, and is left alone"),
        }
    }

    pub(super) fn shared_version(&self, resource: &Resource) -> Option<Version> {
        let (bytes, _) = host::data(&self.resource_key("head", resource)).ok()?;
        read_head(&bytes)
    }

    pub(super) fn read_shared(&self, resource: &Resource) -> Option<Received> {
        let (bytes, _) = host::data(&self.resource_key("body", resource)).ok()?;
        let envelope = Envelope::open(&bytes).ok()?;
        // The bytes are in the envelope now, and may be many.
        drop(bytes);
        if envelope.resource != *resource {
            return None;
        }
        envelope.read().ok()
    }

    /// Puts what was received in force in this VM; whether it changed anything.
    pub(super) fn put(&self, received: Received) -> bool {
        let name = received.resource.to_string();
        let put = self.slots.borrow_mut().put(received);
        match put {
            Ok(true) => {
                self.changed.set(true);
                log::debug!("a newer policy of {name} is in force");
                true
            }
            Ok(false) | Err(_) => false,
        }
    }

    pub(super) fn confirm(&self, resource: &Resource, version: Option<Version>) {
        let (Some(leader), Some(_)) = (self.led_by.borrow().clone(), version) else {
            return;
        };
        if leader == self.vm {
            self.in_force_here(resource, version);
        } else {
            self.tell(&leader, Tell::InForce(self.about(resource, version)));
        }
    }
}
