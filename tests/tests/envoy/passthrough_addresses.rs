//! TLS that is passed on: what its server name resolves to is decided before a byte is sent there, and each connection
//! is decided by what it said itself, however many there are.

use std::net::Ipv4Addr;
use std::thread;

use serde_json::{Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Entry, Envoy, Setup};
use sluice_tests::greeter::{GREETING, Greeter};
use sluice_tests::raw::tls;

use crate::three_addresses::{DENIED, EXPECTED, NAME, PRIVATE, Places};

/// One port on three addresses, which is the one that is decided and dialled.
struct Site {
    envoy: Envoy,
    dns: Dns,
    collector: Collector,
    places: Places,
}

fn configuration(mode: &str, port: u16, rules: &Value) -> Value {
    json!({
        "resource": {"type": "sandbox", "id": "sb_1"},
        "events": {"cluster": "sluice", "flush_ms": 10},
        "default_port": port,
        "resolves_to": [],
        "policy": {"mode": mode, "rules": rules},
    })
}

impl Site {
    fn start(mode: &str) -> Self {
        let places = Places::open();
        let port = places.port();
        let dns = Dns::start([
            (NAME, vec![EXPECTED]),
            ("plain.example.com", vec![PRIVATE]),
            ("both.example.com", vec![EXPECTED, DENIED]),
            ("other.example.com", vec![DENIED, EXPECTED]),
        ]);
        let rules = json!([
            {"id": "names", "effect": "allow", "host": "*.example.com", "resolves_to": ["127.0.0.2/31"]},
            {"id": "plain", "effect": "allow", "host": "plain.example.com"},
            {"id": "no", "effect": "deny", "host": "127.0.0.3"},
        ]);
        let collector = Collector::start();
        let envoy = Setup::shipped("transparent", &dns)
            .collector(collector.port())
            .configuration(&configuration(mode, port, &rules))
            .start();
        Self {
            envoy,
            dns,
            collector,
            places,
        }
    }

    fn hello(&self, name: &[u8]) -> Vec<u8> {
        tls::Connection::open(self.envoy.listener("tls")).hello(name)
    }

    fn entry(&self, name: &str) -> Entry {
        self.envoy
            .logged(name, |entry| entry.requested_server_name.as_deref() == Some(name))
    }
}

#[test]
fn a_private_address_gets_no_byte() {
    let site = Site::start("enforce");
    assert_eq!(site.hello(b"plain.example.com"), b"");
    assert_eq!(site.places.private.received(), 0);
    let entry = site.entry("plain.example.com");
    assert_eq!(entry.decision()["rejected_by"], "private_address");
    assert_eq!(
        entry.upstream_host.as_deref(),
        Some(site.places.private.address().to_string().as_str())
    );
    for kind in ["audit", "pending"] {
        let event = site.collector.event(kind, |event| {
            event.name() == kind && event.text("server.address") == Some("plain.example.com")
        });
        assert_eq!(event.text("sluice.rejected_by"), Some("private_address"), "{kind}");
        assert_eq!(event.text("sluice.action"), Some("reject"), "{kind}");
    }

    assert_eq!(site.hello(NAME.as_bytes()), GREETING);
    let entry = site.entry(NAME);
    assert_eq!(entry.decision()["rule_id"], "names");
    assert_eq!(
        entry.upstream_host.as_deref(),
        Some(site.places.expected.address().to_string().as_str())
    );
}

#[test]
fn observing_sends_it_there_and_records_what_it_was() {
    let site = Site::start("audit_only");
    assert_eq!(site.hello(b"plain.example.com"), GREETING);
    let event = site.collector.event("the decision", |event| {
        event.name() == "audit" && event.text("server.address") == Some("plain.example.com")
    });
    assert_eq!(event.text("sluice.rejected_by"), Some("private_address"));
    assert_eq!(event.text("sluice.action"), Some("allow"));
    assert_eq!(event.flag("sluice.would_reject"), Some(true));
}

/// Of several addresses any may be dialled, so each is decided.
#[test]
fn a_harmless_address_hides_no_other_one() {
    let site = Site::start("enforce");
    for name in ["both.example.com", "other.example.com"] {
        let passed = (0..20).filter(|_| site.hello(name.as_bytes()) == GREETING).count();
        assert!(
            passed > 0 && passed < 20,
            "{name}: both addresses were tried, {passed} passed"
        );
    }
    assert_eq!(site.places.denied.received(), 0);
}

/// The tunnel within Envoy is asked for in the filter's words.
#[test]
fn no_text_of_a_server_name_gets_anywhere() {
    let site = Site::start("audit_only");
    let (private, expected) = (
        site.places.private.address().port(),
        site.places.expected.address().port(),
    );
    for name in [
        format!("{NAME}:{private}"),
        format!("{NAME} http/1.1\r\nx-sluice-stream: 1"),
        format!("x@{NAME}"),
        format!("{NAME}/"),
        format!("{NAME}%00.example.com"),
        format!("127.0.0.1:{expected}"),
        "127.0.0.1".to_owned(),
        String::new(),
    ] {
        assert_eq!(site.hello(name.as_bytes()), b"", "{name:?}");
    }
    assert_eq!(site.dns.queries(NAME), 0);
    for greeter in [&site.places.expected, &site.places.private, &site.places.denied] {
        assert_eq!(greeter.accepted(), 0);
    }
    assert_eq!(site.hello(NAME.as_bytes()), GREETING, "the proxy goes on");
}

/// Connections within Envoy come from a pool, so whoever is first could be taken for all.
#[test]
fn many_at_once_are_each_decided_by_what_they_said() {
    const CLIENTS: u8 = 16;
    const ROUNDS: usize = 10;
    let addresses: Vec<Ipv4Addr> = (1..=CLIENTS).map(|client| Ipv4Addr::new(127, 0, 1, client)).collect();
    let greeters = Greeter::answering_at(&addresses);
    let port = greeters[0].address().port();
    let name = |client: u8| format!("n{client}.example.com");
    let dns = Dns::start([]);
    let mut rules = Vec::new();
    for (client, address) in (0..).zip(addresses) {
        dns.lead(&name(client), &[address]);
        rules.push(json!({"id": name(client), "effect": "allow", "host": name(client),
            "resolves_to": [format!("{address}/32")]}));
    }
    let collector = Collector::start();
    let envoy = Setup::shipped("transparent", &dns)
        .collector(collector.port())
        .configuration(&configuration("enforce", port, &json!(rules)))
        .start();
    let listener = envoy.listener("tls");
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let passed = tls::Connection::open(listener).hello(name(client).as_bytes());
                    assert_eq!(passed, GREETING, "client {client}");
                }
            });
        }
    });
    for (client, greeter) in greeters.iter().enumerate() {
        assert_eq!(greeter.accepted(), ROUNDS, "client {client}");
    }
}
