//! Several requests on one connection: each is decided by itself.

use serde_json::json;
use sluice_tests::envoy::{LocalAuthority, Setup};
use sluice_tests::raw::{h1, h2, session};
use sluice_tests::world::{NAMES, World};

use crate::site::{LISTED, Site, UNLISTED};

#[test]
fn a_kept_connection_opens_no_second_host() {
    let site = Site::start("enforce");
    let mut connection = site.connect();
    let statuses = [LISTED, UNLISTED, LISTED].map(|name| connection.send(&h1::get(&site.at(name))).status());
    assert_eq!(statuses, [Some(200), Some(403), Some(200)]);
    assert_eq!(site.forwarded().len(), 2);
    site.nothing_went_to_the_unlisted_host();
}

/// Two at a time: Envoy ends a connection that has more answers of its own waiting.
#[test]
fn requests_sent_at_once_are_decided_each() {
    let site = Site::start("enforce");
    let answers = |names: [&str; 2]| {
        let requests = names.map(|name| h1::get(&site.at(name)));
        let mut connection = site.connect();
        connection.begin(&requests.concat());
        requests.map(|_| connection.send(b"").status())
    };
    assert_eq!(answers([LISTED, UNLISTED]), [Some(200), Some(403)]);
    assert_eq!(answers([UNLISTED, LISTED]), [Some(403), Some(200)]);
    assert_eq!(site.forwarded().len(), 2);
    site.nothing_went_to_the_unlisted_host();
}

#[test]
fn one_bad_stream_of_a_hundred_is_the_one_that_is_refused() {
    const STREAMS: usize = 100;
    const BAD: usize = 61;
    let site = Site::start("enforce");
    let (listed, unlisted) = (site.at(LISTED), site.at(UNLISTED));
    let request = |authority| -> [(&[u8], &[u8]); 4] {
        [
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":path", b"/"),
            (b":authority", authority),
        ]
    };
    let (good, bad) = (request(listed.as_bytes()), request(unlisted.as_bytes()));
    let requests: Vec<&h2::Headers<'_>> = (0..STREAMS)
        .map(|number| if number == BAD { &bad[..] } else { &good[..] })
        .collect();
    let statuses = h2::Connection::open(site.proxy()).send_together(&requests);
    let expected: Vec<_> = (0..STREAMS)
        .map(|number| Some(if number == BAD { 403 } else { 200 }))
        .collect();
    assert_eq!(statuses, expected);
    assert_eq!(site.forwarded().len(), STREAMS - 1);
    site.nothing_went_to_the_unlisted_host();
}

/// Browsers use a connection for every name of its certificate.
#[test]
fn coalesced_requests_are_decided_each_where_tls_ends() {
    let world = World::start();
    let local = LocalAuthority::make(&NAMES);
    let policy = json!({"tls": "terminated", "default_port": 443, "policy": {"mode": "enforce", "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
        {"id": "ai", "effect": "allow", "host": "api.openai.com"},
        {"id": "read", "effect": "allow", "host": "new.example.com", "methods": ["GET"]},
    ]}});
    let envoy = Setup::shipped("terminating", &world.dns)
        .terminated(&local, &world.ca())
        .configuration(&policy)
        .start();
    let port = world.tls.port();
    let statuses = |server_name: &str, authorities: &[&str]| -> Vec<Option<u16>> {
        let mut connection = session::h2(envoy.listener("https"), server_name, &local.ca());
        let get = |name: &&str| {
            let authority = format!("{name}:{port}");
            let headers: [(&[u8], &[u8]); 4] = [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":path", b"/"),
                (b":authority", authority.as_bytes()),
            ];
            connection.send(&headers).status()
        };
        authorities.iter().map(get).collect()
    };
    let listed = [
        "api.github.com",
        "api.openai.com",
        "unlisted.example.com",
        "new.example.com",
    ];
    assert_eq!(
        statuses("api.github.com", &listed),
        [Some(200), Some(200), Some(403), Some(200)]
    );
    // A rule with methods allows no connection, so that nothing is coalesced onto one.
    assert_eq!(
        statuses(
            "new.example.com",
            &["new.example.com", "api.github.com", "new.example.com"]
        ),
        [Some(200), Some(421), Some(200)]
    );
    assert_eq!(world.dns.queries("unlisted.example.com"), 0);
}

#[test]
fn a_change_to_http2_does_not_happen() {
    let site = Site::start("enforce");
    let listed = site.at(LISTED);
    let url = format!("http://{listed}/");
    let headers: [(&[u8], &[u8]); 4] = [
        (b"host", listed.as_bytes()),
        (b"connection", b"Upgrade, HTTP2-Settings"),
        (b"upgrade", b"h2c"),
        (b"http2-settings", b"AAMAAABkAAQAAP__"),
    ];
    let mut connection = site.connect();
    let answer = connection.send(&h1::request(b"GET", url.as_bytes(), &headers)).status();
    assert_eq!(answer, Some(200), "and not 101");
    assert_eq!(connection.send(&h1::get(&site.at(UNLISTED))).status(), Some(403));
    let forwarded = site.forwarded();
    assert_eq!(forwarded.len(), 1);
    assert!(!forwarded[0].contains("h2c"), "{}", forwarded[0]);
    assert!(!forwarded[0].contains("http2-settings"), "{}", forwarded[0]);
    site.nothing_went_to_the_unlisted_host();
}

#[test]
fn a_host_that_is_to_be_dropped_is_not() {
    let site = Site::start("enforce");
    let listed = site.at(LISTED);
    let url = format!("http://{listed}/");
    for named in [&b"host"[..], b"close, host", b"Host, keep-alive"] {
        let headers: [(&[u8], &[u8]); 3] = [
            (b"host", listed.as_bytes()),
            (b"connection", named),
            (b"x-forwarded-host", UNLISTED.as_bytes()),
        ];
        let answer = site
            .connect()
            .send(&h1::request(b"GET", url.as_bytes(), &headers))
            .status();
        assert_eq!(answer, Some(200), "{}", named.escape_ascii());
        let forwarded = site.forwarded().pop().expect("it went on");
        assert!(forwarded.contains(&format!("\r\nhost: {listed}\r\n")), "{forwarded}");
    }
}
