//! What belongs to the VM and outlives a root context: policies, batches and
//! streams. After a listener update, open connections keep their root context
//! for minutes, and still have to get the newest policy.

use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use sluice_policy::Mode;

use crate::config::{Events, Identity, Plan, PolicyService};
use crate::contact::{Contact, NoToken};
use crate::dispatch;
use crate::events::{InForce, Outbox};
use crate::host::{self, Status, shared};
use crate::mail::{Mail, Pulse};
use crate::places::{Configured, Place, Plugin, Slots};
use crate::policies::{Known, Policies};
use crate::stream::Moment;

/// Every root context asks for a tick this often; the VM does its work once in
/// that time, whoever ticks.
pub(crate) const TICK_MS: u32 = 100;
/// The first one comes sooner: the first request waits for the policy that is
/// asked for then, and a VM that is replaced before it has no connection yet
/// to send its events on (Envoy 1.40 calls nothing after `on_done`).
pub(crate) const FIRST_TICK_MS: u32 = 10;
const TICK: u64 = 90_000_000;
/// How long a VM that ends waits for what has not been acknowledged, in a proxy
/// that lets it wait.
const LAST_WORDS: u64 = 5_000_000_000;

/// A configuration in force, with what it talks to.
pub(crate) struct Ruling {
    pub(crate) plan: Plan,
    pub(crate) policies: Option<Rc<Policies>>,
    pub(crate) mail: Option<Rc<Mail>>,
}

impl Configured for Ruling {
    fn generation(&self) -> Option<u64> {
        self.plan.generation
    }
}

/// The VM.
pub(crate) struct Vm {
    id: Rc<str>,
    seed: u64,
    instance: OnceCell<Rc<str>>,
    places: Slots<Ruling>,
    policies: RefCell<Vec<(Contact, Rc<Policies>)>>,
    mails: RefCell<Vec<(Contact, Rc<Mail>)>>,
    /// What the configurations of live root contexts say.
    rulings: RefCell<Vec<(u32, Rc<Ruling>)>>,
    pulse: Cell<u64>,
    second: Cell<u64>,
    changed: Cell<bool>,
    /// Whether addresses are looked at before they are dialled.
    guarded: Cell<bool>,
    /// Root contexts that wait for their last words, and until when.
    ending: RefCell<Vec<(u32, u64)>>,
}

thread_local! {
    static VM: Rc<Vm> = Rc::new(Vm::new());
}

/// The VM this code runs in.
pub(crate) fn vm() -> Rc<Vm> {
    VM.with(Rc::clone)
}

impl Vm {
    /// From now on requests leave what `sluice.address` finds them by.
    pub(crate) fn guard(&self) {
        self.guarded.set(true);
    }

    /// Whether addresses are looked at before they are dialled.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded.get()
    }

    fn new() -> Self {
        // std's hash keys are random, and distinct in every VM.
        let random = RandomState::new();
        Self {
            id: format!("{:016x}", random.hash_one(1)).into(),
            seed: random.hash_one(2),
            instance: OnceCell::new(),
            places: Slots::default(),
            policies: RefCell::default(),
            mails: RefCell::default(),
            rulings: RefCell::default(),
            pulse: Cell::default(),
            second: Cell::default(),
            changed: Cell::default(),
            guarded: Cell::default(),
            ending: RefCell::default(),
        }
    }

    /// `<process>/<vm>`. All VMs of a process agree on its part.
    fn instance(&self) -> Rc<str> {
        let name = || format!("{}/{}", self.process(), self.id).into();
        Rc::clone(self.instance.get_or_init(name))
    }

    fn process(&self) -> String {
        const KEY: &str = "sluice/1/process";
        for _ in 0..10 {
            if let Ok((bytes, _)) = shared::data(KEY)
                && let Ok(name) = String::from_utf8(bytes)
                && name.len() == self.id.len()
                && name.bytes().all(|b| b.is_ascii_hexdigit())
            {
                return name;
            }
            let name = format!("{:016x}", RandomState::new().hash_one(3));
            let cas = match shared::data(KEY) {
                Ok((_, cas)) => cas,
                Err(_) => shared::NOTHING_THERE,
            };
            match shared::set_data(KEY, name.as_bytes(), cas) {
                Ok(()) => return name,
                Err(Status::CAS_MISMATCH) => {}
                Err(_) => break,
            }
        }
        // Nothing can be shared here, so this VM is a process of its own.
        self.id.to_string()
    }

    /// Puts a configuration in force.
    ///
    /// # Errors
    /// If a credential that it names is not there.
    pub(crate) fn configure(&self, root: u32, plugin: Plugin, plan: Plan) -> Result<Place<Ruling>, NoToken> {
        let environment = |name: &str| std::env::var(name).ok();
        let policies = match &plan.policy_service {
            Some(service) => Some(self.policies(service, Contact::new(&service.endpoint, environment)?)),
            None => None,
        };
        let mail = match &plan.events {
            Some(events) => Some(self.mail(events, Contact::new(&events.endpoint, environment)?)),
            None => None,
        };
        let place = self.places.put_in_force(plugin, Ruling { plan, policies, mail });
        self.rulings.borrow_mut().push((root, place.own()));
        self.changed.set(true);
        Ok(place)
    }

    fn policies(&self, service: &PolicyService, contact: Contact) -> Rc<Policies> {
        let mut all = self.policies.borrow_mut();
        if let Some((_, policies)) = all.iter().find(|(known, _)| *known == contact) {
            policies.limit(service);
            policies.rejoin();
            return Rc::clone(policies);
        }
        let policies = Rc::new(Policies::new(
            service,
            contact.clone(),
            &self.instance(),
            &self.id,
            self.seed,
        ));
        all.push((contact, Rc::clone(&policies)));
        policies
    }

    fn mail(&self, events: &Events, contact: Contact) -> Rc<Mail> {
        let flush = u64::from(events.flush_ms).saturating_mul(1_000_000);
        let mut all = self.mails.borrow_mut();
        if let Some((_, mail)) = all.iter().find(|(known, _)| *known == contact) {
            mail.outbox.borrow_mut().limit(events.buffer_bytes, flush);
            mail.reopen();
            return Rc::clone(mail);
        }
        let outbox = Outbox::new(&self.instance(), events.buffer_bytes, flush, self.seed);
        let mail = Rc::new(Mail::new(contact.clone(), outbox));
        all.push((contact, Rc::clone(&mail)));
        mail
    }

    /// The work of a tick, with the root context that ticks.
    pub(crate) fn tick(&self, root: u32) {
        let now = host::monotonic_nanos();
        if now.saturating_sub(self.pulse.get()) < TICK {
            return;
        }
        self.pulse.set(now);
        for (_, ruling) in &*self.rulings.borrow() {
            ruling.keep();
        }
        for policies in self.all_policies() {
            policies.pulse(root, now);
        }
        for mail in self.all_mails() {
            mail.pulse(root, now, || self.pulses(&mail));
        }
        let second = now.saturating_sub(self.second.get()) >= 1_000_000_000;
        if second {
            self.second.set(now);
            self.let_go();
        }
        dispatch::settle(self.take_changed(), second);
        self.end(now);
    }

    /// When the tick was that ran last, by the clock that never goes back.
    pub(crate) fn now(&self) -> u64 {
        self.pulse.get()
    }

    fn all_policies(&self) -> Vec<Rc<Policies>> {
        self.policies
            .borrow()
            .iter()
            .map(|(_, policies)| Rc::clone(policies))
            .collect()
    }

    fn all_mails(&self) -> Vec<Rc<Mail>> {
        self.mails.borrow().iter().map(|(_, mail)| Rc::clone(mail)).collect()
    }

    /// Whether open streams have to be looked at again.
    pub(crate) fn take_changed(&self) -> bool {
        let policies = self.policies.borrow();
        let newer = policies.iter().filter(|(_, policies)| policies.take_changed()).count();
        self.changed.replace(false) || newer > 0
    }

    pub(crate) fn queue_ready(&self, queue: u32, root: u32) {
        for policies in self.all_policies() {
            policies.queue_ready(queue, root);
        }
    }

    /// What heartbeats say of the resources whose events this mail carries.
    fn pulses(&self, mail: &Rc<Mail>) -> Vec<Pulse> {
        let rulings: Vec<Rc<Ruling>> = self
            .rulings
            .borrow()
            .iter()
            .map(|(_, ruling)| Rc::clone(ruling))
            .collect();
        let mut pulses: Vec<Pulse> = Vec::new();
        for ruling in rulings {
            if !ruling.mail.as_ref().is_some_and(|own| Rc::ptr_eq(own, mail)) {
                continue;
            }
            for pulse in ruling.pulses() {
                if !pulses.iter().any(|other| other.resource == pulse.resource) {
                    pulses.push(pulse);
                }
            }
        }
        pulses
    }

    /// Lets go of what no configuration uses any more.
    fn let_go(&self) {
        let mut left = Vec::new();
        self.policies.borrow_mut().retain(|(_, policies)| {
            let used = Rc::strong_count(policies) > 1;
            if !used {
                left.push(Rc::clone(policies));
            }
            used
        });
        left.iter().for_each(|policies| policies.leave());
        self.mails
            .borrow_mut()
            .retain(|(_, mail)| Rc::strong_count(mail) > 1 || !mail.is_empty());
    }

    /// A root context is done. Whether it may be deleted now: the last one waits
    /// until what it has recorded is acknowledged.
    pub(crate) fn root_done(&self, root: u32) -> bool {
        let left: Vec<Rc<Ruling>> = {
            let rulings = self.rulings.borrow();
            let others = rulings.iter().filter(|(other, _)| *other != root);
            others.map(|(_, ruling)| Rc::clone(ruling)).collect()
        };
        let others = !left.is_empty();
        let now = host::monotonic_nanos();
        if !others {
            for policies in self.all_policies() {
                policies.leave();
            }
        }
        for mail in self.all_mails() {
            // `sluice.address` may be left, which adds nothing to it.
            let used = |ruling: &Rc<Ruling>| ruling.mail.as_ref().is_some_and(|own| Rc::ptr_eq(own, &mail));
            if !left.iter().any(used) {
                mail.close(root, self.pulses(&mail));
            }
        }
        self.rulings.borrow_mut().retain(|(other, _)| *other != root);
        self.changed.set(true);
        let done = others || self.all_mails().iter().all(|mail| mail.is_empty());
        if !done {
            self.ending.borrow_mut().push((root, now.saturating_add(LAST_WORDS)));
        }
        done
    }

    /// Lets a root context that was the last one go, once all is acknowledged,
    /// it took too long, or another has come, which goes on with what is left.
    fn end(&self, now: u64) {
        if self.ending.borrow().is_empty() {
            return;
        }
        let free = !self.rulings.borrow().is_empty() || self.all_mails().iter().all(|mail| mail.is_empty());
        let over: Vec<u32> = {
            let mut ending = self.ending.borrow_mut();
            let over = ending.extract_if(.., |(_, until)| free || now >= *until);
            over.map(|(root, _)| root).collect()
        };
        for root in over {
            if let Err(status) = dispatch::with(root, host::done) {
                log::debug!("the proxy did not wait for the last events: {status}");
            }
        }
    }

    /// A root context is deleted.
    pub(crate) fn root_gone(&self, root: u32) {
        self.rulings.borrow_mut().retain(|(other, _)| *other != root);
        self.ending.borrow_mut().retain(|(other, _)| *other != root);
        for policies in self.all_policies() {
            policies.root_gone(root);
        }
        for mail in self.all_mails() {
            mail.root_gone(root);
        }
    }
}

impl Ruling {
    /// Keeps the policy of the resource it was made for, seen or not: so the
    /// first request need not wait for it, and after a silence none is decided
    /// by what was in force before.
    fn keep(&self) {
        if let (Some(policies), Identity::Fixed(resource)) = (&self.policies, &self.plan.identity) {
            policies.keep(resource);
        }
    }

    fn pulses(&self) -> Vec<Pulse> {
        let given = self.plan.override_mode.as_ref();
        let now = Moment::read(given.is_some()).timestamp;
        let overridden = given
            .filter(|given| given.rules(now))
            .map(|given| Rc::clone(&given.reason));
        let error = self.policies.as_ref().and_then(|policies| policies.error());
        let pulse = |resource, version, mode: Option<Mode>, digest: Option<&str>| Pulse {
            resource,
            in_force: InForce {
                version,
                mode,
                overridden: overridden.clone(),
            },
            digest: digest.map(Into::into),
            policy_error: error.clone(),
        };
        let inline = self.plan.inline.as_ref().map(|policy| policy.mode());
        let mut pulses = Vec::new();
        for (resource, known) in self.policies.iter().flat_map(|policies| policies.in_force()) {
            let resource = Some(resource);
            pulses.push(match known {
                Some(Known::Policy {
                    policy,
                    version,
                    digest,
                }) => pulse(resource, Some(version), Some(policy.mode()), Some(&digest)),
                Some(Known::None { version }) => match inline {
                    Some(mode) => pulse(resource, None, Some(mode), None),
                    None => pulse(resource, version, Some(Mode::AuditOnly), None),
                },
                None => pulse(resource, None, inline, None),
            });
        }
        if pulses.is_empty() {
            let resource = match &self.plan.identity {
                Identity::Fixed(resource) => Some(Rc::clone(resource)),
                Identity::From { .. } | Identity::Unnamed => None,
            };
            pulses.push(pulse(resource, None, inline, None));
        }
        pulses
    }
}
