//! One VM's part in keeping policies live: it asks the leader for what it
//! needs, takes what is shared, and leads if nobody else does.

mod leading;
mod membership;
mod taking;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use prost::Message;

use super::leader::Leader;
use super::received::Known;
use super::shared::{About, LEASE, MEMBER, Members, Note, Tell};
use super::slots::{Lookup, Slots};
use crate::config::{PolicyService, To};
use crate::contact::Contact;
use crate::host as proxy;
use crate::host::shared::{self as host};
use crate::refusal::Resource;
use crate::version::Version;

/// How often a VM says that it lives, and how often it asks again for what it uses.
const ANNOUNCE: u64 = MEMBER / 6;
const REPEAT: u64 = 60_000_000_000;
/// How often the lease is looked at; the leader renews it then.
const LOOK: u64 = LEASE / 6;

/// The policies of one policy service, in one VM.
pub(crate) struct Policies {
    contact: Contact,
    vm: Rc<str>,
    instance: Rc<str>,
    seed: u64,
    idle: Cell<u64>,
    most: Cell<usize>,
    slots: RefCell<Slots>,
    leader: RefCell<Option<Leader>>,
    /// The queue of this VM, and the root context that is told of it.
    queue: Cell<Option<(u32, u32)>>,
    /// The queue that another plugin fills, where that is how policies come.
    inlet: Cell<Option<(u32, u32)>>,
    members: RefCell<Members>,
    /// The VM that leads.
    led_by: RefCell<Option<Rc<str>>>,
    /// The number of changes in shared data that have been looked at.
    seen: Cell<u64>,
    announced: Cell<u64>,
    looked: Cell<u64>,
    repeated: Cell<u64>,
    now: Cell<u64>,
    changed: Cell<bool>,
    /// It takes no part any more.
    left: Cell<bool>,
    over_cap: Option<u32>,
    refused: Option<u32>,
}

impl Policies {
    /// What this VM keeps for one policy service. `instance` is
    /// `<process>/<vm>`.
    pub(crate) fn new(service: &PolicyService, contact: Contact, instance: &Rc<str>, vm: &Rc<str>, seed: u64) -> Self {
        let counter = |name| match host::define_counter(name) {
            Ok(id) => Some(id),
            Err(status) => {
                log::error!("counter {name} cannot be defined: {status}");
                None
            }
        };
        Self {
            contact,
            vm: Rc::clone(vm),
            instance: Rc::clone(instance),
            seed,
            idle: Cell::new(service.idle_ms.saturating_mul(1_000_000)),
            most: Cell::new(service.max_resources),
            slots: RefCell::new(Slots::new(service.max_resources)),
            leader: RefCell::default(),
            queue: Cell::default(),
            inlet: Cell::default(),
            members: RefCell::default(),
            led_by: RefCell::default(),
            seen: Cell::default(),
            announced: Cell::default(),
            looked: Cell::default(),
            repeated: Cell::default(),
            now: Cell::new(proxy::monotonic_nanos()),
            changed: Cell::default(),
            left: Cell::default(),
            over_cap: counter("sluice_resources_over_cap_total"),
            refused: counter("sluice_policies_refused_total"),
        }
    }

    /// How much may be asked for, and how long what is not used; of several
    /// configurations the one in force.
    pub(crate) fn limit(&self, service: &PolicyService) {
        self.idle.set(service.idle_ms.saturating_mul(1_000_000));
        self.most.set(service.max_resources);
        self.slots.borrow_mut().limit(service.max_resources);
        if let Some(leader) = self.leader.borrow_mut().as_mut() {
            leader.limit(service.max_resources);
        }
    }

    /// What is known of a resource. The first time it is asked for, here and
    /// elsewhere.
    pub(crate) fn look_up(&self, resource: &Rc<Resource>) -> Lookup {
        let found = self.slots.borrow_mut().look_up(resource, self.now.get());
        match found {
            Lookup::New => {
                // Another VM may have it already; if not, the leader is asked.
                self.load(resource);
                self.ask();
                match self.slots.borrow().known(resource) {
                    Some(known) => Lookup::Known(known.clone()),
                    None => Lookup::Unknown,
                }
            }
            Lookup::Full => {
                if let Some(metric) = self.over_cap {
                    let _ = host::add(metric, 1);
                }
                Lookup::Full
            }
            found => found,
        }
    }

    /// Asks for a resource with the next tick, if it is not known, and counts it as used.
    pub(crate) fn keep(&self, resource: &Rc<Resource>) {
        let found = self.slots.borrow_mut().look_up(resource, self.now.get());
        if matches!(found, Lookup::New) {
            self.load(resource);
        }
    }

    /// The resources seen lately, each with what is in force.
    pub(crate) fn in_force(&self) -> Vec<(Rc<Resource>, Option<Known>)> {
        let slots = self.slots.borrow();
        let resources = slots.resources().into_iter();
        resources
            .map(|(resource, _)| {
                let known = slots.known(&resource).cloned();
                (resource, known)
            })
            .collect()
    }

    /// Why the last policy was refused, unless one was accepted since.
    pub(crate) fn error(&self) -> Option<Box<str>> {
        self.slots.borrow().error().map(Into::into)
    }

    /// Whether anything came into force since this was asked last.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.replace(false)
    }

    /// Whether this VM holds the stream.
    pub(crate) fn leads(&self) -> bool {
        self.leader.borrow().is_some()
    }

    /// The work of a tick, with the root context that ticks.
    pub(crate) fn pulse(self: &Rc<Self>, root: u32, now: u64) {
        self.now.set(now);
        if self.left.get() {
            return;
        }
        #[cfg(feature = "test-trap")]
        self.trap_if_asked();
        self.listen(root);
        if self.is_due(&self.announced, ANNOUNCE, now) {
            self.announce(now);
        }
        if self.is_due(&self.looked, LOOK, now) {
            self.look_at_lease(now);
        }
        if self.is_due(&self.repeated, REPEAT, now) {
            self.forget(now);
            self.slots.borrow_mut().ask_again();
        }
        self.ask();
        self.drain_queue();
        self.look_at_changes();
        self.drain_inlet(root);
        self.lead(root, now);
    }

    /// Whoever leads traps, once, when a test has put a 1 under this key.
    #[cfg(feature = "test-trap")]
    fn trap_if_asked(&self) {
        const KEY: &str = "test-trap/leader";
        if self.leads() && host::data(KEY).is_ok_and(|(asked, _)| asked == [1]) {
            let _ = host::set_data(KEY, &[], 0);
            assert!(!self.leads(), "asked to, by a test");
        }
    }

    fn is_due(&self, last: &Cell<u64>, every: u64, now: u64) -> bool {
        let due = last.get() == 0 || now.saturating_sub(last.get()) >= every;
        if due {
            last.set(now.max(1));
        }
        due
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.contact.prefix)
    }

    fn resource_key(&self, name: &str, resource: &Resource) -> String {
        // Types and ids have no slash in them.
        format!("{}{name}/{}/{}", self.contact.prefix, resource.kind, resource.id)
    }

    fn queue_of(&self, vm: &str) -> String {
        self.key(&format!("queue/{vm}"))
    }

    /// Registers the queue of this VM. Who registers last is told of what comes,
    /// so a root context that lives does it again when the one before has gone.
    fn listen(&self, root: u32) {
        if self.queue.get().is_none() {
            match host::register_queue(&self.queue_of(&self.vm)) {
                Ok(queue) => self.queue.set(Some((queue, root))),
                Err(status) => log::error!("no queue for changes of policies, they come with the next tick: {status}"),
            }
        }
    }

    /// A root context has gone, and what belonged to it with it.
    pub(crate) fn root_gone(&self, root: u32) {
        let is_its = |queue: Option<(u32, u32)>| queue.is_some_and(|(_, registrant)| registrant == root);
        if is_its(self.queue.get()) {
            self.queue.set(None);
        }
        if is_its(self.inlet.get()) {
            self.inlet.set(None);
        }
        self.stream_root_gone(root);
    }

    /// Asks the leader for what it has not been asked for.
    fn ask(&self) {
        let Some(leader) = self.led_by.borrow().clone() else {
            return;
        };
        let resources = self.slots.borrow_mut().take_unasked();
        for resource in resources {
            let version = self.slots.borrow().version(&resource);
            if leader == self.vm {
                if let Some(leader) = self.leader.borrow_mut().as_mut() {
                    leader.want(&self.vm, Rc::clone(&resource), self.now.get());
                    if let Some(version) = version {
                        leader.in_force(&self.vm, &resource, version, self.now.get());
                    }
                }
                continue;
            }
            self.tell(&leader, Tell::Want(self.about(&resource, None)));
            if version.is_some() {
                self.tell(&leader, Tell::InForce(self.about(&resource, version)));
            }
        }
    }

    fn about(&self, resource: &Resource, version: Option<Version>) -> About {
        About {
            vm: self.vm.to_string(),
            resource: Some(resource.into()),
            version: version.map(Into::into),
        }
    }

    fn tell(&self, vm: &str, tell: Tell) {
        let note = Note { tell: Some(tell) }.encode_to_vec();
        let told = host::find_queue(&self.queue_of(vm)).and_then(|queue| host::enqueue(queue, &note));
        if let Err(status) = told {
            log::warn!("a VM cannot be told of a policy at once, it looks with its next tick: {status}");
        }
    }

    /// Stops asking for resources that have not been seen for long.
    fn forget(&self, now: u64) {
        let before = now.saturating_sub(self.idle.get());
        let unused = self.slots.borrow_mut().forget_unused(before);
        let led_by = self.led_by.borrow().clone();
        for resource in unused {
            match &led_by {
                Some(leader) if *leader == self.vm => {
                    if let Some(leader) = self.leader.borrow_mut().as_mut() {
                        leader.unwant(&self.vm, &resource);
                    }
                }
                Some(leader) => self.tell(leader, Tell::Unwant(self.about(&resource, None))),
                None => {}
            }
        }
    }

    /// A queue of this VM has something in it.
    pub(crate) fn queue_ready(self: &Rc<Self>, queue: u32, root: u32) {
        self.now.set(proxy::monotonic_nanos());
        if self.queue.get().is_some_and(|(own, _)| own == queue) {
            self.drain_queue();
            self.lead(root, self.now.get());
        } else if self.inlet.get().is_some_and(|(inlet, _)| inlet == queue) {
            self.drain_inlet(root);
        }
    }

    fn drain_queue(&self) {
        let Some((queue, _)) = self.queue.get() else { return };
        while let Ok(Some(bytes)) = host::dequeue(queue) {
            // Whoever shares the data can write here too.
            if let Ok(Note { tell: Some(tell) }) = Note::decode(bytes.as_slice()) {
                self.heard(tell);
            }
        }
    }

    fn heard(&self, tell: Tell) {
        let (Tell::Want(about) | Tell::Unwant(about) | Tell::InForce(about) | Tell::Changed(about)) = &tell;
        let Some(resource) = about.resource.clone().map(Resource::from) else {
            return;
        };
        let (vm, version) = (Rc::<str>::from(about.vm.as_str()), about.version.map(Version::from));
        let now = self.now.get();
        if !self.members.borrow().has(&vm) {
            // It has announced itself since this VM looked last.
            self.look_at_members(now);
        }
        if let Tell::Changed(_) = tell {
            if self.slots.borrow().has(&resource) {
                self.load(&resource);
            }
            return;
        }
        let mut leader = self.leader.borrow_mut();
        let Some(leader) = leader.as_mut() else { return };
        match (tell, version) {
            (Tell::Want(_), _) => leader.want(&vm, Rc::new(resource), now),
            (Tell::Unwant(_), _) => leader.unwant(&vm, &resource),
            (Tell::InForce(_), Some(version)) => leader.in_force(&vm, &resource, version, now),
            _ => {}
        }
    }
}

impl Contact {
    fn is_queue(&self) -> Option<&str> {
        match &self.endpoint.to {
            To::Queue(name) => Some(name),
            To::Cluster(_) => None,
        }
    }
}
