//! Which of the live root contexts of a plugin rules.
//!
//! After a listener update, connections that stay open keep the root context
//! they began with for minutes, so a plan held there would be stale for them
//! (up to 600 s were seen). The root contexts of one plugin share a slot instead, and
//! one of them rules for all.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// What a root context was configured to do.
pub(crate) trait Configured {
    /// Which of several live configurations of one plugin is the newest.
    fn generation(&self) -> Option<u64>;
}

/// Which root contexts are one plugin. Envoy wants names of plugins to be
/// unique in a VM, and says so in its API; nothing else tells a new
/// configuration of a plugin from another plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plugin {
    pub(crate) name: Vec<u8>,
    pub(crate) root_id: Vec<u8>,
}

/// The live root contexts of one plugin, the one that rules last.
#[derive(Debug)]
pub(crate) struct Slot<P> {
    live: RefCell<Vec<Rc<Live<P>>>>,
}

/// A live root context.
#[derive(Debug)]
struct Live<P> {
    plan: Rc<P>,
    /// The first connection seen on it while it ruled.
    first_connection: Cell<Option<u64>>,
    /// Whether it has been told of in the log that it came back: two plugins of
    /// one name do so with every connection.
    came_back: Cell<bool>,
}

/// A root context's place in its slot; gives it up when dropped.
#[derive(Debug)]
pub(crate) struct Place<P> {
    slot: Rc<Slot<P>>,
    live: Rc<Live<P>>,
}

/// The plugins of a VM.
#[derive(Debug)]
pub(crate) struct Slots<P>(RefCell<Vec<(Plugin, Weak<Slot<P>>)>>);

impl<P> Default for Slots<P> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<P: Configured> Slots<P> {
    /// Puts a plan in force for every stream of the plugin, on old root contexts
    /// and on the new one, for as long as the place is kept.
    pub(crate) fn put_in_force(&self, plugin: Plugin, plan: P) -> Place<P> {
        let mut slots = self.0.borrow_mut();
        // Slots whose root contexts are all gone.
        slots.retain(|(_, slot)| slot.strong_count() > 0);
        let known = slots.iter().find(|(known, _)| *known == plugin);
        let slot = known.and_then(|(_, slot)| slot.upgrade()).unwrap_or_else(|| {
            let slot = Rc::new(Slot {
                live: RefCell::default(),
            });
            slots.push((plugin, Rc::downgrade(&slot)));
            slot
        });
        slot.join(plan)
    }
}

impl<P: Configured> Slot<P> {
    fn join(self: Rc<Self>, plan: P) -> Place<P> {
        let generation = plan.generation();
        let live = Rc::new(Live {
            plan: Rc::new(plan),
            first_connection: Cell::new(None),
            came_back: Cell::new(false),
        });
        let mut places = self.live.borrow_mut();
        // A VM that is built anew gets the configurations of draining listeners
        // in any order, so the one configured last need not be the newest.
        let newer = |other: &&Rc<Live<P>>| generation.is_some() && other.plan.generation() > generation;
        let behind = places.iter().rev().take_while(newer).count();
        let at = places.len().saturating_sub(behind);
        places.insert(at, Rc::clone(&live));
        drop(places);
        Place { slot: self, live }
    }
}

impl<P> Place<P> {
    /// What this root context itself was configured to do.
    pub(crate) fn own(&self) -> Rc<P> {
        Rc::clone(&self.live.plan)
    }

    /// The plan for a stream of this root context, whose connection has the id
    /// that `connection` finds.
    ///
    /// It is that of the root context that rules. But Envoy does not configure
    /// again what it still has: put back word for word, a configuration whose
    /// root context a stream keeps alive is used again without a callback. The
    /// sign of that is a stream here on a connection that is as new as those of
    /// the root context that rules: an old listener takes no more connections.
    pub(crate) fn plan(&self, connection: impl FnOnce() -> Option<u64>) -> Rc<P> {
        let mut places = self.slot.live.borrow_mut();
        // What nearly always holds costs no call into the proxy.
        let ruling = match places.last() {
            Some(only) if places.len() == 1 => return Rc::clone(&only.plan),
            Some(ruling) => Rc::clone(ruling),
            None => return Rc::clone(&self.live.plan),
        };
        if Rc::ptr_eq(&ruling, &self.live) {
            if ruling.first_connection.get().is_none() {
                ruling.first_connection.set(connection());
            }
            return Rc::clone(&ruling.plan);
        }
        let (Some(first), Some(id)) = (ruling.first_connection.get(), connection()) else {
            return Rc::clone(&ruling.plan);
        };
        if id < first || !places.iter().any(|other| Rc::ptr_eq(other, &self.live)) {
            return Rc::clone(&ruling.plan);
        }
        if !self.live.came_back.replace(true) {
            log::warn!(
                "an earlier configuration of this plugin takes new connections and rules again; \
                 raise \"generation\" with every change, and give each plugin of a vm_id a name of its own"
            );
        }
        self.live.first_connection.set(Some(id));
        places.retain(|other| !Rc::ptr_eq(other, &self.live));
        places.push(Rc::clone(&self.live));
        Rc::clone(&self.live.plan)
    }
}

impl<P> Place<P> {
    /// Rules no more; streams that are left go by who does.
    pub(crate) fn leave(&self) {
        self.slot
            .live
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, &self.live));
    }
}

impl<P> Drop for Place<P> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan that is known by its port.
    struct Numbered(u16, Option<u64>);

    impl Configured for Numbered {
        fn generation(&self) -> Option<u64> {
            self.1
        }
    }

    thread_local! {
        static SLOTS: Slots<Numbered> = Slots::default();
    }

    /// A place in the slot of `plugin`.
    fn place(plugin: &str, port: u16, generation: Option<u64>) -> Place<Numbered> {
        let plugin = Plugin {
            name: plugin.into(),
            root_id: b"sluice.http".to_vec(),
        };
        SLOTS.with(|slots| slots.put_in_force(plugin, Numbered(port, generation)))
    }

    fn on(place: &Place<Numbered>, connection: u64) -> u16 {
        place.plan(|| Some(connection)).0
    }

    #[test]
    fn the_newest_rules_streams_of_older_root_contexts() {
        let old = place("newest", 1, None);
        assert_eq!(on(&old, 10), 1);
        let new = place("newest", 2, None);
        assert_eq!((on(&old, 10), on(&new, 20), on(&old, 11)), (2, 2, 2));
        let other = place("other", 3, None);
        assert_eq!((on(&old, 10), on(&other, 30)), (2, 3));
    }

    #[test]
    fn what_is_gone_rules_no_more() {
        let old = place("gone", 1, None);
        let refused = place("gone", 2, None);
        assert_eq!(on(&old, 10), 2);
        drop(refused);
        assert_eq!(on(&old, 10), 1);
    }

    #[test]
    fn streams_that_outlive_their_root_context_go_by_who_rules() {
        let left = place("left", 1, None);
        left.leave();
        assert_eq!(on(&left, 10), 1, "nobody does");
        let one = place("left", 2, None);
        let two = place("left", 3, None);
        assert_eq!((on(&two, 20), on(&left, 30), on(&one, 10)), (3, 3, 3));
    }

    #[test]
    fn the_one_that_takes_new_connections_rules_again() {
        let first = place("again", 1, None);
        assert_eq!(on(&first, 10), 1);
        let second = place("again", 2, None);
        assert_eq!(on(&first, 11), 2, "nothing tells yet that it is used again");
        assert_eq!(on(&second, 20), 2);
        assert_eq!(on(&first, 19), 2, "an old connection of a draining listener");
        assert_eq!(on(&first, 21), 1);
        assert_eq!(on(&second, 20), 1, "and for the streams of the other");
    }

    #[test]
    fn a_higher_generation_rules_whatever_the_order() {
        let new = place("generation", 2, Some(7));
        let old = place("generation", 1, Some(6));
        assert_eq!((on(&old, 10), on(&new, 20)), (2, 2));
        let newest = place("generation", 3, Some(7));
        assert_eq!((on(&old, 10), on(&new, 20), on(&newest, 30)), (3, 3, 3));
        let unnumbered = place("generation", 4, None);
        assert_eq!(on(&newest, 30), 4);
        drop(unnumbered);
    }

    #[test]
    fn the_proxy_is_asked_only_while_two_are_live() {
        let one = place("cost", 1, None);
        assert_eq!(one.plan(|| unreachable!("asked")).0, 1);
        let two = place("cost", 2, None);
        assert_eq!(on(&two, 20), 2);
        assert_eq!(two.plan(|| unreachable!("asked again")).0, 2);
    }
}
