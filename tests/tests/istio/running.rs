//! Patched sidecars at work: what a sandbox sees of them.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use serde_json::json;
use sluice_harness::recording::{self, Traffic};
use sluice_tests::collector::Collector;
use sluice_tests::raw::{Answer, h1};
use sluice_tests::wait;

use crate::kustomize;
use crate::proxy::{COLLECTOR, DATABASE, NOBODY, SOMEWHERE, Scene, refused};
use crate::sidecar::Sidecar;

/// curl's exit code for a connection that ended during the TLS handshake.
const RESET_IN_HANDSHAKE: i32 = 35;
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

#[test]
fn locked_means_locked_before_the_collector_has_said_anything() {
    let scene = Scene::alone(&kustomize::folder("locked"));

    // What is registered and listed, by name.
    let tls = scene.curl(SOMEWHERE, 443);
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    assert_eq!(scene.decision("api.github.com")["rule_id"], "gh");
    let http = scene.curl(SOMEWHERE, 80);
    assert_eq!(http.get("http://api.openai.com/v1/models").http_code, 200);
    assert_eq!(scene.decision("api.openai.com")["rule_id"], "ai");

    // What is not, by name on a port that Istio knows and on one that it does not.
    assert_eq!(tls.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(scene.decision("unlisted.example.com")["rejected_by"], "default_deny");
    let elsewhere = scene.curl(LOOPBACK, scene.world.teapot.port());
    assert_eq!(elsewhere.get("https://new.example.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(scene.decision("new.example.com")["rejected_by"], "default_deny");
    let refused = http.get("http://brief.example.com/");
    assert_eq!(refused.http_code, 403);
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("default_deny"));

    // What is listed and not registered goes nowhere either.
    assert_eq!(elsewhere.get("https://api.openai.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(scene.world.teapot.accepted(), 1, "the listed one");
}

#[test]
fn observe_lets_everything_pass_and_records_what_it_was() {
    let scene = Scene::alone(&kustomize::folder("observe"));
    let elsewhere = scene.curl(LOOPBACK, scene.world.teapot.port());
    assert_eq!(elsewhere.get("https://unlisted.example.com/").http_code, 418);
    assert_eq!(scene.decision("unlisted.example.com")["action"], "allow");
    // Nobody listens there, and it is Envoy that says so.
    let http = scene.curl(NOBODY, 80);
    assert_eq!(http.get("http://new.example.com/").http_code, 503);
    assert_eq!(scene.decision("new.example.com")["action"], "allow");
}

#[test]
fn a_sandbox_cannot_talk_to_the_collector_in_any_mode() {
    for folder in ["observe", "locked"] {
        let scene = Scene::alone(&kustomize::folder(folder));
        let curl = scene.curl(COLLECTOR, 4317);
        for authority in [
            "collector.sluice.internal:4317",
            "COLLECTOR.sluice.internal.:4317",
            "240.240.0.1:4317",
        ] {
            let refused = curl.get(&format!("http://{authority}/"));
            assert_eq!(refused.http_code, 403, "{folder}: {authority}");
            assert_eq!(
                refused.header("x-sluice-rejected-by"),
                Some("self"),
                "{folder}: {authority}"
            );
        }
    }
}

#[test]
fn the_collector_rules_by_the_label_of_the_pod() {
    let collector = Collector::start();
    let rule = json!({"id": "late", "effect": "allow", "host": "new.example.com", "resolves_to": ["127.0.0.0/8"]});
    let policy = json!({"mode": "enforce", "default_effect": "deny", "rules": [rule]});
    collector.set_policy("sandbox", "ci-1", 1, 1, json!({"resource": policy}));
    // The registry open, so that only the policy counts.
    let scene = Scene::start(&kustomize::folder("observe"), collector);
    let elsewhere = scene.curl(LOOPBACK, scene.world.teapot.port());
    // Whose policy it needs the sidecar knows from the first connection, which is not held.
    assert_eq!(elsewhere.get("https://new.example.com/").http_code, 418);
    scene.collector.acked("sandbox", "ci-1", 1, 1);
    // The other VMs of the process follow.
    wait::until("the policy to rule", || {
        (elsewhere.get("https://unlisted.example.com/").exit == RESET_IN_HANDSHAKE).then_some(())
    });
    assert_eq!(elsewhere.get("https://new.example.com/").http_code, 418);
    let event = scene.collector.event("the rejection", |event| {
        event.name() == "audit" && event.text("sluice.action") == Some("reject")
    });
    assert_eq!(event.resource.text("sluice.resource.id"), Some("ci-1"));
    assert_eq!(event.text("sluice.rejected_by"), Some("default_deny"));
}

#[test]
fn by_workload_the_resource_is_namespace_and_workload() {
    let manifests = kustomize::folder("locked").with("by-workload");
    let scene = Scene::start(&manifests, Collector::start());
    let http = scene.curl(SOMEWHERE, 80);
    assert_eq!(http.get("http://unlisted.example.com/").http_code, 403);
    let event = scene.collector.event("the rejection", |event| event.name() == "audit");
    assert_eq!(event.resource.text("sluice.resource.id"), Some("sandboxes.ci-1"));
}

#[test]
fn what_a_sidecar_logs_can_be_reviewed() {
    let scene = Scene::alone(&kustomize::folder("observe"));
    let elsewhere = scene.curl(LOOPBACK, scene.world.teapot.port());
    assert_eq!(elsewhere.get("https://unlisted.example.com/").http_code, 418);
    let http = scene.curl(SOMEWHERE, 80);
    assert_eq!(http.get("http://api.openai.com/v1/models?key=x").http_code, 200);
    // `kubectl logs` has the agent's lines among them.
    let log = format!("info\tEnvoy proxy is ready\n{}", scene.envoy.recording(2));
    let file = tempfile::NamedTempFile::with_suffix(".jsonl").unwrap();
    fs::write(file.path(), log).unwrap();
    let reading = recording::read(file.path()).unwrap();
    assert_eq!((reading.recorded.len(), reading.skipped.len()), (2, 1), "{reading:?}");
    for recorded in reading.recorded {
        match recorded.traffic {
            Traffic::Connection { server_name, .. } => assert_eq!(server_name, b"unlisted.example.com"),
            Traffic::Exchange { authority, path, .. } => {
                assert_eq!(authority, b"api.openai.com");
                assert_eq!(path.as_deref(), Some(&b"/v1/models?key=x"[..]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_has_no_name_is_decided_by_its_address() {
    let scene = Scene::alone(&kustomize::folder("locked"));
    let request = h1::request(b"GET", b"/", &[(b"host", b"db.corp.example.com")]);
    let database = scene.to(DATABASE, 5432);
    assert_eq!(h1::Connection::open(database).send(&request).status(), Some(200));
    // A port where the server would speak first, and a client that waits for it.
    let silent = TcpStream::connect(scene.to(DATABASE, 22)).unwrap();
    silent.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    match (&silent).read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("not closed: {other:?}"),
    }
    for (port, action) in [(5432, "allow"), (22, "reject")] {
        let decided = scene.envoy.logged("the verdict on an address", |entry| {
            let verdict = entry.verdict.as_deref().unwrap_or_default();
            verdict.contains("10.2.0.7") && verdict.contains(&format!("\"port\":{port},"))
        });
        assert_eq!(decided.decision()["action"], action);
    }
}

#[test]
fn without_envoy_filters_names_are_still_decided() {
    let manifests = kustomize::folder("locked").with("without-envoy-filter");
    let scene = Scene::alone(&manifests);
    let tls = scene.curl(SOMEWHERE, 443);
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    assert_eq!(scene.decision("api.github.com")["rule_id"], "gh");
    assert_eq!(tls.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
    // Before HTTP too, where it leaves bytes that are not TLS alone.
    let http = scene.curl(SOMEWHERE, 80);
    assert_eq!(http.get("http://api.openai.com/").http_code, 200);
    assert_eq!(http.get("http://unlisted.example.com/").http_code, 403);
}

/// A client that asks for one name and dials the address of another.
#[test]
fn a_registered_name_leads_where_it_resolves_to() {
    let scene = Scene::alone(&kustomize::folder("locked"));
    let accepted = scene.world.tls.accepted();
    let lie = scene.curl(LOOPBACK, scene.world.tls.port());
    assert_eq!(lie.get("https://api.github.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(scene.world.tls.accepted(), accepted, "the address it dialled");
    // At the port that is registered it gets the name's own address.
    let honest = scene.curl(SOMEWHERE, 443);
    assert_eq!(honest.get("https://api.github.com/").http_code, 418);
}

/// A service that is registered by its address takes what comes to that, whatever name it shows.
#[test]
fn a_listed_name_opens_no_service_that_has_an_address_inside() {
    let scene = Scene::alone(&kustomize::folder("locked"));
    let database = scene.curl(DATABASE, 5432);
    assert_eq!(database.get("https://api.openai.com/").exit, RESET_IN_HANDSHAKE);
    let decided = scene.decision("api.openai.com");
    assert_eq!(decided["rejected_by"], "private_address");
    assert_eq!(scene.world.plain.accepted(), 0);
}

/// A connection to the sidecar's own port, which no redirection made.
#[test]
fn nobody_gets_out_by_the_sidecars_own_port() {
    let scene = Scene::alone(&kustomize::folder("observe"));
    let own = scene.to(NOBODY, 15001);
    let request = h1::request(b"GET", b"/", &[(b"host", b"api.github.com")]);
    assert_eq!(h1::Connection::open(own).send(&request), Answer::Reset);
}

#[test]
fn envoy_knows_every_field_of_the_patches() {
    let good = Sidecar::with(&kustomize::folder("locked"));
    if let Some(error) = refused(&good) {
        panic!("{}", error.log);
    }
    let mut misspelt = good;
    let extension = misspelt.extensions.get_mut("sluice.tcp").expect("the EnvoyFilter's");
    extension["config"]["failure_polcy"] = json!("FAIL_RELOAD");
    let error = refused(&misspelt).expect("there is no such field");
    assert!(error.log.contains("failure_polcy"), "{}", error.log);
}
