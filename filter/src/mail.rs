//! Gets what is in an outbox to its collector: makes the calls, hears the
//! answers, adds heartbeats.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::contact::Contact;
use crate::dispatch;
use crate::events::{Audit, Heartbeat, InForce, Outbox, PendingTargets, Record, partial_success};
use crate::host::grpc::{self, Method};
use crate::host::{self, shared};
use crate::refusal::Resource;

/// As opentelemetry-proto has it.
const SERVICE: &str = "opentelemetry.proto.collector.logs.v1.LogsService";
const METHOD: &str = "Export";
/// How long an answer is waited for. The batch is sent again after it.
const TIMEOUT_MS: u32 = 10_000;
/// Between two heartbeats.
const HEARTBEAT: u64 = 10_000_000_000;
/// The most resources that have a heartbeat of their own.
const HEARTBEATS: usize = 256;
/// UNAVAILABLE: what is said of a call that could not be made.
const NOT_MADE: u32 = 14;

/// The events of a VM for one collector and credential.
pub(crate) struct Mail {
    contact: Contact,
    pub(crate) outbox: RefCell<Outbox>,
    targets: RefCell<PendingTargets>,
    /// The call on its way, and the root context that made it.
    call: Cell<Option<(u32, u32)>>,
    heartbeat: Cell<u64>,
    decisions: Option<u32>,
    unsent: Option<u32>,
    told_unsent: Cell<i64>,
    denied: Option<u32>,
    lost: Option<u32>,
    closing: Cell<bool>,
}

/// What a heartbeat says of one resource.
pub(crate) struct Pulse {
    pub(crate) resource: Option<Rc<Resource>>,
    pub(crate) in_force: InForce,
    pub(crate) digest: Option<Box<str>>,
    pub(crate) policy_error: Option<Box<str>>,
}

impl Mail {
    pub(crate) fn new(contact: Contact, outbox: Outbox) -> Self {
        // By service and credential, as everything that is shared.
        let of_ours = contact.prefix.split('/').nth(2).unwrap_or_default();
        let decisions = format!("sluice_recorded_decisions_service_=_{of_ours}_;_total");
        Self {
            outbox: RefCell::new(outbox),
            targets: RefCell::default(),
            call: Cell::default(),
            heartbeat: Cell::default(),
            decisions: defined(shared::define_counter(&decisions), &decisions),
            unsent: defined(shared::define_gauge("sluice_events_unsent"), "sluice_events_unsent"),
            told_unsent: Cell::default(),
            denied: defined(
                shared::define_counter("sluice_events_denied_total"),
                "sluice_events_denied_total",
            ),
            lost: defined(
                shared::define_counter("sluice_events_refused_total"),
                "sluice_events_refused_total",
            ),
            closing: Cell::default(),
            contact,
        }
    }

    /// Counts a decision where it survives this VM, and numbers it.
    pub(crate) fn count_decision(&self) -> u64 {
        if let Some(metric) = self.decisions
            && let Err(status) = shared::add(metric, 1)
        {
            log::error!("a decision was not counted: {status}");
        }
        self.outbox.borrow_mut().number()
    }

    /// The `log.record.uid` of a decision.
    pub(crate) fn uid(&self, number: u64) -> String {
        self.outbox.borrow().uid(number)
    }

    /// Takes a decided request or connection in.
    pub(crate) fn record(&self, audit: Audit) {
        self.outbox.borrow_mut().add(Record::Audit(Box::new(audit)));
    }

    /// Tells of a rejected target that an operator could list.
    pub(crate) fn rejected(&self, audit: &Audit) {
        let pending = self
            .targets
            .borrow_mut()
            .rejected(audit.at, &audit.decided, &audit.wire);
        if let Some(pending) = pending {
            self.outbox.borrow_mut().add(Record::Pending(Box::new(pending)));
        }
    }

    /// Takes any other record in.
    pub(crate) fn add(&self, record: Record) {
        self.outbox.borrow_mut().add(record);
    }

    /// The work of a tick, with the root context that ticks.
    pub(crate) fn pulse(self: &Rc<Self>, root: u32, now: u64, pulses: impl FnOnce() -> Vec<Pulse>) {
        if self.heartbeat.get() == 0 || now.saturating_sub(self.heartbeat.get()) >= HEARTBEAT {
            self.heartbeat.set(now.max(1));
            let at = host::now_nanos().unwrap_or(0);
            for pending in self.targets.borrow_mut().due(at) {
                self.add(Record::Pending(Box::new(pending)));
            }
            self.beat(at, pulses(), false);
        }
        self.send(root, now, self.closing.get());
        self.tell_unsent();
    }

    /// Says that this VM ends. What is left is sent in a hurry.
    pub(crate) fn close(self: &Rc<Self>, root: u32, pulses: Vec<Pulse>) {
        if !self.closing.replace(true) {
            self.beat(host::now_nanos().unwrap_or(0), pulses, true);
        }
        self.send(root, host::monotonic_nanos(), true);
    }

    /// It does not end after all: a root context has come.
    pub(crate) fn reopen(&self) {
        self.closing.set(false);
    }

    fn beat(&self, at: u64, mut pulses: Vec<Pulse>, closing: bool) {
        let decisions = self
            .decisions
            .and_then(|metric| shared::metric(metric).ok())
            .unwrap_or(0);
        pulses.truncate(HEARTBEATS);
        for pulse in pulses {
            let Pulse {
                resource,
                in_force,
                digest,
                policy_error,
            } = pulse;
            self.add(Record::Heartbeat(Box::new(Heartbeat {
                at,
                resource,
                in_force,
                digest,
                decisions,
                memory_bytes: host::memory_bytes(),
                policy_error,
                closing,
            })));
        }
    }

    fn send(self: &Rc<Self>, root: u32, now: u64, hurry: bool) {
        let Some(message) = self.outbox.borrow_mut().send(now, hurry) else {
            return;
        };
        let method = Method {
            upstream: &self.contact.upstream,
            service: SERVICE,
            method: METHOD,
            authorization: self.contact.authorization.as_deref(),
        };
        match grpc::call(&method, &message, TIMEOUT_MS) {
            Ok(token) => {
                self.call.set(Some((token, root)));
                dispatch::expect_mail(token, root, self);
            }
            Err(status) => {
                log::warn!("events cannot be sent to {}, they wait: {status}", self.contact);
                self.failed(NOT_MADE, now);
            }
        }
    }

    /// The call was answered with OK.
    pub(crate) fn acknowledged(self: &Rc<Self>, token: u32, root: u32, answer: &[u8]) {
        if !self.take_call(token) {
            return;
        }
        let (rejected, why) = partial_success(answer);
        if rejected > 0 {
            log::error!("{} did not accept {rejected} events: {why}", self.contact);
            self.count(self.lost, rejected);
        }
        let now = host::monotonic_nanos();
        let more = {
            let mut outbox = self.outbox.borrow_mut();
            outbox.acknowledged(rejected);
            outbox.has_a_batch()
        };
        // Others wait already, enough of them to go at once.
        if more || self.closing.get() {
            self.send(root, now, self.closing.get());
        }
        self.tell_unsent();
    }

    /// The call ended with another status.
    pub(crate) fn not_acknowledged(&self, token: u32, code: u32) {
        if self.take_call(token) {
            self.failed(code, host::monotonic_nanos());
        }
    }

    fn failed(&self, code: u32, now: u64) {
        use crate::events::Notice;
        let first = self.outbox.borrow().failures() == 0;
        let notice = self.outbox.borrow_mut().failed(code, now);
        match notice {
            Some(Notice::Denied) => {
                self.count(self.denied, 1);
                log::error!(
                    "{} does not accept the credential (gRPC status {code}); events wait",
                    self.contact
                );
            }
            Some(Notice::GivenUp) => {
                self.count(self.lost, 1);
                log::error!(
                    "{} refuses an event for good (gRPC status {code}); it is dropped",
                    self.contact
                );
            }
            None if first => log::warn!(
                "events were not accepted by {} (gRPC status {code}); they wait and are sent again",
                self.contact
            ),
            None => {}
        }
    }

    fn take_call(&self, token: u32) -> bool {
        let is_it = self.call.get().is_some_and(|(call, _)| call == token);
        if is_it {
            self.call.set(None);
        }
        is_it
    }

    /// A root context has gone, and its call with it.
    pub(crate) fn root_gone(&self, root: u32) {
        if self.call.get().is_some_and(|(_, made_by)| made_by == root) {
            self.call.set(None);
            self.outbox.borrow_mut().lost();
        }
    }

    /// Whether all has been acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.outbox.borrow().is_empty()
    }

    fn count(&self, metric: Option<u32>, count: u64) {
        if let Some(metric) = metric {
            let _ = shared::add(metric, count);
        }
    }

    /// Keeps the gauge of all VMs right: how much this one has more, or less.
    fn tell_unsent(&self) {
        let Some(metric) = self.unsent else { return };
        let unsent = i64::try_from(self.outbox.borrow().unsent()).unwrap_or(i64::MAX);
        let more = unsent.saturating_sub(self.told_unsent.replace(unsent));
        if more != 0 {
            let _ = shared::change(metric, more);
        }
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        if let Some(metric) = self.unsent {
            let _ = shared::change(metric, self.told_unsent.get().saturating_neg());
        }
    }
}

fn defined(metric: Result<u32, host::Status>, name: &str) -> Option<u32> {
    metric
        .map_err(|status| log::error!("metric {name} cannot be defined: {status}"))
        .ok()
}
