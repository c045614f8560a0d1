//! Beside other plugins in one `vm_id`: they can bring policies, and can neither mix them up nor bring ours down.

use std::net::SocketAddr;

use prost::Message;
use serde_json::{Value, json};
use sluice_tests::envoy::Envoy;
use sluice_tests::policy_v1::watch_response::Message as Said;
use sluice_tests::policy_v1::{EffectivePolicy, Encoding, Resource, Version, WatchResponse};
use sluice_tests::raw::h1;
use sluice_tests::wait;

use crate::shared::{
    Clients, LISTED, SANDBOX, Scene, UNLISTED, WORKERS, all, allow, effective, enforce, get, live, proxy,
};

/// Asks the foreign plugin for something.
pub(crate) fn ask_foreign(proxy: SocketAddr, header: &str, to: &str, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let value = format!("{to}={hex}");
    let headers: [(&[u8], &[u8]); 2] = [(b"host", b"foreign.example.com"), (header.as_bytes(), value.as_bytes())];
    let request = h1::request(b"GET", b"http://foreign.example.com/", &headers);
    let status = h1::Connection::open(proxy).send(&request).status();
    assert_eq!(status, Some(204), "{header}: {to}");
}

fn no_trap(envoy: &Envoy) {
    let log = envoy.log();
    assert!(!log.contains("[critical]"), "{log}");
}

/// A message as a policy service sends it.
fn message(revision: u64, policy: &Value) -> Vec<u8> {
    let policy = EffectivePolicy {
        resource: Some(Resource {
            r#type: SANDBOX.0.to_owned(),
            id: SANDBOX.1.to_owned(),
        }),
        version: Some(Version { epoch: 1, revision }),
        digest: Vec::new(),
        encoding: Encoding::Json.into(),
        content: effective(policy).to_string().into_bytes(),
    };
    let message = Some(Said::Policy(policy));
    WatchResponse { message }.encode_to_vec()
}

#[test]
fn a_policy_comes_from_another_plugin_without_any_grpc() {
    for workers in WORKERS {
        let scene = Scene::new();
        let configuration = json!({"policy_service": {"queue": "policies"}});
        let envoy = scene.setup(workers, configuration).foreign().start();
        let proxy = proxy(&envoy);
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        let put = |message: &[u8]| ask_foreign(proxy, "x-enqueue", "policies", message);

        put(&message(1, &enforce()));
        let mut clients = Clients::open(proxy);
        assert_eq!(clients.get(&listed), all(200), "the requests were held until it came");
        assert_eq!(clients.get(&unlisted), all(403));
        put(&message(2, &allow(&[UNLISTED])));
        wait::until("the newer policy on every connection", || {
            (clients.get(&unlisted) == all(200) && clients.get(&listed) == all(403)).then_some(())
        });
        for refused in [&b"\xff\xff\xff"[..], b"", &message(1, &enforce())] {
            put(refused);
        }
        wait::until("three refusals", || {
            (envoy.stat("wasmcustom.sluice_policies_refused_total") == 3).then_some(())
        });
        assert_eq!(clients.get(&unlisted), all(200), "the last good one stays");
        assert!(scene.collector.watch_log().is_empty());
        no_trap(&envoy);
    }
}

#[test]
fn two_plugins_with_different_credentials_do_not_mix() {
    let scene = Scene::new();
    let of = |id: &str| {
        let with_token = json!({"cluster": "sluice", "token_env": "TOKEN"});
        live(json!({
            "resource": {"type": "sandbox", "id": id},
            "policy_service": with_token,
            "events": {"cluster": "sluice", "token_env": "TOKEN", "flush_ms": 100},
        }))
    };
    scene.set_for(("sandbox", "one"), 1, &allow(&[LISTED, UNLISTED]));
    scene.set_for(("sandbox", "two"), 1, &allow(&[LISTED]));
    let envoy = scene
        .setup(2, of("one"))
        .environment("TOKEN", "token-one")
        .second(&of("two"), &json!({"TOKEN": "token-two"}))
        .start();
    let mut clients = Clients::open(proxy(&envoy));
    assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "both allow it");
    assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403), "the second rejects it");
    assert_eq!(scene.collector.watchers(), 2, "each asks for itself");

    let token = |id: &str| match id {
        "one" => Some("token-one"),
        "two" => Some("token-two"),
        other => panic!("nobody is {other}"),
    };
    let rejected = scene.audit(UNLISTED, |event| event.text("sluice.action") == Some("reject"));
    assert_eq!(rejected.resource.text("sluice.resource.id"), Some("two"));
    let allowed = scene.audit(UNLISTED, |event| event.text("sluice.action") == Some("allow"));
    assert_eq!(allowed.resource.text("sluice.resource.id"), Some("one"));
    for event in scene.collector.events() {
        let id = event.resource.text("sluice.resource.id").expect("every event has one");
        assert_eq!(event.token.as_deref(), token(id), "{event:?}");
    }
    no_trap(&envoy);
}

#[test]
fn what_a_neighbour_writes_under_our_keys_does_no_harm() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).foreign().start();
        let proxy = proxy(&envoy);
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        // New ones each time: the raw client opens no HTTP/2 window for more than some 190 answers.
        let answers = |authority: &str| Clients::open(proxy).get(authority);
        assert_eq!(answers(&listed), all(200));
        scene.in_force_everywhere(1);

        let stats = envoy.admin("GET", "/stats");
        let service = stats
            .split("_service_=_")
            .nth(1)
            .and_then(|rest| rest.split('_').next());
        let service = service.expect("decisions are counted by service");
        let instances: Vec<String> = {
            let events = scene.collector.events();
            let names = events.iter().filter_map(|event| event.text("sluice.instance"));
            names
                .filter_map(|name| Some(name.split_once('/')?.1.to_owned()))
                .collect()
        };
        let mut revision = 1;
        for value in [
            &b""[..],
            b"\xff",
            &[0xff; 16],
            &[0; 16],
            b"\x0a\xff\xff\xff\xff\x0f",
            &[b'x'; 2000],
        ] {
            for key in ["lease", "members", "changes", "head/sandbox/sb_1", "body/sandbox/sb_1"] {
                ask_foreign(proxy, "x-share", &format!("sluice/1/{service}/{key}"), value);
            }
            ask_foreign(proxy, "x-share", "sluice/1/process", value);
            for vm in &instances {
                ask_foreign(proxy, "x-enqueue", &format!("sluice/1/{service}/queue/{vm}"), value);
            }
            // The policy that was in force still is, and the next one comes.
            let (old, new) = if revision % 2 == 1 {
                (&listed, &unlisted)
            } else {
                (&unlisted, &listed)
            };
            assert_eq!(answers(old), all(200));
            assert_eq!(answers(new), all(403));
            revision += 1;
            scene.set(revision, &allow(&[if revision % 2 == 1 { LISTED } else { UNLISTED }]));
            wait::until("the next policy on every connection", || {
                (answers(new) == all(200) && answers(old) == all(403)).then_some(())
            });
        }
        no_trap(&envoy);
        assert_eq!(envoy.stat("wasm.sluice.http.vm_reload"), 0);
    }
}

#[test]
fn an_agent_keeps_policies_live_too() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).agent(&live(json!({}))).start();
        let mut clients = Clients::open(proxy(&envoy));
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        assert_eq!(clients.get(&listed), all(200));
        assert_eq!(clients.get(&unlisted), all(403));
        assert_eq!(scene.collector.watchers(), 1, "one for the whole proxy");
        scene.set(2, &allow(&[UNLISTED]));
        scene.in_force_everywhere(2);
        assert_eq!(clients.get(&unlisted), all(200));
        assert_eq!(get(proxy(&envoy), &listed), Some(403));
        no_trap(&envoy);
    }
}
