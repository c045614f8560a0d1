//! Tunnels that are used for something else than they were opened for.

use sluice_tests::raw::h1;

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
