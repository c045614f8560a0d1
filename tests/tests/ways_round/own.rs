//! The proxy's own addresses: its admin interface and its collector are no destination, in any mode or notation.

use serde_json::json;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{Answer, h1};

#[test]
fn the_collector_and_the_admin_interface_are_out_of_reach() {
    let dns = Dns::start([]);
    let envoy = Setup::shipped("forward-proxy", &dns)
        .configuration(&json!({
            "own": ["collector.example.com:4317", "198.51.100.7", "admin.example.com"],
            "policy": {"mode": "audit_only", "rules": [
                {"id": "all", "effect": "allow", "host": "*"},
                {"id": "net", "effect": "allow", "host": "198.51.100.0/24"},
            ]},
        }))
        .start();
    for own in [
        "collector.example.com:4317",
        "Collector.Example.com.:4317",
        "admin.example.com:80",
        "ADMIN.example.com:9901",
        "198.51.100.7:80",
        "198.51.100.7:4317",
        "[::ffff:198.51.100.7]:80",
        "[64:ff9b::198.51.100.7]:80",
        "[2002:c633:6407::]:80",
        "127.0.0.1:9901",
        "[::1]:9901",
        "localhost:9901",
    ] {
        for request in [h1::get(own), h1::connect_to(own)] {
            let answer = h1::Connection::open(envoy.listener("forward_proxy")).send(&request);
            let Answer::Response { status, head, .. } = answer else {
                panic!("no response for {own}");
            };
            assert_eq!(status, 403, "{own}");
            assert!(head.contains("x-sluice-rejected-by: self"), "{own}: {head}");
        }
    }
    for name in ["collector.example.com", "admin.example.com", "localhost"] {
        assert_eq!(dns.queries(name), 0, "{name}");
    }
    // Another port is not the collector's: it passes, and there is no such name here.
    let other = h1::get("collector.example.com:80");
    let answer = h1::Connection::open(envoy.listener("forward_proxy")).send(&other);
    assert_eq!(answer.status(), Some(503));
}
