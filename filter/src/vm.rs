//! What belongs to the VM and outlives a root context: the plan in force.
//!
//! After a listener update, connections that stay open keep the root context
//! they began with for minutes, so a plan held there would be stale for them
//! (ENVOY.md §14). The root contexts of one plugin share a slot instead.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use crate::config::Plan;
use crate::refusal::Resource;

/// Which root contexts are one plugin: the same name, root id and resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Plugin {
    pub(crate) name: Vec<u8>,
    pub(crate) root_id: Vec<u8>,
    pub(crate) resource: Option<Resource>,
}

/// The plan in force for one plugin of this VM.
#[derive(Debug)]
pub(crate) struct Slot(RefCell<Rc<Plan>>);

impl Slot {
    /// The plan in force now.
    pub(crate) fn plan(&self) -> Rc<Plan> {
        self.0.borrow().clone()
    }
}

thread_local! {
    static SLOTS: RefCell<HashMap<Plugin, Weak<Slot>>> = RefCell::default();
}

/// Puts a plan in force for every context of the plugin, old and new.
pub(crate) fn put_in_force(plugin: Plugin, plan: Plan) -> Rc<Slot> {
    SLOTS.with_borrow_mut(|slots| {
        // Slots whose root contexts are all gone.
        slots.retain(|_, slot| slot.strong_count() > 0);
        if let Some(slot) = slots.get(&plugin).and_then(Weak::upgrade) {
            *slot.0.borrow_mut() = Rc::new(plan);
            return slot;
        }
        let slot = Rc::new(Slot(RefCell::new(Rc::new(plan))));
        slots.insert(plugin, Rc::downgrade(&slot));
        slot
    })
}
