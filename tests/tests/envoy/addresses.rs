//! What a name resolves to: each address is decided before a byte is sent to it, every one of a name that has several.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::GREETING;
use sluice_tests::raw::h1;
use sluice_tests::wait;

use crate::three_addresses::{DENIED, EXPECTED, NAME, PRIVATE, Places};

/// One port on three addresses.
struct Site {
    envoy: Envoy,
    dns: Dns,
    collector: Collector,
    places: Places,
}

fn policy(mode: &str) -> Value {
    json!({
        "resource": {"type": "sandbox", "id": "sb_1"},
        "resolves_to": [],
        "events": {"cluster": "sluice", "flush_ms": 10},
        "policy": {"mode": mode, "default_effect": "allow", "rules": [
            {"id": "api", "effect": "allow", "host": NAME, "resolves_to": ["127.0.0.2/31"]},
            {"id": "plain", "effect": "allow", "host": "plain.example.com"},
            {"id": "no", "effect": "deny", "host": "127.0.0.3"},
        ]},
    })
}

impl Site {
    fn start(mode: &str) -> Self {
        let places = Places::open();
        let dns = Dns::start([
            (NAME, vec![EXPECTED]),
            ("plain.example.com", vec![PRIVATE]),
            ("unlisted.example.com", vec![PRIVATE]),
        ]);
        let collector = Collector::start();
        let envoy = Setup::shipped("forward-proxy", &dns)
            .collector(collector.port())
            .configuration(&policy(mode))
            // What is shipped asks again later than a test has time.
            .edit(|bootstrap| {
                let cluster = &mut bootstrap["static_resources"]["clusters"][0];
                assert_eq!(cluster["dns_refresh_rate"], "30s");
                cluster["dns_refresh_rate"] = json!("0.2s");
            })
            .start();
        Self {
            envoy,
            dns,
            collector,
            places,
        }
    }

    fn target(&self, name: &str) -> String {
        format!("{name}:{}", self.places.port())
    }

    /// The status of a `CONNECT`, and whether the greeting came through it.
    fn tunnel(&self, name: &str) -> (Option<u16>, bool) {
        let mut connection = h1::Connection::open(self.envoy.listener("forward_proxy"));
        let status = connection.send(&h1::connect_to(&self.target(name))).status();
        if status != Some(200) {
            return (status, false);
        }
        connection.begin(b"hello");
        (status, connection.rest() == GREETING)
    }

    /// The status of a `GET`. What a greeter says is no HTTP, which Envoy answers with 502.
    fn get(&self, name: &str) -> Option<u16> {
        let request = h1::get(&self.target(name));
        h1::Connection::open(self.envoy.listener("forward_proxy"))
            .send(&request)
            .status()
    }
}

#[test]
fn a_private_address_gets_no_byte() {
    let site = Site::start("enforce");
    for name in ["plain.example.com", "unlisted.example.com"] {
        assert_eq!(site.tunnel(name), (Some(403), false), "{name}");
        assert_eq!(site.get(name), Some(403), "{name}");
    }
    assert_eq!(site.places.private.received(), 0);
    assert_eq!(site.tunnel(NAME), (Some(200), true));
    assert_eq!(site.get(NAME), Some(502));

    let entry = site.envoy.logged("the request", |entry| {
        entry.is_for(&site.target("plain.example.com")) && entry.method.as_deref() == Some("GET")
    });
    assert_eq!(
        entry.response_code_details.as_deref(),
        Some("sluice_rejected{private_address}")
    );
    assert_eq!(entry.decision()["rejected_by"], "private_address");
    for kind in ["audit", "pending"] {
        let event = site.collector.event(kind, |event| {
            event.name() == kind && event.text("server.address") == Some("plain.example.com")
        });
        assert_eq!(event.text("sluice.rejected_by"), Some("private_address"), "{kind}");
        assert_eq!(event.text("sluice.action"), Some("reject"), "{kind}");
    }
}

#[test]
fn observing_sends_it_there_and_records_what_it_was() {
    let site = Site::start("audit_only");
    assert_eq!(site.tunnel("plain.example.com"), (Some(200), true));
    let event = site.collector.event("the decision", |event| {
        event.name() == "audit" && event.text("server.address") == Some("plain.example.com")
    });
    assert_eq!(event.text("sluice.rejected_by"), Some("private_address"));
    assert_eq!(event.text("sluice.action"), Some("allow"));
    assert_eq!(event.flag("sluice.would_reject"), Some(true));
    assert_eq!(event.text("network.peer.address"), Some("127.0.0.1"));
}

/// What was let pass while observing is decided again, by the address too.
#[test]
fn locking_down_closes_a_tunnel_to_a_private_address() {
    let mut site = Site::start("audit_only");
    let open = |name: &str| {
        let mut connection = h1::Connection::open(site.envoy.listener("forward_proxy"));
        let status = connection.send(&h1::connect_to(&site.target(name))).status();
        assert_eq!(status, Some(200), "{name}");
        connection
    };
    let (mut private, mut expected) = (open("plain.example.com"), open(NAME));
    let mut locked = policy("enforce");
    locked["generation"] = json!(2);
    site.envoy.switch(&locked);
    assert_eq!(private.rest(), b"");
    expected.begin(b"hello");
    assert_eq!(expected.rest(), GREETING);
    let event = site.collector.event("the end of the tunnel", |event| {
        event.text("server.address") == Some("plain.example.com")
            && event.text("sluice.outcome") == Some("policy_changed")
    });
    assert_eq!(event.text("sluice.rejected_by"), Some("private_address"));
}

/// Of several addresses any may be dialled, so each is decided.
#[test]
fn a_harmless_address_hides_no_other_one() {
    let site = Site::start("enforce");
    for addresses in [
        [EXPECTED, PRIVATE],
        [PRIVATE, EXPECTED],
        [EXPECTED, DENIED],
        [DENIED, EXPECTED],
    ] {
        let name = format!("n{}-{}.example.com", addresses[0].octets()[3], addresses[1].octets()[3]);
        site.dns.lead(&name, &addresses);
        for _ in 0..10 {
            // Every address of these is private.
            assert_eq!(site.tunnel(&name).0, Some(403), "{addresses:?}");
            assert_eq!(site.get(&name), Some(403), "{addresses:?}");
        }
        site.dns.lead(NAME, &addresses);
        wait::until("the name to lead elsewhere", || {
            let statuses: Vec<_> = (0..8).map(|_| site.tunnel(NAME).0).collect();
            (statuses.contains(&Some(403)) && statuses.contains(&Some(200))).then_some(())
        });
    }
    assert_eq!((site.places.private.received(), site.places.denied.received()), (0, 0));
    assert_ne!(site.places.expected.received(), 0);
    let denied = site.collector.event("the rule about an address", |event| {
        event.name() == "audit"
            && event.text("server.address") == Some(NAME)
            && event.text("sluice.rejected_by") == Some("no")
    });
    assert_eq!(denied.text("sluice.action"), Some("reject"));
}

#[test]
fn a_name_that_comes_to_lead_elsewhere_is_decided_anew() {
    let site = Site::start("enforce");
    assert_eq!(site.tunnel(NAME), (Some(200), true));
    site.dns.lead(NAME, &[PRIVATE]);
    wait::until("the new address to be known", || {
        (site.tunnel(NAME).0 == Some(403)).then_some(())
    });
    assert_eq!(site.places.private.received(), 0);
}

#[test]
fn an_address_that_does_not_answer_costs_a_try() {
    let mut site = Site::start("enforce");
    // Allowed by the rule, and nobody is there.
    let nobody = Ipv4Addr::new(127, 0, 0, 9);
    let mut open = policy("enforce");
    open["policy"]["rules"][0]["resolves_to"] = json!(["127.0.0.0/8"]);
    open["generation"] = json!(2);
    site.envoy.switch(&open);
    site.dns.lead(NAME, &[nobody, EXPECTED]);
    for _ in 0..10 {
        assert_eq!(site.tunnel(NAME), (Some(200), true));
    }
    // And not one each time.
    let clusters: Value = serde_json::from_str(&site.envoy.admin("GET", "/clusters?format=json")).expect("it is JSON");
    let hosts = clusters["cluster_statuses"].as_array().into_iter().flatten();
    let hosts = hosts.flat_map(|cluster| cluster["host_statuses"].as_array().into_iter().flatten());
    let left_out = hosts.filter(|host| host["health_status"]["failed_outlier_check"] == true);
    let left_out: Vec<_> = left_out
        .map(|host| &host["address"]["socket_address"]["address"])
        .collect();
    assert_eq!(left_out, [&json!(nobody)]);
}

/// The network that the proxy itself stands in.
#[test]
fn blocks_of_the_configuration_hold_for_every_name() {
    let mut site = Site::start("enforce");
    let mut open = policy("enforce");
    open["resolves_to"] = json!(["127.0.0.0/30"]);
    open["generation"] = json!(2);
    site.envoy.switch(&open);
    for name in ["plain.example.com", "unlisted.example.com"] {
        assert_eq!(site.tunnel(name), (Some(200), true), "{name}");
    }
    // Nothing that a policy would have to speak of.
    let event = site.collector.event("the decision", |event| {
        event.name() == "audit" && event.text("server.address") == Some("plain.example.com")
    });
    assert_eq!(event.text("network.peer.address"), None);
    // What a rule denies stays denied.
    site.dns.lead("denied.example.com", &[DENIED]);
    assert_eq!(site.tunnel("denied.example.com").0, Some(403));
    assert_eq!(site.places.denied.received(), 0);
}

/// Names that do not exist take places among those that do.
#[test]
fn two_thousand_names_that_do_not_exist_keep_none_out_that_does() {
    let site = Site::start("enforce");
    let mut connection = h1::Connection::open(site.envoy.listener("forward_proxy"));
    for number in 0..2_000 {
        let target = format!("junk-{number}.example.com:80");
        assert_eq!(connection.send(&h1::get(&target)).status(), Some(503), "{target}");
    }
    assert_eq!(site.tunnel(NAME), (Some(200), true));
}
