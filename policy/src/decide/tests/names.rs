//! Connections: what a second name, or an address beside a name, makes of a decision.

use std::net::SocketAddr;

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn listed() -> Policy {
    policy(
        r#"{"mode": "enforce", "rules": [
            {"id": "api", "effect": "allow", "host": "api.example.com"},
            {"id": "cdn", "effect": "allow", "host": "*.cdn.example.com", "warn_only": true},
            {"id": "get", "effect": "allow", "host": "get.example.com", "methods": ["GET"]},
            {"id": "inside", "effect": "allow", "host": "db.example.com", "resolves_to": ["10.2.0.0/16"]},
            {"id": "net", "effect": "allow", "host": "192.0.2.0/24", "ports": [443, 22]},
            {"id": "bad", "effect": "deny", "host": "192.0.2.66"},
            {"id": "tunnel", "effect": "allow", "host": "198.51.100.1"}]}"#,
    )
}

fn told(decision: &Decision<'_, '_>) -> String {
    let record = decision.record();
    let by = record.rejected_by.or(record.rule_id);
    let target = match (record.host, record.port, record.raw) {
        (Some(host), Some(port), _) => format!("{host} {port}"),
        (_, _, raw) => format!("raw {:?}", raw.unwrap_or_default()),
    };
    format!("{} {} {target}", record.action, by.unwrap_or_default())
}

fn decided(seen: &Seen<'_>, destination: Option<&str>) -> String {
    let mut around = Surroundings::new(443);
    around.own.add(Host::parse(b"203.0.113.7").unwrap(), Some(4317));
    let circumstances = Circumstances {
        destination: destination.map(|address| address.parse::<SocketAddr>().unwrap()),
        ..at("2026-06-01T00:00:00Z").into()
    };
    told(&listed().decide(seen, &around, circumstances))
}

#[test]
fn where_a_connection_was_dialled_counts_beside_its_name() {
    for (server_name, dialled, expected) in [
        // The name decides, at the port that was dialled.
        ("api.example.com", "203.0.113.1:8443", "allow api api.example.com 8443"),
        (
            "other.example.com",
            "203.0.113.1:443",
            "reject default_deny other.example.com 443",
        ),
        // And the address may forbid what the name allows.
        ("api.example.com", "192.0.2.66:443", "reject bad api.example.com 443"),
        (
            "api.example.com",
            "10.2.0.1:443",
            "reject private_address api.example.com 443",
        ),
        ("db.example.com", "10.2.0.1:5432", "allow inside db.example.com 5432"),
        (
            "api.example.com",
            "203.0.113.7:4317",
            "reject self api.example.com 4317",
        ),
        (
            "api.example.com",
            "127.0.0.1:443",
            "reject private_address api.example.com 443",
        ),
        // An allowed address makes no other name allowed.
        (
            "other.example.com",
            "192.0.2.1:443",
            "reject default_deny other.example.com 443",
        ),
        // Without a usable name it is all there is.
        ("", "192.0.2.1:443", "allow net 192.0.2.1 443"),
        ("", "192.0.2.1:80", "reject sni_missing 192.0.2.1 80"),
        ("", "192.0.2.66:443", "reject bad 192.0.2.66 443"),
        ("", "203.0.113.1:443", "reject sni_missing 203.0.113.1 443"),
        ("", "127.0.0.1:443", "reject self 127.0.0.1 443"),
        ("", "[2001:db8::1]:443", "reject sni_missing 2001:db8::1 443"),
        ("192.0.2.1", "192.0.2.1:443", "allow net 192.0.2.1 443"),
        (
            "192.0.2.1",
            "203.0.113.1:443",
            "reject invalid_authority raw \"192.0.2.1\"",
        ),
        ("a b", "192.0.2.1:443", "allow net 192.0.2.1 443"),
        ("a b", "203.0.113.1:443", "reject invalid_authority raw \"a b\""),
    ] {
        let seen = Seen::Connection {
            server_name: server_name.as_bytes(),
            port: dialled.parse::<SocketAddr>().unwrap().port(),
        };
        assert_eq!(decided(&seen, Some(dialled)), expected, "{server_name:?} at {dialled}");
    }
}

/// A default that allows does not allow what hides its name from deny rules.
#[test]
fn hiding_the_name_helps_nobody() {
    let policy = policy(
        r#"{"mode": "enforce", "default_effect": "allow", "rules": [
        {"id": "no", "effect": "deny", "host": "no.example.com"}]}"#,
    );
    let circumstances = Circumstances {
        destination: Some("203.0.113.1:443".parse().unwrap()),
        ..at("2026-06-01T00:00:00Z").into()
    };
    let seen = Seen::Connection {
        server_name: b"",
        port: 443,
    };
    let decision = policy.decide(&seen, &Surroundings::new(443), circumstances);
    assert_eq!(told(&decision), "reject sni_missing 203.0.113.1 443");
}

#[test]
fn what_speaks_first_is_decided_by_address() {
    for (dialled, expected) in [
        ("192.0.2.1:22", "allow net 192.0.2.1 22"),
        ("192.0.2.1:25", "reject default_deny 192.0.2.1 25"),
        ("192.0.2.66:22", "reject bad 192.0.2.66 22"),
        ("127.0.0.1:22", "reject self 127.0.0.1 22"),
    ] {
        let address = dialled.parse::<SocketAddr>().unwrap();
        let seen = Seen::Address {
            address: address.ip(),
            port: address.port(),
        };
        assert_eq!(decided(&seen, Some(dialled)), expected, "{dialled}");
        assert_eq!(decided(&seen, None), expected, "{dialled}");
    }
}

#[test]
fn a_request_goes_to_the_port_that_was_dialled() {
    for (authority, dialled, expected) in [
        ("api.example.com", "203.0.113.1:8080", "allow api api.example.com 8080"),
        (
            "api.example.com:8080",
            "203.0.113.1:8080",
            "allow api api.example.com 8080",
        ),
        (
            "api.example.com:80",
            "203.0.113.1:8080",
            "reject invalid_authority raw \"api.example.com:80\"",
        ),
        ("api.example.com", "192.0.2.66:80", "reject bad api.example.com 80"),
    ] {
        let seen = request("GET", authority, "/");
        assert_eq!(decided(&seen, Some(dialled)), expected, "{authority} at {dialled}");
    }
}

#[test]
fn a_tunnel_carries_the_name_that_it_was_opened_for() {
    for (authority, server_name, expected) in [
        (
            "api.example.com:443",
            Some("api.example.com"),
            "allow api api.example.com 443",
        ),
        (
            "API.example.com.:443",
            Some("api.example.com."),
            "allow api api.example.com 443",
        ),
        (
            "a.cdn.example.com:443",
            Some("a.cdn.example.com"),
            "warn cdn a.cdn.example.com 443",
        ),
        // Even one that is allowed for itself is not where the tunnel goes.
        (
            "api.example.com:443",
            Some("a.cdn.example.com"),
            "reject sni_mismatch api.example.com 443",
        ),
        (
            "api.example.com:443",
            Some("a b"),
            "reject sni_mismatch api.example.com 443",
        ),
        (
            "api.example.com:443",
            Some("192.0.2.1"),
            "reject sni_mismatch api.example.com 443",
        ),
        (
            "api.example.com:443",
            Some(""),
            "reject sni_missing api.example.com 443",
        ),
        ("api.example.com:443", None, "reject sni_missing api.example.com 443"),
        ("api.example.com:22", None, "allow api api.example.com 22"),
        ("198.51.100.1:443", Some(""), "allow tunnel 198.51.100.1 443"),
        (
            "198.51.100.1:443",
            Some("api.example.com"),
            "allow tunnel 198.51.100.1 443",
        ),
        (
            "other.example.com:443",
            Some("other.example.com"),
            "reject default_deny other.example.com 443",
        ),
        (
            "api.example.com",
            Some("api.example.com"),
            "reject invalid_authority raw \"api.example.com\"",
        ),
        ("", None, "reject invalid_authority raw \"\""),
    ] {
        let seen = Seen::Inside {
            authority: authority.as_bytes(),
            server_name: server_name.map(str::as_bytes),
        };
        assert_eq!(decided(&seen, None), expected, "{server_name:?} inside {authority}");
    }
}

#[test]
fn a_request_fits_the_connection_that_it_came_in() {
    for (authority, server_name, expected) in [
        ("api.example.com", "api.example.com", "allow api api.example.com 443"),
        ("api.example.com", "API.example.com.", "allow api api.example.com 443"),
        ("api.example.com", "", "allow api api.example.com 443"),
        // Coalesced: the connection's own name is allowed too, though on trial.
        ("api.example.com", "a.cdn.example.com", "allow api api.example.com 443"),
        (
            "api.example.com",
            "other.example.com",
            "reject sni_mismatch api.example.com 443",
        ),
        // A rule with methods does not open a connection.
        (
            "api.example.com",
            "get.example.com",
            "reject sni_mismatch api.example.com 443",
        ),
        ("api.example.com", "a b", "reject sni_mismatch api.example.com 443"),
        (
            "other.example.com",
            "api.example.com",
            "reject default_deny other.example.com 443",
        ),
        ("get.example.com", "get.example.com", "allow get get.example.com 443"),
    ] {
        let seen = Seen::Terminated {
            authority: authority.as_bytes(),
            method: b"GET",
            path: Some(b"/"),
            server_name: server_name.as_bytes(),
        };
        assert_eq!(decided(&seen, None), expected, "{authority} in {server_name:?}");
    }
}
