//! The boundary of the workflow: what is listed goes through, what is not never leaves, and audit_only blocks nothing.

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
        {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true},
    ]}})
}

fn start(mode: &str) -> (World, Envoy) {
    let world = World::start();
    let setup = Setup::shipped("forward-proxy", &world.dns).configuration(&policy(mode));
    (world, setup.start())
}

#[test]
fn a_listed_host_over_https_gives_the_status_of_the_upstream() {
    let (world, envoy) = start("enforce");
    let curl = world.curl(envoy.listener("forward_proxy"));
    for (upstream, status) in [(&world.tls, 200), (&world.teapot, 418)] {
        let outcome = curl.get(&format!("https://api.github.com:{}/", upstream.port()));
        assert_eq!(
            (outcome.http_connect, outcome.http_code, outcome.exit),
            (200, status, 0)
        );
        assert_eq!(outcome.body, "upstream\n");
    }
}

#[test]
fn an_unlisted_host_over_https_is_refused_at_the_connect() {
    let (world, envoy) = start("enforce");
    let curl = world.curl(envoy.listener("forward_proxy"));
    let port = world.tls.port();

    let refused = curl.get(&format!("https://unlisted.example.com:{port}/"));
    assert_eq!((refused.http_connect, refused.http_code, refused.exit), (403, 0, 56));
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("default_deny"));

    // Connections are accepted in order: the listed one after it is the only one.
    assert_eq!(curl.get(&format!("https://api.github.com:{port}/")).http_code, 200);
    assert_eq!(world.tls.accepted(), 1, "the upstream must not see the unlisted one");
    assert_eq!(
        world.dns.queries("unlisted.example.com"),
        0,
        "nor the resolver its name"
    );
}

#[test]
fn an_unlisted_host_over_plain_http_is_refused_with_a_body_that_says_why() {
    let (world, envoy) = start("enforce");
    let curl = world.curl(envoy.listener("forward_proxy"));
    let port = world.plain.port();

    let refused = curl.get(&format!("http://unlisted.example.com:{port}/secret?token=1"));
    assert_eq!((refused.http_code, refused.exit), (403, 0));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("default_deny"));
    assert_error_body(refused.body.as_bytes(), port);

    assert_eq!(curl.get(&format!("http://api.github.com:{port}/")).http_code, 200);
    assert_eq!(world.plain.accepted(), 1, "the upstream must not see the unlisted one");
    assert_eq!(
        world.dns.queries("unlisted.example.com"),
        0,
        "nor the resolver its name"
    );
}

#[test]
fn a_refused_connect_carries_the_same_body() {
    let (world, envoy) = start("enforce");
    let target = format!("unlisted.example.com:{}", world.tls.port());
    let request = h1::request(b"CONNECT", target.as_bytes(), &[(b"host", target.as_bytes())]);
    let answer = h1::Connection::open(envoy.listener("forward_proxy")).send(&request);
    let sluice_tests::raw::Answer::Response { status: 403, body, .. } = answer else {
        panic!("expected a response with status 403, not {answer:?}");
    };
    assert_error_body(&body, world.tls.port());
}

fn assert_error_body(body: &[u8], port: u16) {
    let body: Value = serde_json::from_slice(body).expect("the body is JSON");
    let error = &body["error"];
    assert_eq!(error["code"], "EGRESS_HOST_NOT_ALLOWED", "{body}");
    assert_eq!(error["retryable"], false, "{body}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("unlisted.example.com")),
        "{body}"
    );
    assert_eq!(error["details"]["host"], "unlisted.example.com", "{body}");
    assert_eq!(error["details"]["port"], port, "{body}");
    assert_eq!(error["details"]["rejected_by"], "default_deny", "{body}");
}

#[test]
fn audit_only_lets_everything_pass_and_the_log_says_what_enforce_would_do() {
    let (world, envoy) = start("audit_only");
    let curl = world.curl(envoy.listener("forward_proxy"));

    let authority = format!("unlisted.example.com:{}", world.teapot.port());
    let tunnel = curl.get(&format!("https://{authority}/"));
    assert_eq!((tunnel.http_connect, tunnel.http_code), (200, 418));
    let logged = envoy.logged("the tunnel", |entry| entry.is_for(&authority)).decision();
    assert_would_reject(&logged);

    let authority = format!("unlisted.example.com:{}", world.plain.port());
    let plain = curl.get(&format!("http://{authority}/"));
    assert_eq!((plain.http_code, plain.header("x-sluice-rejected-by")), (200, None));
    let logged = envoy.logged("the request", |entry| entry.is_for(&authority)).decision();
    assert_would_reject(&logged);

    let authority = format!("api.github.com:{}", world.plain.port());
    assert_eq!(curl.get(&format!("http://{authority}/")).http_code, 200);
    let logged = envoy
        .logged("a listed host", |entry| entry.is_for(&authority))
        .decision();
    assert_eq!(
        (&logged["would_reject"], &logged["rule_id"]),
        (&json!(false), &json!("gh"))
    );
}

fn assert_would_reject(decision: &Value) {
    assert_eq!(decision["host"], "unlisted.example.com");
    assert_eq!(decision["action"], "allow");
    assert_eq!(decision["would_reject"], true);
    assert_eq!(decision["mode"], "audit_only");
    assert_eq!(decision["rejected_by"], "default_deny");
}

#[test]
fn the_configuration_may_be_a_struct() {
    let world = World::start();
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration_struct(&policy("enforce"))
        .start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    let port = world.plain.port();
    assert_eq!(curl.get(&format!("http://api.github.com:{port}/")).http_code, 200);
    assert_eq!(curl.get(&format!("http://unlisted.example.com:{port}/")).http_code, 403);
}

#[test]
fn warn_only_passes_and_warns_in_both_modes() {
    for mode in ["enforce", "audit_only"] {
        let (world, envoy) = start(mode);
        let curl = world.curl(envoy.listener("forward_proxy"));
        let authority = format!("new.example.com:{}", world.teapot.port());
        assert_eq!(curl.get(&format!("https://{authority}/")).http_code, 418);
        let logged = envoy.logged("the tunnel", |entry| entry.is_for(&authority)).decision();
        assert_eq!(logged["action"], "warn", "{mode}");
        assert_eq!(logged["would_reject"], false, "{mode}");
        assert_eq!(logged["rule_id"], "new", "{mode}");
    }
}

#[test]
fn clients_cannot_choose_the_address_behind_an_allowed_name() {
    let (world, envoy) = start("enforce");
    let curl = world.curl(envoy.listener("forward_proxy"));
    let header = format!("x-envoy-original-dst-host: 127.0.0.1:{}", world.tls.port());
    let url = format!("http://api.github.com:{}/", world.plain.port());
    assert_eq!(curl.run(&["--header", &header], &url).http_code, 200);
    assert_eq!(world.tls.accepted(), 0);

    let requests = world.plain.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let head = requests[0].to_ascii_lowercase();
    assert!(
        !head.contains("x-envoy-"),
        "only the client's own headers go on: {head}"
    );
    assert!(
        !head.contains("x-forwarded-"),
        "only the client's own headers go on: {head}"
    );
}
