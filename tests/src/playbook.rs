//! The whole of Sluice on loopback: a collector, sandboxes behind real Envoys, and what they talk to.

mod api;

use serde_json::{Value, json};

pub use api::{Answer, Api};

use crate::curl::Curl;
use crate::envoy::{Envoy, Setup};
use crate::sluice::Sluice;
use crate::wait;
use crate::world::World;

/// Where a collector keeps what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite,
    /// The tests' own cluster.
    Postgres,
}

/// A collector and a small internet.
#[derive(Debug)]
pub struct Playbook {
    /// Names and upstreams.
    pub world: World,
    /// The collector.
    pub sluice: Sluice,
    /// Its API, as an admin.
    pub api: Api,
    /// What filters show it.
    filter_token: String,
}

/// A workload behind its own proxy.
#[derive(Debug)]
pub struct Sandbox {
    /// Its id.
    pub id: String,
    /// The proxy.
    pub envoy: Envoy,
    /// A client inside.
    pub curl: Curl,
}

impl Sandbox {
    /// Starts the shipped forward proxy, which gets its policy from the collector at this port of 127.0.0.1.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(id: &str, world: &World, collector: u16, token: &str) -> Self {
        Self::start_with(id, world, collector, token, &json!({}))
    }

    /// The same, with more members of the filter's configuration.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start_with(id: &str, world: &World, collector: u16, token: &str, more: &Value) -> Self {
        let mut configuration = json!({
            "resource": {"type": "sandbox", "id": id},
            "default_port": 80,
            "policy_service": {"cluster": "sluice", "token_env": "SLUICE_TOKEN"},
            "events": {"cluster": "sluice", "token_env": "SLUICE_TOKEN", "flush_ms": 100},
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            configuration[member] = value.clone();
        }
        let envoy = Setup::shipped("forward-proxy", &world.dns)
            .collector(collector)
            .environment("SLUICE_TOKEN", token)
            .configuration(&configuration)
            .concurrency(2)
            .start();
        let curl = world.curl(envoy.listener("forward_proxy"));
        Self {
            id: id.to_owned(),
            envoy,
            curl,
        }
    }
}

impl Playbook {
    /// Starts a collector on a new database.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(database: Database) -> Self {
        Self::with(match database {
            Database::Sqlite => Sluice::sqlite(),
            Database::Postgres => Sluice::postgres(),
        })
    }

    /// With a collector that runs.
    ///
    /// # Panics
    /// If it makes no token.
    #[must_use]
    pub fn with(sluice: Sluice) -> Self {
        let addresses = sluice.addresses();
        let api = Api::new(addresses.http, &addresses.token);
        let made = api.post(
            "/tokens",
            &json!({"name": "filters", "role": "filter", "scope": "sandbox/*"}),
        );
        let filter_token = made.data("token").as_str().expect("a new token is shown").to_owned();
        Self {
            world: World::start(),
            sluice,
            api,
            filter_token,
        }
    }

    /// Starts a proxy for a sandbox.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn sandbox(&self, id: &str) -> Sandbox {
        Sandbox::start(id, &self.world, self.sluice.addresses().grpc.port(), &self.filter_token)
    }

    /// Starts a proxy for a sandbox that lets no name lead to an address that is not public.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn guarded_sandbox(&self, id: &str) -> Sandbox {
        let collector = self.sluice.addresses().grpc.port();
        let nowhere = json!({"resolves_to": []});
        Sandbox::start_with(id, &self.world, collector, &self.filter_token, &nowhere)
    }

    /// `name` at the plain upstream, as a URL.
    #[must_use]
    pub fn plain(&self, name: &str) -> String {
        format!("http://{name}:{}/", self.world.plain.port())
    }

    /// `name` at the TLS upstream, as a URL.
    #[must_use]
    pub fn tls(&self, name: &str) -> String {
        format!("https://{name}:{}/", self.world.tls.port())
    }

    /// The own policy of a sandbox.
    #[must_use]
    pub fn policy(&self, sandbox: &str) -> Value {
        let path = format!("/egress/policies?resource_type=sandbox&resource_id={sandbox}");
        self.api.get(&path).ok()["data"][0].clone()
    }

    /// Does something to the policy of a sandbox: `lockdown`, `observe`, `rollback`.
    pub fn does(&self, sandbox: &str, operation: &str, body: &Value) -> Value {
        let id = self.policy(sandbox)["id"]
            .as_str()
            .expect("policies have ids")
            .to_owned();
        let done = self.api.post(&format!("/egress/policies/{id}/{operation}"), body).ok()["data"].clone();
        if let Some(revision) = done["revision"].as_i64() {
            self.in_force(sandbox, revision);
        }
        done
    }

    /// Waits until every live proxy of a sandbox has at least this revision.
    pub fn in_force(&self, sandbox: &str, revision: i64) {
        let path = format!("/egress/proxies?resource_type=sandbox&resource_id={sandbox}&state=live");
        wait::until(&format!("revision {revision} in force at {sandbox}"), || {
            let answer = self.api.get(&path).ok();
            let rows = answer["data"].as_array()?;
            let has = |row: &Value| row["live"]["revision"].as_i64() >= Some(revision);
            (!rows.is_empty() && rows.iter().all(has)).then_some(())
        });
    }

    /// The pending row of a host, waited for.
    #[must_use]
    pub fn pending(&self, sandbox: &str, host: &str) -> Value {
        let path = format!("/egress/pending?resource_type=sandbox&resource_id={sandbox}&host={host}");
        wait::until(&format!("{host} of {sandbox} in the pending queue"), || {
            self.api.get(&path).ok()["data"].get(0).cloned()
        })
    }
}
