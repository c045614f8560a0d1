//! A new policy rules every later request, also on connections that were open before it came.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{h1, h2};
use sluice_tests::world::World;

/// Enough that with four workers each is likely to have some.
const CONNECTIONS: usize = 12;

fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
    ]}})
}

/// Connections of both kinds that live through all switches.
struct Clients {
    kept_alive: Vec<h1::Connection>,
    multiplexed: Vec<h2::Connection>,
}

impl Clients {
    fn open(proxy: SocketAddr) -> Self {
        Self {
            kept_alive: (0..CONNECTIONS).map(|_| h1::Connection::open(proxy)).collect(),
            multiplexed: (0..CONNECTIONS).map(|_| h2::Connection::open(proxy)).collect(),
        }
    }

    /// One plain request on each connection, and all their statuses.
    fn get(&mut self, authority: &str) -> Vec<Option<u16>> {
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

fn all(status: u16) -> Vec<Option<u16>> {
    vec![Some(status); 2 * CONNECTIONS]
}

fn switches_at_once_on_open_connections(workers: u32) {
    let world = World::start();
    let mut envoy = Setup::shipped("forward-proxy", &world.dns)
        .concurrency(workers)
        .configuration(&policy("enforce"))
        .start();
    let proxy = envoy.listener("forward_proxy");
    let listed = format!("api.github.com:{}", world.plain.port());
    let unlisted = format!("unlisted.example.com:{}", world.plain.port());
    let mut clients = Clients::open(proxy);

    assert_eq!(clients.get(&unlisted), all(403));
    assert_eq!(clients.get(&listed), all(200));

    envoy.switch(&policy("audit_only"));
    assert_eq!(clients.get(&unlisted), all(200), "back to audit_only restores traffic");
    assert_eq!(clients.get(&listed), all(200));
    let logged = envoy.logged("an unlisted host in audit_only", |entry| {
        entry.is_for(&unlisted) && entry.response_code == Some(200)
    });
    assert_eq!(logged.decision()["would_reject"], true);
    let logged = envoy.logged("a listed host in audit_only", |entry| {
        entry.is_for(&listed) && entry.decision()["mode"] == "audit_only"
    });
    assert_eq!(logged.decision()["rule_id"], "gh", "the rules are kept");

    envoy.switch(&policy("enforce"));
    assert_eq!(clients.get(&unlisted), all(403), "and enforce blocks again");
    assert_eq!(clients.get(&listed), all(200));

    let opened = envoy.stat("http.forward_proxy.downstream_cx_total");
    assert_eq!(
        opened,
        2 * CONNECTIONS as u64,
        "all of it on the connections opened at first"
    );
}

#[test]
fn switches_at_once_on_open_connections_of_one_worker() {
    switches_at_once_on_open_connections(1);
}

#[test]
fn switches_at_once_on_open_connections_of_four_workers() {
    switches_at_once_on_open_connections(4);
}

#[test]
fn new_tunnels_follow_the_switch_too() {
    let world = World::start();
    let mut envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy("audit_only"))
        .start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    let unlisted = format!("https://unlisted.example.com:{}/", world.tls.port());
    assert_eq!(curl.get(&unlisted).http_code, 200);
    envoy.switch(&policy("enforce"));
    assert_eq!(curl.get(&unlisted).http_connect, 403);
    envoy.switch(&policy("audit_only"));
    assert_eq!(curl.get(&unlisted).http_code, 200);
}

#[test]
fn a_rule_added_live_opens_its_host_only() {
    let world = World::start();
    let mut envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy("enforce"))
        .start();
    let mut clients = Clients::open(envoy.listener("forward_proxy"));
    let added = format!("api.openai.com:{}", world.plain.port());
    let other = format!("unlisted.example.com:{}", world.plain.port());
    assert_eq!(clients.get(&added), all(403));

    let mut wider = policy("enforce");
    let rules = wider["policy"]["rules"].as_array_mut().expect("a policy has rules");
    rules.push(json!({"id": "ai", "effect": "allow", "host": "*.openai.com"}));
    envoy.switch(&wider);
    assert_eq!(clients.get(&added), all(200));
    assert_eq!(clients.get(&other), all(403));
}
