//! A policy that cannot be loaded is refused with the reason, and the last good one stays.

use serde_json::{Value, json};
use sluice_tests::envoy::Envoy;
use sluice_tests::policy_v1::{
    EffectivePolicy, Encoding, NoPolicy, Resource, Version, WatchResponse, watch_response::Message,
};
use sluice_tests::wait;

use crate::shared::{Clients, LISTED, SANDBOX, Scene, UNLISTED, WORKERS, all, allow, effective, enforce, proxy};

fn resource((kind, id): (&str, &str)) -> Resource {
    Resource {
        r#type: kind.to_owned(),
        id: id.to_owned(),
    }
}

fn policy(of: (&str, &str), version: Option<(u64, u64)>, encoding: i32, content: &str) -> WatchResponse {
    WatchResponse {
        message: Some(Message::Policy(EffectivePolicy {
            resource: Some(resource(of)),
            version: version.map(|(epoch, revision)| Version { epoch, revision }),
            digest: vec![1],
            encoding,
            content: content.as_bytes().to_vec(),
        })),
    }
}

/// What is refused, and words of the reason.
fn bad() -> Vec<(&'static str, WatchResponse, &'static str)> {
    let json = i32::from(Encoding::Json);
    let good = effective(&allow(&[UNLISTED])).to_string();
    let with = |policy: Value| effective(&policy).to_string();
    let next = Some((5, 6));
    vec![
        ("broken JSON", policy(SANDBOX, next, json, "{"), "EOF"),
        ("no JSON", policy(SANDBOX, next, json, "\u{0}\u{1}"), "expected"),
        (
            "an older revision",
            policy(SANDBOX, Some((5, 4)), json, &good),
            "expected a version after",
        ),
        (
            "a lower epoch",
            policy(SANDBOX, Some((4, 9)), json, &good),
            "expected a version after",
        ),
        (
            "no version",
            policy(SANDBOX, None, json, &good),
            "expected a version after",
        ),
        (
            "another resource",
            policy(("sandbox", "sb_2"), next, json, &good),
            "not asked for",
        ),
        (
            "another type",
            policy(("computer", "sb_1"), next, json, &good),
            "not asked for",
        ),
        ("an encoding of later", policy(SANDBOX, next, 7, &good), "encoding 7"),
        (
            "an unknown field",
            policy(SANDBOX, next, json, &with(json!({"mode": "enforce", "colour": 1}))),
            "colour",
        ),
        (
            "an unknown mode",
            policy(SANDBOX, next, json, &with(json!({"mode": "observe"}))),
            "observe",
        ),
        (
            "none without a version",
            WatchResponse {
                message: Some(Message::None(NoPolicy {
                    resource: Some(resource(SANDBOX)),
                    version: None,
                })),
            },
            "expected a version after",
        ),
        ("nothing", WatchResponse { message: None }, "not a WatchResponse"),
    ]
}

const REFUSED: &str = "wasmcustom.sluice_policies_refused_total";

/// Waits until as many were refused, each with its reason at the collector.
fn refused(scene: &Scene, envoy: &Envoy, number: usize) -> String {
    wait::until(&format!("refusal {number}"), || {
        let nacks = scene.collector.nacks();
        (nacks.len() >= number).then_some(())
    });
    assert_eq!(envoy.stat(REFUSED), number as u64);
    let nack = scene.collector.nacks().pop().expect("there is one");
    nack.error
}

#[test]
fn what_cannot_be_loaded_is_refused_and_changes_nothing() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene
            .collector
            .set_policy(SANDBOX.0, SANDBOX.1, 5, 5, effective(&enforce()));
        let envoy = scene.setup(workers, json!({})).start();
        let mut clients = Clients::open(proxy(&envoy));
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200));
        scene.in_force_in_all(5, 5);

        let cases = bad();
        for (number, (what, response, reason)) in cases.iter().enumerate() {
            scene.collector.push(response);
            let error = refused(&scene, &envoy, number + 1);
            assert!(error.contains(reason), "{what}: {error}");
        }
        let mut number = cases.len();
        for garbage in [
            &b"\xff\xff\xff\xff"[..],
            b"\x0a\xff\xff\xff\xff\x0f",
            b"GET / HTTP/1.1\r\n\r\n",
        ] {
            scene.collector.push_bytes(garbage);
            number += 1;
            let error = refused(&scene, &envoy, number);
            assert!(error.contains("not a WatchResponse"), "{error}");
        }
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "the last good one stays");
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403));
        let log = envoy.log();
        assert!(
            log.contains("policy of sandbox/sb_1 refused, the last good one stays"),
            "{log}"
        );
        assert!(!log.contains("wasm_fail") && !log.contains("panicked"), "{log}");

        // Known from heartbeats too, until a good one is accepted.
        let error = |event: &sluice_tests::collector::Event| event.text("sluice.policy.error").map(str::to_owned);
        let event = scene.collector.event("a heartbeat with the refusal", |event| {
            event.name() == "heartbeat" && error(event).is_some()
        });
        assert!(error(&event).is_some_and(|error| error.contains("not a WatchResponse")));
        scene
            .collector
            .set_policy(SANDBOX.0, SANDBOX.1, 5, 7, effective(&allow(&[UNLISTED])));
        scene.in_force_in_all(5, 7);
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200));
        scene.collector.event("a heartbeat without it", |event| {
            event.name() == "heartbeat"
                && event.int("sluice.policy.revision") == Some(7)
                && event.text("sluice.instance") == instance(&scene).as_deref()
                && error(event).is_none()
        });
    }
}

/// Who holds the stream, as its events say.
fn instance(scene: &Scene) -> Option<String> {
    Some(scene.collector.hellos().pop()?.instance)
}

#[test]
fn a_policy_of_twenty_megabytes_comes_into_force_or_is_refused() {
    let note = "n".repeat(20 << 20);
    let huge_note =
        json!({"mode": "enforce", "rules": [{"id": "n", "effect": "allow", "host": UNLISTED, "note": note}]});
    let rule = |number| {
        json!({"id": format!("rule-{number}"), "effect": "allow", "host": format!("host-{number}.some.example.com"),
               "note": "one of very many rules of this policy, which makes it large"})
    };
    let mut rules: Vec<Value> = (0..130_000).map(rule).collect();
    rules.push(json!({"id": "n", "effect": "allow", "host": UNLISTED}));
    let many_rules = json!({"mode": "enforce", "rules": rules});
    for policy in [huge_note, many_rules] {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(1, json!({})).start();
        let mut clients = Clients::open(proxy(&envoy));
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403));
        scene.set(2, &policy);
        let in_force = wait::until("an answer of the filter", || {
            let revision = |version: Option<Version>| version.is_some_and(|version| version.revision == 2);
            let taken = scene
                .collector
                .acks()
                .into_iter()
                .any(|ack| revision(ack.version) && ack.vms_in_force == ack.vms);
            let refused = scene.collector.nacks().into_iter().any(|nack| revision(nack.version));
            (taken || refused).then_some(taken)
        });
        assert_eq!(
            clients.get(&scene.plain(UNLISTED)),
            all(if in_force { 200 } else { 403 })
        );
        println!("{} bytes in force: {in_force}", effective(&policy).to_string().len());
        let log = envoy.log();
        assert!(!log.contains("wasm_fail") && !log.contains("panicked"), "{log}");
    }
}
