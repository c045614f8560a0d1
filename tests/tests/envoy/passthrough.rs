//! TLS passthrough: a connection is decided by its SNI alone, before anything is dialled.

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::{Answer, h1};
use sluice_tests::world::World;

/// curl's exit code for a connection that ended during the TLS handshake.
const RESET_IN_HANDSHAKE: i32 = 35;

fn policy(mode: &str) -> Value {
    json!({"policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
        {"id": "reading", "effect": "allow", "host": "api.openai.com", "methods": ["GET"]},
        {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true},
    ]}})
}

fn start(mode: &str) -> (World, Envoy) {
    let world = World::start();
    let setup = Setup::shipped("transparent", &world.dns)
        .dialling(world.teapot.port())
        .configuration(&policy(mode));
    (world, setup.start())
}

fn logged(envoy: &Envoy, name: &str) -> Value {
    let same = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let entry = envoy.logged(&format!("a connection for {name:?}"), |entry| {
        same(entry.requested_server_name.as_deref()) == name
    });
    entry.decision()
}

#[test]
fn a_listed_name_passes_and_an_unlisted_one_is_reset() {
    let (world, envoy) = start("enforce");
    let curl = world.redirected_curl(envoy.listener("tls"));

    let refused = curl.get("https://unlisted.example.com/");
    assert_eq!((refused.http_code, refused.exit), (0, RESET_IN_HANDSHAKE));
    let decision = logged(&envoy, "unlisted.example.com");
    assert_eq!(decision["action"], "reject");
    assert_eq!(decision["rejected_by"], "default_deny");
    assert_eq!(
        (&decision["host"], &decision["port"]),
        (&json!("unlisted.example.com"), &json!(443))
    );

    assert_eq!(curl.get("https://api.github.com/").http_code, 418);
    let decision = logged(&envoy, "api.github.com");
    assert_eq!(
        (&decision["action"], &decision["rule_id"]),
        (&json!("allow"), &json!("gh"))
    );

    assert_eq!(world.teapot.accepted(), 1, "the upstream must not see the unlisted one");
    assert_eq!(
        world.dns.queries("unlisted.example.com"),
        0,
        "nor the resolver its name"
    );
}

#[test]
fn audit_only_passes_what_enforce_resets() {
    let (world, envoy) = start("audit_only");
    let curl = world.redirected_curl(envoy.listener("tls"));
    assert_eq!(curl.get("https://unlisted.example.com/").http_code, 418);
    let decision = logged(&envoy, "unlisted.example.com");
    assert_eq!(
        (&decision["action"], &decision["would_reject"]),
        (&json!("allow"), &json!(true))
    );
}

#[test]
fn warn_only_passes_and_warns() {
    let (world, envoy) = start("enforce");
    let curl = world.redirected_curl(envoy.listener("tls"));
    assert_eq!(curl.get("https://new.example.com/").http_code, 418);
    assert_eq!(logged(&envoy, "new.example.com")["action"], "warn");
}

#[test]
fn a_rule_with_methods_does_not_match_what_cannot_be_seen() {
    let (world, envoy) = start("enforce");
    let curl = world.redirected_curl(envoy.listener("tls"));
    assert_eq!(curl.get("https://api.openai.com/").exit, RESET_IN_HANDSHAKE);
    let decision = logged(&envoy, "api.openai.com");
    assert_eq!(decision["nearest"], json!({"rule_id": "reading", "why": "opaque"}));
}

#[test]
fn no_name_and_no_tls_are_refused() {
    let (world, envoy) = start("enforce");
    let listener = envoy.listener("tls");

    // curl sends no SNI for an address.
    let nameless = world.redirected_curl(listener).get("https://127.0.0.1/");
    assert_eq!((nameless.http_code, nameless.exit), (0, RESET_IN_HANDSHAKE));
    assert_eq!(logged(&envoy, "")["rejected_by"], "sni_missing");

    let plain = h1::request(b"GET", b"/", &[(b"host", b"api.github.com")]);
    assert_eq!(h1::Connection::open(listener).send(&plain), Answer::Reset);
    assert_eq!(
        envoy
            .access_log()
            .iter()
            .filter(|entry| entry.verdict.is_none())
            .count(),
        0
    );

    assert_eq!(
        world.redirected_curl(listener).get("https://api.github.com/").http_code,
        418
    );
    assert_eq!(world.teapot.accepted(), 1, "only the last one reached the upstream");
}

#[test]
fn a_new_policy_rules_the_next_connection() {
    let (world, mut envoy) = start("enforce");
    let curl = world.redirected_curl(envoy.listener("tls"));
    assert_eq!(curl.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
    envoy.switch(&policy("audit_only"));
    assert_eq!(curl.get("https://unlisted.example.com/").http_code, 418);
    envoy.switch_refused("{}}");
    assert_eq!(curl.get("https://unlisted.example.com/").http_code, 418);
    envoy.switch(&policy("enforce"));
    assert_eq!(curl.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
}
