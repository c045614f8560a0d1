//! Walks the tables of `policy/tables/canonical.md`, row by row.

use super::*;
use crate::tables::{self, Row};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TABLES: &str = include_str!("../../tables/canonical.md");

fn check(heading: &str, seen: impl for<'a> Fn(&'a [u8]) -> Seen<'a>, least: usize) {
    let rows = tables::rows(TABLES, heading);
    assert!(rows.len() >= least, "{heading}: {} rows", rows.len());
    for Row { line, cells } in rows {
        let [input, host, port, reason] = cells.as_slice() else {
            panic!("line {line}: four cells, not {cells:?}");
        };
        let input = tables::bytes(input);
        match Target::from_seen(&seen(&input), 80) {
            Ok(target) => {
                assert_eq!(target.host.to_string(), *host, "line {line}");
                assert_eq!(target.port.to_string(), *port, "line {line}");
                assert_eq!(reason, "", "line {line}");
            }
            Err(error) => {
                assert_eq!((host.as_str(), port.as_str()), ("", ""), "line {line}: {error}");
                assert!(!reason.is_empty(), "line {line}: {error}");
                assert!(error.to_string().starts_with(reason), "line {line}: {error}");
            }
        }
    }
}

fn request<'a>(method: &'a [u8], authority: &'a [u8]) -> Seen<'a> {
    Seen::Request {
        authority,
        method,
        path: Some(b"/"),
    }
}

#[test]
fn every_row_of_the_tables_holds() {
    check(
        "`:authority` of a request with a path",
        |authority| request(b"GET", authority),
        50,
    );
    check(
        "`:authority` of a `CONNECT`",
        |authority| request(b"CONNECT", authority),
        5,
    );
    check(
        "Server name of a TLS connection",
        |server_name| Seen::Connection { server_name, port: 80 },
        6,
    );
}

#[test]
fn connect_is_opaque_and_other_methods_are_not() {
    let seen = |method| Seen::Request {
        authority: b"a.example:1",
        method,
        path: Some(b"/x"),
    };
    assert_eq!(Target::from_seen(&seen(b"CONNECT"), 80).unwrap().request, None);
    // Methods are case-sensitive: this is some other method.
    let other = Target::from_seen(&seen(b"connect"), 80).unwrap();
    assert_eq!(other.request.map(|line| line.method), Some(b"connect".as_slice()));
}

#[test]
fn raw_bytes_are_printable_and_bounded() {
    assert_eq!(escape_raw(b"a\x00\xff\"b"), "a\\x00\\xff\\\"b");
    assert_eq!(escape_raw(&[0xff; 1000]).len(), MAX_RAW);
}

#[test]
fn the_proxy_itself_is_recognised_in_every_spelling() {
    let mut own = OwnAddresses::default();
    own.add(Host::parse(b"collector.example.com").unwrap(), Some(4317));
    own.add(Host::parse(b"192.0.2.7").unwrap(), None);
    own.add(Host::parse_ipv6(b"::ffff:192.0.2.8").unwrap(), Some(99));
    let is_own = |authority: &[u8]| {
        let seen = Seen::Request {
            authority,
            method: b"GET",
            path: None,
        };
        let target = Target::from_seen(&seen, 80).unwrap();
        own.contain(target.host, target.port)
    };
    for authority in [
        "127.0.0.1",
        "localhost:9000",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "collector.example.com:4317",
        "192.0.2.7",
        "[64:ff9b::192.0.2.7]:1",
        "192.0.2.8:99",
        "[64:ff9b::192.0.2.8]:99",
        "[::ffff:192.0.2.8]:99",
    ] {
        assert!(is_own(authority.as_bytes()), "{authority}");
    }
    for authority in ["collector.example.com", "192.0.2.8", "localhost.example.com"] {
        assert!(!is_own(authority.as_bytes()), "{authority}");
    }
}
