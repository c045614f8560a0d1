//! A sidecar's outbound side without Istio: what is listed and registered passes, to where Envoy looks its name up, and
//! nothing else is dialled.

#[path = "../istio/capture.rs"]
mod capture;
mod layout;
mod nameless;
mod names;
mod plain;
mod registering;

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::curl::Curl;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::Greeter;
use sluice_tests::world::World;

/// curl's exit code for a connection that ended during the TLS handshake.
const RESET_IN_HANDSHAKE: i32 = 35;

/// Where the sandbox believes that names lead. Nobody goes there.
const SOMEWHERE: &str = "192.0.2.1";

/// A sidecar, and what its registry leads to.
struct Scene {
    world: World,
    /// What answers at the one registered address.
    database: Greeter,
    envoy: Envoy,
}

impl Scene {
    fn shipped() -> Self {
        Self::with(|setup, _| setup)
    }

    /// Of what is registered `api.openai.com` is listed at port 80 only, and of what is listed `new.example.com`, the
    /// metadata service and most of 10.2.0.0/16 are not registered.
    fn locked() -> Self {
        Self::with(|setup, _| setup.policy(&policy("enforce")))
    }

    fn with(change: impl FnOnce(Setup, &World) -> Setup) -> Self {
        let world = World::start();
        let database = Greeter::answering();
        let setup = Setup::shipped("sidecar", &world.dns)
            .redirected_by_proxy_protocol()
            .registered("outbound|443||api.github.com", world.teapot.port())
            .registered("outbound|443||api.openai.com", world.tls.port())
            .registered("outbound|80||api.github.com", world.plain.port())
            .registered("outbound|80||api.openai.com", world.plain.port())
            .registered("outbound|5432||db.corp.example.com", database.address().port());
        let envoy = change(setup, &world).start();
        Self { world, database, envoy }
    }

    /// Where a connection to this address is redirected to.
    fn to(&self, dialled: &str) -> SocketAddr {
        let dialled = dialled.parse().expect("it is an address");
        capture::redirect(self.listener(), dialled)
    }

    /// curl whose connections are dialled at this address, whatever the URL says.
    fn curl(&self, dialled: &str) -> Curl {
        self.world.redirected_curl(self.to(dialled))
    }

    fn listener(&self) -> SocketAddr {
        self.envoy.listener("virtualOutbound")
    }

    /// What is on record of the connection or request of this number: what was decided of it, by what, and the
    /// cluster that it went to.
    fn record(&self, number: usize) -> String {
        let log = self.envoy.recording(number);
        let line = log.lines().nth(number - 1).expect("it was waited for");
        let line: Value = serde_json::from_str(line).expect("our log is JSON");
        let verdict: Value = serde_json::from_str(line["verdict"].as_str().unwrap_or("{}")).expect("it is a decision");
        let text = |key: &str| verdict[key].as_str();
        let action = text("action").unwrap_or("undecided");
        let by = text("rejected_by").or(text("rule_id")).unwrap_or_default();
        let target = text("host").map_or(String::new(), |host| format!("{host}:{}", verdict["port"]));
        let cluster = line["upstream_cluster"].as_str().unwrap_or("nowhere");
        format!("{action} {by} {target} > {cluster}")
    }

    /// Connections that Envoy has opened to what is registered, or tried to.
    fn dialled(&self) -> u64 {
        let stats = self.envoy.admin("GET", "/stats?filter=upstream_cx_total");
        let opened = stats.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.starts_with("cluster.").then(|| value.parse::<u64>().ok())?
        });
        opened.sum()
    }
}

fn policy(mode: &str) -> Value {
    json!({"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
        {"id": "ai", "effect": "allow", "host": "*.openai.com", "ports": [80]},
        {"id": "late", "effect": "allow", "host": "new.example.com"},
        {"id": "db", "effect": "allow", "host": "10.2.0.0/16", "ports": [5432]},
        {"id": "meta", "effect": "allow", "host": "169.254.169.254"},
        {"id": "bad", "effect": "deny", "host": "192.0.2.66"},
    ]})
}
