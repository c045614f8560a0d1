//! The path that was decided is the path that the upstream gets.

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{h1, h2};
use sluice_tests::world::World;

fn policy() -> Value {
    json!({"default_port": 80, "policy": {"mode": "enforce", "rules": [
        {"id": "public", "effect": "allow", "host": "api.github.com", "methods": ["GET"], "path_glob": "/public/**"},
    ]}})
}

/// Both ways to write a step up.
const STEPS: [&str; 2] = ["..", "%2e%2e"];

/// A server that decodes twice, or leniently, reads these as a step up.
const HIDDEN_STEPS: [&str; 3] = ["%%32e%%32e", "%252e%252e", "%2%65%2%65"];

#[test]
fn steps_up_are_resolved_before_the_decision_and_for_the_upstream() {
    let world = World::start();
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy())
        .start();
    let proxy = envoy.listener("forward_proxy");
    let authority = format!("api.github.com:{}", world.plain.port());
    let over_h1 = |path: &str| {
        let url = format!("http://{authority}{path}");
        let request = h1::request(b"GET", url.as_bytes(), &[(b"host", authority.as_bytes())]);
        h1::Connection::open(proxy).send(&request).status()
    };
    let over_h2 = |path: &str| {
        let headers: [(&[u8], &[u8]); 4] = [
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", authority.as_bytes()),
            (b":path", path.as_bytes()),
        ];
        h2::Connection::open(proxy).send(&headers).status()
    };
    for step in STEPS {
        let out = format!("/public/{step}/admin/x");
        assert_eq!((over_h1(&out), over_h2(&out)), (Some(403), Some(403)), "{out}");
        let inside = format!("/admin/{step}/public/x?y=/../z");
        assert_eq!((over_h1(&inside), over_h2(&inside)), (Some(200), Some(200)), "{inside}");
    }
    let forwarded = ["GET /public/x?y=/../z HTTP/1.1"; 2 * STEPS.len()];
    assert_eq!(request_lines(&world), forwarded, "all that the upstream saw");
}

#[test]
fn a_step_up_that_shows_only_after_decoding_leads_nowhere() {
    let world = World::start();
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy())
        .start();
    let authority = format!("api.github.com:{}", world.plain.port());
    for step in HIDDEN_STEPS {
        for path in [format!("/admin/{step}/public/x"), format!("/public/{step}/admin/x")] {
            let url = format!("http://{authority}{path}");
            let request = h1::request(b"GET", url.as_bytes(), &[(b"host", authority.as_bytes())]);
            let mut connection = h1::Connection::open(envoy.listener("forward_proxy"));
            assert_eq!(connection.send(&request).status(), Some(403), "{path}");
        }
    }
    assert_eq!(request_lines(&world), [""; 0]);
}

fn request_lines(world: &World) -> Vec<String> {
    let heads = world.plain.requests().into_iter();
    heads
        .filter_map(|head| head.lines().next().map(str::to_owned))
        .collect()
}

/// So that it does not go unseen if another version of Envoy does something else.
#[test]
fn what_envoy_makes_of_other_paths() {
    let world = World::start();
    let envoy = Setup::shipped("forward-proxy", &world.dns).start();
    let authority = format!("api.github.com:{}", world.plain.port());
    let cases = [
        ("/a//b/", "/a//b/"),
        ("/a%2fb%2Fc", "/a%2fb%2Fc"),
        ("/a;b=../c", "/a;b=../c"),
        ("/a%20b%25%7e", "/a%20b%25~"),
        ("/%72epos/", "/repos/"),
        ("/%", "/%"),
        ("/a/%%32e%%32e/b", "/a/%252e%252e/b"),
        ("/a/%%32f/b", "/a/%252f/b"),
        ("/%ff", "/%ff"),
        ("/a/..;/b", "/b"),
        ("/a/...", "/a/..."),
        ("/?a=%2e%2e/../b\\c", "/?a=%2e%2e/../b\\c"),
        ("/a/./b/.", "/a/b/"),
        ("/a\\b", "/a/b"),
    ];
    let mut connection = h1::Connection::open(envoy.listener("forward_proxy"));
    for (path, _) in cases {
        let url = format!("http://{authority}{path}");
        let request = h1::request(b"GET", url.as_bytes(), &[(b"host", authority.as_bytes())]);
        assert_eq!(connection.send(&request).status(), Some(200), "{path}");
    }
    let forwarded = cases.map(|(_, forwarded)| format!("GET {forwarded} HTTP/1.1"));
    assert_eq!(request_lines(&world), forwarded);
}
