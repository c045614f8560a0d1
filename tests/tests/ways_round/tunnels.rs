//! Tunnels that are used for something else than they were opened for.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use sluice_tests::greeter::GREETING;
use sluice_tests::raw::h1;
use sluice_tests::raw::hello::{self, Shape};

use crate::site::{LISTED, Site, UNLISTED};

/// The proxy reads nothing of it: it goes to the host that was decided, as any bytes do.
#[test]
fn a_tunnel_in_a_tunnel_is_bytes_for_the_listed_host() {
    let site = Site::start("enforce");
    let mut tunnel = site.connect();
    assert_eq!(tunnel.send(&h1::connect_to(&site.at(LISTED))).status(), Some(200));
    let inner = h1::connect_to(&site.at(UNLISTED));
    assert_eq!(tunnel.send(&inner).status(), Some(200), "says the listed host");
    let forwarded = site.forwarded();
    assert_eq!(forwarded, [String::from_utf8_lossy(&inner).to_ascii_lowercase()]);
    assert_eq!(site.world.dns.queries(UNLISTED), 0);
}

#[test]
fn a_tunnel_does_not_lead_back_into_the_proxy() {
    let site = Site::start("audit_only");
    let port = site.proxy().port();
    for own in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let answer = site.connect().send(&h1::connect_to(&format!("{own}:{port}")));
        assert_eq!(answer.status(), Some(403), "{own}");
    }
}

/// What was decided is the tunnel; a client does not get a second one on its connection.
#[test]
fn what_follows_a_refused_tunnel_is_decided_by_itself() {
    let site = Site::start("enforce");
    let requests = [h1::connect_to(&site.at(UNLISTED)), h1::get(&site.at(UNLISTED))].concat();
    let mut connection = site.connect();
    assert_eq!(connection.send(&requests).status(), Some(403));
    let rest = String::from_utf8_lossy(&connection.rest()).into_owned();
    assert!(!rest.contains("HTTP/1.1 200"), "{rest}");
    site.nothing_went_to_the_unlisted_host();
}

/// Envoy's own reader gives up after 16 KiB, the filter's after four times that.
#[test]
fn a_long_clienthello_in_a_tunnel_is_read_or_refused_whole() {
    let site = Site::start("enforce");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free TCP port");
    let target = format!("{LISTED}:{}", listener.local_addr().expect("it is bound").port());
    let hello = |name: &str, padding: usize| {
        let shape = Shape {
            padding,
            ..Shape::default()
        };
        hello::pieces(name.as_bytes(), &shape).concat()
    };
    let send = |bytes: &[u8]| {
        let mut tunnel = site.connect();
        assert_eq!(tunnel.send(&h1::connect_to(&target)).status(), Some(200));
        tunnel.begin(bytes);
        tunnel.rest()
    };
    let long = hello(LISTED, 17_000);
    let length = long.len() as u64;
    let origin = thread::spawn(move || {
        let mut refused = Vec::new();
        // Those that are refused have a connection here too, for their tunnel.
        for stream in listener.incoming() {
            let mut stream = stream.expect("Envoy connects");
            let mut first = Vec::new();
            // How a tunnel ends that is refused is no matter.
            let _ = (&stream).take(length).read_to_end(&mut first);
            if first.len() as u64 == length {
                stream.write_all(GREETING).expect("Envoy reads");
                return (refused, first);
            }
            refused.extend(first);
        }
        unreachable!("a listener does not end");
    });
    assert_eq!(send(&hello(UNLISTED, 17_000)), b"", "another name behind 16 KiB");
    assert_eq!(send(&hello(LISTED, 65_500)), b"", "longer than anybody reads");
    assert_eq!(send(&long), GREETING);
    let (refused, passed) = origin.join().expect("the origin is content");
    assert_eq!(refused, b"", "not a byte of what is refused goes on");
    assert_eq!(passed, long);
}
