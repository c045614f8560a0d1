//! The bearer token of events comes from the VM's environment and is nowhere else.

use serde_json::json;
use sluice_tests::envoy::Setup;

use crate::shared::{Scene, get, github_only, proxy};

const TOKEN: &str = "tok-planted-4711";

fn setup(scene: &Scene) -> Setup {
    scene.setup(&json!({
        "policy": github_only(),
        "events": {"cluster": "sluice", "flush_ms": 100, "token_env": "SLUICE_TOKEN"},
    }))
}

#[test]
fn events_come_with_the_token() {
    let scene = Scene::new();
    scene.collector.require_token(Some(TOKEN));
    let envoy = setup(&scene).environment("SLUICE_TOKEN", TOKEN).start();
    assert_eq!(get(proxy(&envoy), "unlisted.example.com"), Some(403));
    let audit = scene.audit("unlisted.example.com");
    assert_eq!(audit.token.as_deref(), Some(TOKEN));
    assert!(!envoy.log().contains(TOKEN));
}

#[test]
fn with_a_token_that_is_not_accepted_events_wait() {
    let scene = Scene::new();
    scene.collector.require_token(Some("another"));
    let envoy = setup(&scene).environment("SLUICE_TOKEN", TOKEN).start();
    assert_eq!(get(proxy(&envoy), "unlisted.example.com"), Some(403));
    sluice_tests::wait::until("the metric of denied calls", || {
        (envoy.stat("wasmcustom.sluice_events_denied_total") > 0).then_some(())
    });
    assert!(envoy.log().contains("does not accept the credential"));
    assert_eq!(scene.collector.events(), []);
    scene.collector.require_token(Some(TOKEN));
    scene.audit("unlisted.example.com");
    assert!(!envoy.log().contains(TOKEN));
}

#[test]
fn a_token_that_is_not_there_refuses_the_configuration() {
    let scene = Scene::new();
    let refused = setup(&scene).inline().try_start().expect_err("there is no token");
    let line = refused.log.lines().find(|line| line.contains("configuration refused"));
    let line = line.unwrap_or_else(|| panic!("no clear line in {}", refused.log));
    assert!(line.contains("SLUICE_TOKEN"), "{line}");

    let empty = setup(&scene).environment("SLUICE_TOKEN", "").inline().try_start();
    assert!(empty.is_err(), "an empty token is none");
}
