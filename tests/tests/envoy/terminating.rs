//! Where TLS ends at the proxy: methods and paths inside HTTPS are decided, and the server name has to fit.

use serde_json::json;
use sluice_tests::curl::{Curl, Outcome};
use sluice_tests::envoy::{Envoy, LocalAuthority, Setup};
use sluice_tests::raw::{Answer, h1};
use sluice_tests::world::{NAMES, World};

struct Site {
    world: World,
    envoy: Envoy,
    curl: Curl,
    _local: LocalAuthority,
}

impl Site {
    fn start() -> Self {
        let world = World::start();
        let local = LocalAuthority::make(&NAMES);
        let policy = json!({"tls": "terminated", "default_port": 443, "policy": {"mode": "enforce", "rules": [
            {"id": "gh", "effect": "allow", "host": "api.github.com"},
            {"id": "read", "effect": "allow", "host": "api.openai.com", "methods": ["GET"], "path_glob": "/v1/**"},
        ]}});
        let envoy = Setup::shipped("terminating", &world.dns)
            .terminated(&local, &world.ca())
            .configuration(&policy)
            .start();
        let curl = Curl::redirected(envoy.listener("https"), local.ca());
        Self {
            world,
            envoy,
            curl,
            _local: local,
        }
    }

    fn get(&self, host: &str, path: &str, arguments: &[&str]) -> Outcome {
        let url = format!("https://{host}:{}{path}", self.world.tls.port());
        self.curl.run(&[&["--path-as-is"], arguments].concat(), &url)
    }

    /// A request with an authority that is not the server name of its connection.
    fn get_as(&self, server_name: &str, authority: &str) -> u16 {
        let host = format!("host: {authority}:{}", self.world.tls.port());
        self.get(server_name, "/", &["--header", &host]).http_code
    }
}

#[test]
fn methods_and_paths_inside_https_are_decided() {
    let site = Site::start();
    for (path, arguments, status) in [
        ("/v1/models", &[][..], 200),
        ("/v1/models?key=secret", &[], 200),
        ("/v1/models", &["--http1.1"], 200),
        ("/v1/models", &["--request", "POST"], 403),
        ("/v2/models", &[], 403),
        ("/v1/../v2/models", &[], 403),
        ("/v1/%2e%2e/v2/models", &[], 403),
        // Neither a slash nor none: it does not get as far as the filter.
        ("/v1/a%2Fb", &[], 400),
    ] {
        let found = site.get("api.openai.com", path, arguments);
        assert_eq!(found.http_code, status, "{path} {arguments:?}: {}", found.body);
    }
    let refused = site.get("unlisted.example.com", "/", &[]);
    assert_eq!(refused.http_code, 403);
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("default_deny"));
    assert_eq!(site.world.tls.requests().len(), 3);
    assert_eq!(site.world.dns.queries("unlisted.example.com"), 0);
}

#[test]
fn the_server_name_fits_the_authority_or_is_allowed_for_itself() {
    let site = Site::start();
    // Coalesced: api.github.com is allowed as it stands.
    assert_eq!(site.get_as("api.github.com", "api.openai.com"), 403, "another path");
    assert_eq!(site.get_as("api.github.com", "api.github.com"), 200);
    assert_eq!(site.get_as("unlisted.example.com", "api.github.com"), 421);
    // A rule with methods opens no connection.
    assert_eq!(site.get_as("api.openai.com", "api.github.com"), 421);
    let entry = site
        .envoy
        .logged("the mismatch", |entry| entry.response_code == Some(421));
    let decision = entry.decision();
    assert_eq!(decision["rejected_by"], "sni_mismatch");
    assert_eq!(decision["host"], "api.github.com");
    assert_eq!(site.world.tls.requests().len(), 1);
}

#[test]
fn upstreams_are_who_they_say() {
    let world = World::start();
    let local = LocalAuthority::make(&NAMES);
    // The authority that is trusted is not the upstream's.
    let envoy = Setup::shipped("terminating", &world.dns)
        .terminated(&local, &local.ca())
        .configuration(&json!({"tls": "terminated", "policy": {"mode": "audit_only"}}))
        .start();
    let curl = Curl::redirected(envoy.listener("https"), local.ca());
    let url = format!("https://api.github.com:{}/", world.tls.port());
    assert_eq!(curl.get(&url).http_code, 503);
    assert!(world.tls.requests().is_empty());
}

#[test]
fn what_is_no_tls_is_closed() {
    let site = Site::start();
    let plain = h1::request(b"GET", b"/", &[(b"host", b"api.github.com")]);
    let answer = h1::Connection::open(site.envoy.listener("https")).send(&plain);
    assert_eq!(answer, Answer::Reset);
    assert_eq!(site.world.tls.accepted(), 0);
}

#[test]
fn a_private_address_gets_no_request() {
    let world = World::start();
    let local = LocalAuthority::make(&NAMES);
    let envoy = Setup::shipped("terminating", &world.dns)
        .terminated(&local, &world.ca())
        .configuration(&json!({"tls": "terminated", "default_port": 443, "resolves_to": [],
        "policy": {"mode": "enforce", "rules": [
            {"id": "gh", "effect": "allow", "host": "api.github.com"},
            {"id": "ai", "effect": "allow", "host": "api.openai.com", "resolves_to": ["127.0.0.0/8"]},
        ]}}))
        .start();
    let curl = Curl::redirected(envoy.listener("https"), local.ca());
    let port = world.tls.port();
    let refused = curl.get(&format!("https://api.github.com:{port}/"));
    assert_eq!(refused.http_code, 403);
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("private_address"));
    assert_eq!(curl.get(&format!("https://api.openai.com:{port}/")).http_code, 200);
    assert_eq!(world.tls.requests().len(), 1);
}
