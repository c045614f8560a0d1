//! Plain HTTP that was redirected: each request is decided by its authority, which is where it goes.

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

fn start(rules: Value) -> (World, Envoy) {
    let world = World::start();
    let policy = json!({"policy": {"mode": "enforce", "rules": rules}});
    let envoy = Setup::shipped("transparent", &world.dns).configuration(&policy).start();
    (world, envoy)
}

#[test]
fn the_authority_decides_and_is_where_it_goes() {
    let (world, envoy) = start(json!([
        {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"], "path_glob": "/repos/**"},
    ]));
    let curl = world.redirected_curl(envoy.listener("http"));
    let port = world.plain.port();
    for (url, status) in [
        ("http://unlisted.example.com:PORT/", 403),
        ("http://api.github.com:PORT/repos/a/b", 200),
        ("http://api.github.com:PORT/repos/../user", 403),
        ("http://api.github.com:PORT/user", 403),
        ("http://API.GitHub.com.:PORT/repos/a", 200),
    ] {
        let url = url.replace("PORT", &port.to_string());
        let arguments = ["--path-as-is"];
        assert_eq!(curl.run(&arguments, &url).http_code, status, "{url}");
    }
    let posted = curl.run(&["--request", "POST"], &format!("http://api.github.com:{port}/repos/a"));
    assert_eq!(posted.http_code, 403);
    assert_eq!(world.dns.queries("unlisted.example.com"), 0);
    assert_eq!(world.plain.requests().len(), 2);
    let entry = envoy.logged("the one that is not listed", |entry| {
        entry.is_for(&format!("unlisted.example.com:{port}"))
    });
    assert_eq!(entry.decision()["rejected_by"], "default_deny");
}

#[test]
fn every_request_of_a_connection_is_decided() {
    let (world, envoy) = start(json!([{"id": "gh", "effect": "allow", "host": "api.github.com"}]));
    let listed = format!("api.github.com:{}", world.plain.port());
    let unlisted = format!("unlisted.example.com:{}", world.plain.port());
    let mut connection = h1::Connection::open(envoy.listener("http"));
    let mut get = |host: &str| {
        let request = h1::request(b"GET", b"/", &[(b"host", host.as_bytes())]);
        connection.send(&request).status()
    };
    let seen = [&listed, &unlisted, &listed].map(|host| get(host));
    assert_eq!(seen, [Some(200), Some(403), Some(200)]);
    assert_eq!(world.plain.requests().len(), 2);
}

#[test]
fn the_methods_that_make_tunnels_do_not() {
    let (world, envoy) = start(json!([{"id": "gh", "effect": "allow", "host": "api.github.com"}]));
    let target = format!("api.github.com:{}", world.plain.port());
    let request = h1::request(b"CONNECT", target.as_bytes(), &[(b"host", target.as_bytes())]);
    let answer = h1::Connection::open(envoy.listener("http")).send(&request).status();
    assert!(matches!(answer, Some(400..=499)), "{answer:?}");
    assert_eq!(world.plain.accepted(), 0);
}
