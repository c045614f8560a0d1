//! The shipped forward proxy in front of a small internet, with one host listed.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

/// A host that is listed.
pub(crate) const LISTED: &str = "api.github.com";
/// One that is not.
pub(crate) const UNLISTED: &str = "unlisted.example.com";

/// The proxy and all that is around it.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) envoy: Envoy,
}

/// A configuration in which [`LISTED`] is listed.
pub(crate) fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "listed", "effect": "allow", "host": LISTED},
    ]}})
}

impl Site {
    pub(crate) fn start(mode: &str) -> Self {
        let world = World::start();
        let envoy = Setup::shipped("forward-proxy", &world.dns)
            .configuration(&policy(mode))
            .start();
        Self { world, envoy }
    }

    pub(crate) fn proxy(&self) -> SocketAddr {
        self.envoy.listener("forward_proxy")
    }

    pub(crate) fn connect(&self) -> h1::Connection {
        h1::Connection::open(self.proxy())
    }

    /// `name` at the plain upstream.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{name}:{}", self.world.plain.port())
    }

    /// The heads of the requests that the upstream got, in lower case.
    pub(crate) fn forwarded(&self) -> Vec<String> {
        let heads = self.world.plain.requests().into_iter();
        heads.map(|head| head.to_ascii_lowercase()).collect()
    }

    /// What is not listed was neither looked up nor asked for anything.
    pub(crate) fn nothing_went_to_the_unlisted_host(&self) {
        assert_eq!(self.world.dns.queries(UNLISTED), 0);
        for head in self.forwarded() {
            assert!(!head.contains(UNLISTED), "{head}");
        }
    }
}
