//! Hostile input changes nothing for those who come after it: the filter never traps.

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{h1, h2, tls};
use sluice_tests::world::World;

fn policy() -> Value {
    json!({"policy": {"mode": "enforce", "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com", "path_glob": "/**"},
    ]}})
}

/// Authorities that Envoy passes on in one form of request or another, and some that it does not.
fn authorities() -> Vec<Vec<u8>> {
    let plain: [&[u8]; 27] = [
        b"",
        b".",
        b"..",
        b"a..example",
        b".example",
        b"-a.example",
        b"a,b",
        b"*",
        b"user:pw@api.github.com",
        b"host%2eexample",
        b"ho'st!$&()*+;=",
        b"api.github.com:",
        b"api.github.com:abc",
        b"api.github.com:99999",
        b"api.github.com:0443",
        b"[",
        b"[]",
        b"[::1",
        b"[::1]:8443",
        b"::1",
        b"[fe80::1%25eth0]",
        b"127.1",
        b"2130706433",
        b"caf\xc3\xa9.example",
        b"caf\xe9.example",
        b"\xff\xfe",
        b"a\x00b",
    ];
    let mut all: Vec<Vec<u8>> = plain.iter().map(|bytes| bytes.to_vec()).collect();
    all.push(vec![b'a'; 300]);
    all.push(b"a.".repeat(4000));
    all
}

#[test]
fn nothing_that_a_client_sends_stops_the_filter() {
    let world = World::start();
    // One worker, so that whatever breaks, breaks for the next request too.
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .concurrency(1)
        .configuration(&policy())
        .start();
    let proxy = envoy.listener("forward_proxy");
    let curl = world.curl(proxy);
    let works = |after: &str| {
        let listed = curl.get(&format!("http://api.github.com:{}/", world.plain.port()));
        assert_eq!(listed.http_code, 200, "after {after}");
        let unlisted = curl.get(&format!("http://unlisted.example.com:{}/", world.plain.port()));
        assert_eq!(unlisted.http_code, 403, "after {after}");
    };
    works("the start");

    for authority in authorities() {
        let shown = authority.escape_ascii().to_string();
        let host: (&[u8], &[u8]) = (b"host", &authority);
        let url = [b"http://", authority.as_slice(), b"/"].concat();
        let _ = h1::Connection::open(proxy).send(&h1::request(b"GET", b"/", &[host]));
        let _ = h1::Connection::open(proxy).send(&h1::request(b"GET", &url, &[host]));
        let _ = h1::Connection::open(proxy).send(&h1::request(b"CONNECT", &authority, &[host]));
        for method in [b"GET".as_slice(), b"CONNECT"] {
            let path: &[(&[u8], &[u8])] = &[(b":scheme", b"http"), (b":path", b"/")];
            let mut headers = vec![(b":method".as_slice(), method), (b":authority", &authority)];
            headers.extend(if method == b"GET" { path } else { &[] });
            let _ = h2::Connection::open(proxy).send(&headers);
        }
        works(&shown);
    }

    let port = world.plain.port();
    let listed = format!("api.github.com:{port}");
    let host: (&[u8], &[u8]) = (b"host", listed.as_bytes());
    let values: [&[u8]; 3] = [b"caf\xe9", b"\xff\xff\xff", b"\xc3\x28"];
    for name in [b"user-agent".as_slice(), b"x-latin", b"cookie", b"accept"] {
        for value in values {
            let request = h1::request(b"GET", format!("http://{listed}/").as_bytes(), &[host, (name, value)]);
            let status = h1::Connection::open(proxy).send(&request).status();
            assert_eq!(status, Some(200), "a client's own bytes are not ours to judge");
        }
    }
    for path in [
        b"/\xff".as_slice(),
        b"/%ff",
        b"/%00",
        b"/a//b",
        b"/a/%2e%2e/b",
        b"/\\",
        b"/;a=b",
    ] {
        let headers: [(&[u8], &[u8]); 4] = [
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", listed.as_bytes()),
            (b":path", path),
        ];
        let _ = h2::Connection::open(proxy).send(&headers);
        let target = [b"http://", listed.as_bytes(), path].concat();
        let _ = h1::Connection::open(proxy).send(&h1::request(b"GET", &target, &[host]));
    }
    for method in [b"get".as_slice(), b"PROPFIND", b"M-SEARCH", b"\xff"] {
        let target = format!("http://{listed}/");
        let _ = h1::Connection::open(proxy).send(&h1::request(method, target.as_bytes(), &[host]));
    }
    works("odd headers, paths and methods");

    let log = envoy.log();
    for trace in [
        "Function: proxy_",
        "panicked",
        "wasm_fail_stream",
        "Plugin configured to fail",
    ] {
        assert!(!log.contains(trace), "the filter trapped: {log}");
    }
    for entry in envoy.access_log() {
        assert_ne!(
            entry.response_code_details.as_deref(),
            Some("wasm_fail_stream"),
            "{entry:?}"
        );
    }
    assert_eq!(
        envoy.stat("wasm.sluice.http.vm_reload"),
        0,
        "no VM had to be built again"
    );
}

#[test]
fn passthrough_survives_strangers_too() {
    let world = World::start();
    let envoy = Setup::shipped("transparent", &world.dns)
        .concurrency(1)
        .dialling(world.teapot.port())
        .configuration(&json!({"policy": {"mode": "enforce", "rules": [
            {"id": "gh", "effect": "allow", "host": "api.github.com"},
        ]}}))
        .start();
    let listener = envoy.listener("tls");
    let names: [&[u8]; 6] = [
        b"\xff\xfe",
        b"a b.example",
        b"",
        b"..",
        b"api.github.com\x00.example",
        b"127.0.0.1",
    ];
    for name in names {
        let answer = tls::Connection::open(listener).hello(name);
        assert!(
            answer.is_empty(),
            "{} got {}",
            name.escape_ascii(),
            answer.escape_ascii()
        );
        let outcome = world.redirected_curl(listener).get("https://api.github.com/");
        assert_eq!(outcome.http_code, 418, "after {}", name.escape_ascii());
    }
    assert!(
        !envoy.log().contains("Function: proxy_"),
        "the filter trapped: {}",
        envoy.log()
    );
    assert_eq!(
        world.teapot.accepted(),
        names.len(),
        "only curl's connections got through"
    );
}
