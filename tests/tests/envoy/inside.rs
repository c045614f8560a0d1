//! Inside a tunnel: no byte of a ClientHello goes on before its name has been looked at.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::{GREETING, Greeter};
use sluice_tests::raw::{h1, tls};
use sluice_tests::wait;

const NAME: &str = "api.example.com";

struct Site {
    envoy: Envoy,
    greeter: Greeter,
    collector: Collector,
    _dns: Dns,
}

impl Site {
    fn start(greeter: Greeter, mode: &str, more: &Value) -> Self {
        let dns = Dns::start([(NAME, vec![Ipv4Addr::LOCALHOST])]);
        let collector = Collector::start();
        let mut configuration = json!({
            "resource": {"type": "sandbox", "id": "sb_1"},
            "events": {"cluster": "sluice", "flush_ms": 10},
            "policy": {"mode": mode, "rules": [{"id": "api", "effect": "allow", "host": NAME}]},
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            configuration[name] = value.clone();
        }
        let envoy = Setup::shipped("forward-proxy", &dns)
            .collector(collector.port())
            .configuration(&configuration)
            .start();
        Self {
            envoy,
            greeter,
            collector,
            _dns: dns,
        }
    }

    /// A tunnel to the greeter by its name.
    fn tunnel(&self) -> h1::Connection {
        let mut connection = h1::Connection::open(self.envoy.listener("forward_proxy"));
        let target = format!("{NAME}:{}", self.greeter.address().port());
        assert_eq!(connection.send(&h1::connect_to(&target)).status(), Some(200));
        connection
    }
}

#[test]
fn a_clienthello_goes_on_whole_or_not_at_all() {
    let site = Site::start(Greeter::answering(), "enforce", &json!({}));
    let other = tls::client_hello(b"other.example.com");
    let mut tunnel = site.tunnel();
    for byte in other {
        tunnel.begin(&[byte]);
    }
    assert_eq!(tunnel.rest(), b"");
    assert_eq!(site.greeter.received(), 0, "not a byte of it");

    let right = tls::client_hello(NAME.as_bytes());
    let mut tunnel = site.tunnel();
    for part in right.chunks(7) {
        tunnel.begin(part);
    }
    assert_eq!(tunnel.rest(), GREETING);
    assert_eq!(site.greeter.received(), right.len());

    let entry = site.envoy.logged("the mismatch", |entry| {
        entry.response_code_details.as_deref() == Some("sluice_rejected{sni_mismatch}")
    });
    assert_eq!(entry.decision()["rejected_by"], "sni_mismatch");
}

#[test]
fn what_comes_with_the_connect_is_looked_at_too() {
    let site = Site::start(Greeter::answering(), "enforce", &json!({}));
    let target = format!("{NAME}:{}", site.greeter.address().port());
    let hello = tls::client_hello(b"other.example.com");
    let mut connection = h1::Connection::open(site.envoy.listener("forward_proxy"));
    connection.begin(&[h1::connect_to(&target), hello].concat());
    let answer = String::from_utf8_lossy(&connection.rest()).into_owned();
    assert!(!answer.contains("passed"), "{answer}");
    assert_eq!(site.greeter.received(), 0);
}

#[test]
fn a_server_that_speaks_first_is_not_waited_for() {
    let site = Site::start(Greeter::speaking_first(), "enforce", &json!({}));
    assert_eq!(site.tunnel().rest(), GREETING);
}

#[test]
fn observing_lets_it_pass_and_records_it_beside_the_tunnel() {
    let site = Site::start(Greeter::answering(), "audit_only", &json!({}));
    let mut tunnel = site.tunnel();
    tunnel.begin(&tls::client_hello(b"other.example.com"));
    assert_eq!(tunnel.rest(), GREETING);
    drop(tunnel);
    let of_audit = |inside: bool| {
        site.collector.event("the decision", |event| {
            event.name() == "audit" && event.text("sluice.parent").is_some() == inside
        })
    };
    let (inside, tunnel) = (of_audit(true), of_audit(false));
    assert_eq!(inside.text("sluice.parent"), tunnel.text("log.record.uid"));
    assert_eq!(inside.text("sluice.rejected_by"), Some("sni_mismatch"));
    assert_eq!(inside.text("tls.client.server_name"), Some("other.example.com"));
    assert_eq!(inside.flag("sluice.would_reject"), Some(true));
    assert_eq!(tunnel.flag("sluice.would_reject"), Some(false));
}

#[test]
fn a_tunnel_may_be_left_alone() {
    let site = Site::start(Greeter::answering(), "enforce", &json!({"tunnels": "opaque"}));
    let mut tunnel = site.tunnel();
    tunnel.begin(&tls::client_hello(b"other.example.com"));
    assert_eq!(tunnel.rest(), GREETING);
}

#[test]
fn a_clienthello_that_does_not_end_is_not_waited_for_without_end() {
    let site = Site::start(Greeter::answering(), "enforce", &json!({}));
    let hello = tls::client_hello(NAME.as_bytes());
    let mut tunnel = site.tunnel();
    tunnel.begin(&hello[..hello.len() - 1]);
    assert_eq!(tunnel.rest(), b"");
    assert_eq!(site.greeter.received(), 0);
    let entry = site.envoy.logged("the one that stalls", |entry| {
        entry.response_code_details.as_deref() == Some("sluice_rejected{sni_missing}")
    });
    assert_eq!(entry.decision()["rejected_by"], "sni_missing");
}

/// What passed while observing is decided by what was seen of it then.
#[test]
fn a_lockdown_closes_a_tunnel_that_carries_another_name() {
    let mut site = Site::start(Greeter::staying(), "audit_only", &json!({}));
    let mut other = site.tunnel();
    let hellos = [
        tls::client_hello(b"other.example.com"),
        tls::client_hello(NAME.as_bytes()),
    ];
    let mut right = site.tunnel();
    other.begin(&hellos[0]);
    right.begin(&hellos[1]);
    wait::until("both to have passed", || {
        (site.greeter.received() == hellos.concat().len()).then_some(())
    });
    let rules = json!([{"id": "api", "effect": "allow", "host": NAME}]);
    site.envoy
        .switch(&json!({"generation": 2, "policy": {"mode": "enforce", "rules": rules}}));
    assert_eq!(other.rest(), GREETING, "and then it is closed");
    right.begin(b"more");
    let entry = site
        .envoy
        .logged("the one that is closed", |entry| entry.verdict.is_some());
    assert_eq!(entry.decision()["rejected_by"], "sni_mismatch");
}
