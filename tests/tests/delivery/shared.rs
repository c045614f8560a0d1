//! A proxy that reports to a collector, and what goes through it.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};
use sluice_tests::collector::{Collector, Event, Ledger};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::wait;
use sluice_tests::world::World;

/// Runs a test with one worker and with four, side by side: most of the time it waits for heartbeats.
pub(crate) fn each_number_of_workers(test: impl Fn(u32) + Sync) {
    thread::scope(|scope| {
        for workers in [1, 4] {
            let test = &test;
            scope.spawn(move || test(workers));
        }
    });
}

/// The gauge of records that were not acknowledged yet.
pub(crate) const UNSENT: &str = "wasmcustom.sluice_events_unsent";

/// Everything a test of delivery needs.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) collector: Collector,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            world: World::start(),
            collector: Collector::start(),
        }
    }

    /// The shipped forward proxy with events on.
    pub(crate) fn setup(&self, configuration: &Value) -> Setup {
        Setup::shipped("forward-proxy", &self.world.dns)
            .collector(self.collector.port())
            .configuration(&with_events(configuration.clone()))
    }

    /// `name` at the plain upstream.
    pub(crate) fn plain(&self, name: &str) -> String {
        format!("{name}:{}", self.world.plain.port())
    }

    /// The audit events about a host.
    pub(crate) fn audits(&self, host: &str) -> Vec<Event> {
        let events = self.collector.events().into_iter();
        events
            .filter(|event| event.name() == "audit" && event.text("server.address") == Some(host))
            .collect()
    }

    /// The first audit event about a host, waited for.
    pub(crate) fn audit(&self, host: &str) -> Event {
        self.collector.event(host, |event| {
            event.name() == "audit" && event.text("server.address") == Some(host)
        })
    }

    /// The first audit event with a path, waited for.
    pub(crate) fn audit_of_path(&self, path: &str) -> Event {
        self.collector.event(path, |event| {
            event.name() == "audit" && event.text("url.path") == Some(path)
        })
    }

    /// Waits until nothing is unsent and all decisions are accounted for, and gives the ledger.
    pub(crate) fn settled(&self, envoy: &Envoy, decisions: u64) -> Ledger {
        let decisions = i64::try_from(decisions).expect("a test makes few");
        let adds_up = |ledger: &Ledger| ledger.decisions() == decisions && ledger.accounted() == decisions;
        let settled = wait::within(wait::PATIENCE, || {
            // The ledger is work, so only when there is hope.
            let ledger = (envoy.stat(UNSENT) == 0).then(|| self.collector.ledger())?;
            adds_up(&ledger).then_some(ledger)
        });
        settled.unwrap_or_else(|| {
            let ledger = self.collector.ledger();
            panic!(
                "{decisions} decisions, {} counted by the process, {} accounted for, {} unsent: {ledger:#?}",
                ledger.decisions(),
                ledger.accounted(),
                envoy.stat(UNSENT)
            )
        })
    }
}

/// The configuration with a resource and events that leave quickly.
pub(crate) fn with_events(mut configuration: Value) -> Value {
    let fields = configuration.as_object_mut().expect("a configuration is an object");
    fields
        .entry("resource")
        .or_insert_with(|| json!({"type": "sandbox", "id": "sb_1"}));
    fields
        .entry("events")
        .or_insert_with(|| json!({"cluster": "sluice", "flush_ms": 100}));
    configuration
}

/// The policy that allows api.github.com alone.
pub(crate) fn github_only() -> Value {
    json!({"mode": "enforce", "rules": [{"id": "gh", "effect": "allow", "host": "api.github.com"}]})
}

/// For load: no access log, and Envoy itself answers what is allowed, so that what is measured is the filter.
pub(crate) fn answering_itself(setup: Setup) -> Setup {
    setup.edit(|bootstrap| {
        let manager = bootstrap.pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config");
        let manager = manager.expect("the listener has a connection manager");
        manager["access_log"] = json!([]);
        manager["route_config"]["virtual_hosts"][0]["routes"][1] =
            json!({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}});
    })
}

/// Tests that take all there is of the machine take turns.
pub(crate) fn whole_machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn proxy(envoy: &Envoy) -> SocketAddr {
    envoy.listener("forward_proxy")
}

/// The status of one plain GET on a connection of its own.
pub(crate) fn get(proxy: SocketAddr, authority: &str) -> Option<u16> {
    h1::Connection::open(proxy).send(&h1::get(authority)).status()
}

/// The bytes of a GET of a path, as sent to a proxy.
pub(crate) fn get_path(authority: &str, path: &str) -> Vec<u8> {
    let url = format!("http://{authority}{path}");
    h1::request(b"GET", url.as_bytes(), &[(b"host", authority.as_bytes())])
}

/// What must hold whatever a collector does: no trap, and nothing that Envoy calls critical.
pub(crate) fn assert_unharmed(envoy: &Envoy) {
    let log = envoy.log();
    let critical: Vec<_> = log.lines().filter(|line| line.contains("[critical]")).collect();
    assert!(critical.is_empty(), "{critical:#?}");
    let trapped = |details: Option<String>| details.is_some_and(|details| details.contains("wasm_fail_stream"));
    let entries = envoy.access_log().into_iter();
    assert_eq!(
        entries
            .filter(|entry| trapped(entry.response_code_details.clone()))
            .count(),
        0
    );
}
