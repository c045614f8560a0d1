//! What the promises are tested with: a filter compiled once, a collector and a
//! policy service that follow a script, and requests.

mod collector;
mod policies;
mod proto;

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_harness::lab::{Lab, LabFilter, Plugin, Request, Root, State, VmId, VmSetup};

pub(crate) use self::collector::{Collector, EXPORT, events};
pub(crate) use self::policies::{Said, Watch, garbled, none, of as policy_of, policy};
pub(crate) use self::proto::{Content, EffectivePolicy, Version, WatchResponse};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// Every root context asks for a tick this often.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// The first tick of a root context comes sooner.
pub(crate) const FIRST_TICK: Duration = Duration::from_millis(10);

/// A host that every policy here rejects.
pub(crate) const PROBE: &str = "probe.example.net";
/// One that every policy here allows.
pub(crate) const ALLOWED: &str = "ok.example.com";

/// The filter, compiled once for all tests.
pub(crate) fn filter() -> &'static LabFilter {
    static FILTER: LazyLock<LabFilter> = LazyLock::new(|| LabFilter::embedded().unwrap());
    &FILTER
}

/// A policy that allows [`ALLOWED`] and nothing else.
pub(crate) fn enforce() -> Value {
    json!({"mode": "enforce", "rules": [{"id": "ok", "effect": "allow", "host": ALLOWED}]})
}

/// A plugin configuration with an inline policy and events.
pub(crate) fn recording() -> Value {
    json!({"resource": {"type": "sandbox", "id": "sb_1"}, "policy": enforce(), "events": {"cluster": "collector"}})
}

/// A plugin configuration that asks the policy service, for the resource in the
/// filter state `sb`.
pub(crate) fn live() -> Value {
    json!({"resource": {"type": "sandbox", "id_from": {"filter_state": "sb"}}, "policy_service": {"cluster": "sluice"}})
}

/// A configuration with further members.
pub(crate) fn with(mut config: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

/// So many VMs of a configuration.
pub(crate) fn lab(config: &Value, vms: usize) -> Lab {
    Lab::with_vms(filter(), &setup(config), vms).unwrap()
}

pub(crate) fn setup(config: &Value) -> VmSetup {
    VmSetup::new(Plugin::http(config.to_string()))
}

pub(crate) fn vm(number: usize) -> VmId {
    VmId::from_number(number)
}

/// A request of a resource.
pub(crate) fn of(resource: &str, host: &str) -> Request {
    Request::get(host).with_property("filter_state|sb", resource)
}

/// The details of a refusal.
pub(crate) fn refusal(state: &State) -> Option<Value> {
    let State::Replied(reply) = state else { return None };
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    Some(body["error"]["details"].clone())
}

/// Sends a request for [`PROBE`]; the revision that rejects it. None while it waits.
pub(crate) fn revision(lab: &mut Lab, root: impl Into<Root>, resource: &str) -> Option<u64> {
    let stream = lab.open_http(root, of(resource, PROBE));
    let details = refusal(&lab.state(&stream));
    lab.end_http(&stream, sluice_harness::lab::Ending::default());
    details?["revision"].as_u64()
}

/// What is not to be seen in any test.
pub(crate) fn assert_no_trap(lab: &Lab) {
    assert_eq!(lab.traps(), []);
}

/// Numbers that look random, the same for one seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// The bytes with something wrong in them.
    pub(crate) fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..1 + self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = [0, 0x7f, 0x80, 0xff][self.below(4)],
                2 => bytes.truncate(at),
                3 => {
                    let few = 1 + self.below(9);
                    let more = self.bytes(few);
                    bytes.splice(at..at, more);
                }
                _ => {
                    let end = (at + 1 + self.below(9)).min(bytes.len());
                    bytes.drain(at.min(end)..end);
                }
            }
        }
        bytes
    }
}
