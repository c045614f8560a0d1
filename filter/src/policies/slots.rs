//! What this VM knows of the policy of each resource it has seen.

use std::rc::Rc;

use hashbrown::HashMap;

use super::received::{Known, Received, Why};
use crate::refusal::Resource;
use crate::version::Version;

/// One resource.
#[derive(Debug, Default)]
struct Slot {
    known: Option<Known>,
    used: u64,
    /// Whether the leader has been asked for it.
    asked: bool,
}

/// The resources this VM has seen lately.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: HashMap<Rc<Resource>, Slot>,
    most: usize,
    /// The last refusal, until something is accepted.
    error: Option<Box<str>>,
}

/// What a slot answers.
#[derive(Debug, Clone)]
pub(crate) enum Lookup {
    /// The policy service has said this.
    Known(Known),
    /// It has said nothing yet.
    Unknown,
    /// It has never been asked.
    New,
    /// It will not be asked: there are too many resources.
    Full,
}

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            slots: HashMap::new(),
            most,
            error: None,
        }
    }

    /// How many resources there may be; those there are stay.
    pub(crate) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// What is known of a resource, which is used now.
    pub(crate) fn look_up(&mut self, resource: &Rc<Resource>, now: u64) -> Lookup {
        if let Some(slot) = self.slots.get_mut(resource) {
            slot.used = now;
            return match &slot.known {
                Some(known) => Lookup::Known(known.clone()),
                None => Lookup::Unknown,
            };
        }
        if self.slots.len() >= self.most {
            return Lookup::Full;
        }
        self.slots.insert(
            Rc::clone(resource),
            Slot {
                used: now,
                ..Slot::default()
            },
        );
        Lookup::New
    }

    /// Puts what was received in force; whether anything changed.
    ///
    /// # Errors
    /// If what is in force is newer. The same again changes nothing.
    pub(crate) fn put(&mut self, received: Received) -> Result<bool, Why> {
        let Received { resource, known } = received;
        let slot = self.slots.entry(Rc::new(resource)).or_default();
        if let Some(held) = &slot.known {
            match (known.version(), held.version()) {
                (new, old) if new == old => return Ok(false),
                // Without a version it takes nothing back that has one.
                (new, Some(old)) if new.is_none_or(|new| new < old) => return Err(Why::Older(old)),
                _ => {}
            }
        }
        slot.known = Some(known);
        self.error = None;
        Ok(true)
    }

    /// The version in force of a resource.
    pub(crate) fn version(&self, resource: &Resource) -> Option<Version> {
        self.known(resource)?.version()
    }

    /// What is known of a resource, without using it.
    pub(crate) fn known(&self, resource: &Resource) -> Option<&Known> {
        self.slots.get(resource)?.known.as_ref()
    }

    pub(crate) fn has(&self, resource: &Resource) -> bool {
        self.slots.contains_key(resource)
    }

    /// Remembers why a policy was refused.
    pub(crate) fn refused(&mut self, why: String) {
        self.error = Some(why.into());
    }

    /// Why the last policy was refused, unless one was accepted since.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// All resources, with the version in force.
    pub(crate) fn resources(&self) -> Vec<(Rc<Resource>, Option<Version>)> {
        self.slots
            .iter()
            .map(|(resource, slot)| (Rc::clone(resource), slot.known.as_ref().and_then(Known::version)))
            .collect()
    }

    /// The resources that have to be asked for; they count as asked from now on.
    pub(crate) fn take_unasked(&mut self) -> Vec<Rc<Resource>> {
        let unasked = self.slots.iter_mut().filter(|(_, slot)| !slot.asked);
        unasked
            .map(|(resource, slot)| {
                slot.asked = true;
                Rc::clone(resource)
            })
            .collect()
    }

    /// The leader is another one, or may have forgotten.
    pub(crate) fn ask_again(&mut self) {
        self.slots.values_mut().for_each(|slot| slot.asked = false);
    }

    /// Forgets and returns the resources that have not been used since `before`.
    pub(crate) fn forget_unused(&mut self, before: u64) -> Vec<Rc<Resource>> {
        let unused: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.used < before)
            .map(|(resource, _)| Rc::clone(resource))
            .collect();
        for resource in &unused {
            self.slots.remove(resource);
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use sluice_policy::{Mode, Policy, Reason};

    use super::*;

    fn resource(id: &str) -> Rc<Resource> {
        Rc::new(Resource {
            kind: "sandbox".into(),
            id: id.into(),
        })
    }

    fn policy(id: &str, epoch: u64, revision: u64) -> Received {
        Received {
            resource: (*resource(id)).clone(),
            known: Known::Policy {
                policy: Rc::new(Policy::standing_in(Reason::NoPolicy, Mode::Enforce)),
                version: Version { epoch, revision },
                digest: "".into(),
            },
        }
    }

    fn none(id: &str, version: Option<Version>) -> Received {
        Received {
            resource: (*resource(id)).clone(),
            known: Known::None { version },
        }
    }

    #[test]
    fn only_what_is_newer_comes_into_force() {
        let mut slots = Slots::new(10);
        assert!(matches!(slots.look_up(&resource("a"), 1), Lookup::New));
        assert!(matches!(slots.look_up(&resource("a"), 2), Lookup::Unknown));
        assert!(matches!(slots.put(none("a", None)), Ok(true)));
        assert!(matches!(slots.put(policy("a", 1, 5)), Ok(true)));
        assert!(matches!(slots.put(policy("a", 1, 5)), Ok(false)), "the same again");
        for old in [policy("a", 1, 4), policy("a", 0, 9), none("a", None)] {
            assert!(matches!(
                slots.put(old),
                Err(Why::Older(Version { epoch: 1, revision: 5 }))
            ));
        }
        assert!(matches!(slots.put(policy("a", 2, 1)), Ok(true)), "a restored database");
        let taken_back = Some(Version { epoch: 2, revision: 2 });
        assert!(matches!(slots.put(none("a", taken_back)), Ok(true)));
        assert!(matches!(
            slots.look_up(&resource("a"), 3),
            Lookup::Known(Known::None { version }) if version == taken_back
        ));
    }

    #[test]
    fn a_refusal_is_remembered_until_something_is_accepted() {
        let mut slots = Slots::new(10);
        slots.refused("rule a".into());
        assert_eq!(slots.error(), Some("rule a"));
        slots.put(policy("a", 1, 1)).unwrap();
        assert_eq!(slots.error(), None);
    }

    #[test]
    fn resources_are_asked_for_once_and_forgotten_when_unused() {
        let mut slots = Slots::new(2);
        slots.look_up(&resource("a"), 10);
        slots.look_up(&resource("b"), 20);
        assert!(matches!(slots.look_up(&resource("c"), 20), Lookup::Full));
        assert_eq!(slots.take_unasked().len(), 2);
        assert!(slots.take_unasked().is_empty());
        slots.ask_again();
        assert_eq!(slots.take_unasked().len(), 2);
        assert_eq!(slots.forget_unused(10), []);
        assert_eq!(slots.forget_unused(15), [resource("a")]);
        assert!(matches!(slots.look_up(&resource("c"), 30), Lookup::New));
    }
}
