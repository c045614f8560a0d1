//! A proxy that reports to a collector, and what goes through it.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::collector::{Collector, Event};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

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

pub(crate) fn proxy(envoy: &Envoy) -> SocketAddr {
    envoy.listener("forward_proxy")
}

/// The status of one plain GET on a connection of its own.
pub(crate) fn get(proxy: SocketAddr, authority: &str) -> Option<u16> {
    h1::Connection::open(proxy).send(&h1::get(authority)).status()
}
