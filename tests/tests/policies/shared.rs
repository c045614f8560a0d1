//! A proxy whose policies come from the reference collector, and clients that live through their changes.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};
use sluice_tests::collector::{Collector, Event};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::policy_v1::Ack;
use sluice_tests::raw::{h1, h2};
use sluice_tests::wait;
use sluice_tests::world::World;

/// How many workers the tests run with.
pub(crate) const WORKERS: [u32; 2] = [1, 4];
/// The resource of the tests.
pub(crate) const SANDBOX: (&str, &str) = ("sandbox", "sb_1");
/// Enough that with four workers each is likely to have some.
pub(crate) const CONNECTIONS: usize = 10;

/// A listed host, by [`enforce`].
pub(crate) const LISTED: &str = "api.github.com";
/// One that is not.
pub(crate) const UNLISTED: &str = "unlisted.example.com";

/// Everything a test of live policies needs.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) collector: Collector,
    workers: Cell<u32>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            world: World::start(),
            collector: Collector::start(),
            workers: Cell::default(),
        }
    }

    /// The shipped forward proxy, which asks the collector for policies.
    pub(crate) fn setup(&self, workers: u32, configuration: Value) -> Setup {
        self.workers.set(workers);
        Setup::shipped("forward-proxy", &self.world.dns)
            .collector(self.collector.port())
            .concurrency(workers)
            .configuration(&live(configuration))
    }

    /// `name` at the plain upstream.
    pub(crate) fn plain(&self, name: &str) -> String {
        format!("{name}:{}", self.world.plain.port())
    }

    /// Sets the policy of the resource.
    pub(crate) fn set(&self, revision: u64, policy: &Value) {
        self.set_for(SANDBOX, revision, policy);
    }

    pub(crate) fn set_for(&self, (kind, id): (&str, &str), revision: u64, policy: &Value) {
        self.collector.set_policy(kind, id, 1, revision, effective(policy));
    }

    /// Waits until the collector was told that all VMs have a revision in force.
    pub(crate) fn in_force_everywhere(&self, revision: u64) -> Ack {
        self.in_force_in_all(1, revision)
    }

    pub(crate) fn in_force_in_all(&self, epoch: u64, revision: u64) -> Ack {
        wait::until(&format!("revision {revision} in force in all VMs"), || {
            let version = |ack: &Ack| ack.version.map(|version| (version.epoch, version.revision));
            let mut acks = self.collector.acks().into_iter();
            // Those of the workers and of the main thread: a VM is known from its first tick on.
            let all = |ack: &Ack| ack.vms_in_force == ack.vms && ack.vms > self.workers.get();
            acks.find(|ack| version(ack) == Some((epoch, revision)) && all(ack))
        })
    }

    /// The audit event about a host that fits, waited for.
    pub(crate) fn audit(&self, host: &str, mut fits: impl FnMut(&Event) -> bool) -> Event {
        self.collector.event(host, |event| {
            event.name() == "audit" && event.text("server.address") == Some(host) && fits(event)
        })
    }
}

/// The configuration with a resource, a policy service, and events that leave quickly.
pub(crate) fn live(mut configuration: Value) -> Value {
    let fields = configuration.as_object_mut().expect("a configuration is an object");
    for (name, value) in [
        ("resource", json!({"type": SANDBOX.0, "id": SANDBOX.1})),
        ("policy_service", json!({"cluster": "sluice"})),
        ("events", json!({"cluster": "sluice", "flush_ms": 100})),
        // Generous: no test is about a loaded machine.
        ("hold_ms", json!(20_000)),
    ] {
        fields.entry(name).or_insert(value);
    }
    configuration
}

/// What a policy service sends for a resource with this policy, without one of its tenant.
pub(crate) fn effective(policy: &Value) -> Value {
    json!({"tenant": null, "resource": policy})
}

/// Only [`LISTED`].
pub(crate) fn enforce() -> Value {
    allow(&[LISTED])
}

/// Only these hosts.
pub(crate) fn allow(hosts: &[&str]) -> Value {
    let rule = |(number, host): (usize, &&str)| json!({"id": format!("r{number}"), "effect": "allow", "host": host});
    let rules: Vec<_> = hosts.iter().enumerate().map(rule).collect();
    json!({"mode": "enforce", "rules": rules})
}

/// All hosts, and records which ones `enforce` would reject.
pub(crate) fn audit_only() -> Value {
    let mut policy = enforce();
    policy["mode"] = json!("audit_only");
    policy
}

pub(crate) fn proxy(envoy: &Envoy) -> SocketAddr {
    envoy.listener("forward_proxy")
}

/// The status of one plain GET on a connection of its own.
pub(crate) fn get(proxy: SocketAddr, authority: &str) -> Option<u16> {
    h1::Connection::open(proxy).send(&h1::get(authority)).status()
}

/// Connections of both kinds that live through all changes.
pub(crate) struct Clients {
    kept_alive: Vec<h1::Connection>,
    multiplexed: Vec<h2::Connection>,
}

impl Clients {
    pub(crate) fn open(proxy: SocketAddr) -> Self {
        Self {
            kept_alive: (0..CONNECTIONS).map(|_| h1::Connection::open(proxy)).collect(),
            multiplexed: (0..CONNECTIONS).map(|_| h2::Connection::open(proxy)).collect(),
        }
    }

    /// One plain request on each connection, and all their statuses.
    pub(crate) fn get(&mut self, authority: &str) -> Vec<Option<u16>> {
        let plain = h1::get(authority);
        let headers: [(&[u8], &[u8]); 4] = [
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", authority.as_bytes()),
            (b":path", b"/"),
        ];
        let kept_alive = self.kept_alive.iter_mut().map(|client| client.send(&plain).status());
        let multiplexed = self.multiplexed.iter_mut().map(|client| client.send(&headers).status());
        kept_alive.chain(multiplexed).collect()
    }
}

/// This status on every connection.
pub(crate) fn all(status: u16) -> Vec<Option<u16>> {
    vec![Some(status); 2 * CONNECTIONS]
}

/// An upstream that does what the test says, when it says so.
pub(crate) struct Listener(TcpListener);

/// One of its connections.
pub(crate) struct Accepted(BufReader<TcpStream>);

impl Listener {
    pub(crate) fn bind() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().expect("a bound socket has an address").port()
    }

    pub(crate) fn authority(&self, name: &str) -> String {
        format!("{name}:{}", self.port())
    }

    pub(crate) fn accept(&self) -> Accepted {
        self.0
            .set_nonblocking(true)
            .expect("a socket can be asked without waiting");
        let (stream, _) = wait::until("the proxy to dial", || self.0.accept().ok());
        stream.set_nonblocking(false).expect("a socket can wait");
        Accepted(BufReader::new(stream))
    }
}

impl Accepted {
    /// The head and body of a request.
    pub(crate) fn request(&mut self) -> (String, Vec<u8>) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).expect("the request arrives"), 0);
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).expect("the body arrives");
        (head, body)
    }

    pub(crate) fn answer(&mut self, status: &str, body: &str) {
        self.write(&format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("the proxy takes it");
    }
}

/// The status of one plain GET from this address of loopback.
pub(crate) fn get_from(client: Ipv4Addr, proxy: SocketAddr, authority: &str) -> Option<u16> {
    h1::Connection::open_from((client, 0).into(), proxy)
        .send(&h1::get(authority))
        .status()
}
