//! Mistakes in a configuration are refused with the name of the field, and
//! policies can come without any network.

use serde_json::{Value, json};
use sluice_harness::lab::{Lab, LabError, State, VmSetup};

use crate::shared::*;

fn refused(setup: &VmSetup) -> String {
    let mut lab = Lab::new(filter());
    let error = lab.add_vm(setup).expect_err("it is a mistake");
    assert!(matches!(error, LabError::Refused { .. }), "{error:?}");
    assert_no_trap(&lab);
    error.to_string()
}

#[test]
fn every_mistake_is_refused_by_its_name() {
    let service = |members: Value| with(live(), &json!({"policy_service": members}));
    let events = |members: Value| with(recording(), &json!({"events": members}));
    let id_from = |from: Value| with(live(), &json!({"resource": {"type": "sandbox", "id_from": from}}));
    for (config, field) in [
        (json!([]), "configuration"),
        (json!({"polcy": {}}), "polcy"),
        (json!({"resource": {"type": "sandbox"}}), "resource"),
        (json!({"resource": {"type": "sandbox", "id": "a/b"}}), "resource.id"),
        (json!({"resource": {"type": "tenant", "id": "a"}}), "resource.type"),
        (json!({"resource": {"type": "", "id": "a"}}), "resource.type"),
        (json!({"policy_service": {"cluster": "c"}}), "resource"),
        (id_from(json!({})), "resource.id_from"),
        (
            id_from(json!({"node_id": true, "filter_state": "x"})),
            "resource.id_from",
        ),
        (id_from(json!({"node_metadata": []})), "resource.id_from.node_metadata"),
        (id_from(json!({"filter_state": ""})), "resource.id_from.filter_state"),
        (id_from(json!({"spiffe": "spiffe://*/{id}"})), "resource.id_from.spiffe"),
        (
            id_from(json!({"source_address": {"here": "a"}})),
            "resource.id_from.source_address",
        ),
        (id_from(json!({"header": "x"})), "header"),
        (service(json!({})), "policy_service"),
        (service(json!({"cluster": "a", "queue": "b"})), "policy_service"),
        (service(json!({"cluster": ""})), "policy_service.cluster"),
        (service(json!({"cluster": "c".repeat(126)})), "policy_service.cluster"),
        (
            service(json!({"cluster": "c", "max_resources": 0})),
            "policy_service.max_resources",
        ),
        (
            service(json!({"cluster": "c", "idle_ms": 999})),
            "policy_service.idle_ms",
        ),
        (
            service(json!({"cluster": "c", "token_env": "A=B"})),
            "policy_service.token_env",
        ),
        (
            service(json!({"cluster": "c", "token_env": "UNSET"})),
            "token_env: \"UNSET\"",
        ),
        (
            service(json!({"cluster": "c", "token": "secret"})),
            "policy_service.token: unknown field",
        ),
        (events(json!({})), "events"),
        (events(json!({"cluster": ""})), "events.cluster"),
        (events(json!({"cluster": "c", "flush_ms": 9})), "events.flush_ms"),
        (
            events(json!({"cluster": "c", "buffer_bytes": 65_535})),
            "events.buffer_bytes",
        ),
        (events(json!({"cluster": "c", "path": "some"})), "events"),
        (
            events(json!({"cluster": "c", "token_env": "UNSET"})),
            "token_env: \"UNSET\"",
        ),
        (json!({"hold_ms": 60_001}), "hold_ms"),
        (json!({"on_unknown": "allow"}), "on_unknown"),
        (
            json!({"override": {"mode": "audit_only", "until": "soon", "reason": "x"}}),
            "override",
        ),
        (json!({"override": {"mode": "audit_only", "reason": "x"}}), "override"),
        (json!({"default_port": 0}), "default_port"),
        (json!({"guard_metadata": "yes"}), "guard_metadata"),
        (json!({"own": ["http://x"]}), "own"),
        (json!({"generation": -1}), "generation"),
        (json!({"policy": {"mode": "observe"}}), "policy: mode"),
        (
            json!({"policy": {"rules": [{"id": "r", "effect": "allow", "host": "a:1"}]}}),
            "rule r: host",
        ),
    ] {
        let error = refused(&setup(&config));
        assert!(error.contains(field), "{config}: {field:?} is not in {error:?}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_credential_is_read_from_the_environment_and_never_shown() {
    let config = with(
        with(
            live(),
            &json!({"policy_service": {"cluster": "sluice", "token_env": "TOKEN"}}),
        ),
        &json!({"events": {"cluster": "collector", "token_env": "TOKEN"}}),
    );
    for token in ["", "two words", "line\nbreak", "na\u{ef}ve"] {
        let error = refused(&setup(&config).with_variable("TOKEN", token));
        assert!(error.contains("token_env: \"TOKEN\""), "{error}");
        assert!(token.is_empty() || !error.contains(token), "{error}");
    }
    let setup = setup(&config).with_variable("TOKEN", "s3cret-T0ken");
    let mut lab = Lab::with_vms(filter(), &setup, 1).unwrap();
    lab.advance(TICK);
    revision(&mut lab, vm(0), "sb_1");
    lab.advance(2 * TICK);
    let bearer = ("authorization".to_owned(), b"Bearer s3cret-T0ken".to_vec());
    assert!(lab.watch().unwrap().metadata.contains(&bearer));
    assert!(lab.calls()[0].metadata.contains(&bearer));
    lab.close(&lab.watch().unwrap(), 16);
    lab.answer(&lab.calls()[0].clone(), Err(16));
    lab.advance(10 * SECOND);
    for line in lab.log(vm(0)) {
        assert!(!line.text.contains("s3cret"), "{}", line.text);
    }
    for (key, value) in lab.shared_data("sluice") {
        for bytes in [key, value] {
            assert!(!bytes.windows(6).any(|part| part == b"s3cret"), "{bytes:?}");
        }
    }
}

#[test]
fn a_refused_configuration_changes_nothing_for_others() {
    let mut lab = lab(&recording(), 1);
    let bad = sluice_harness::lab::Plugin::tcp(r#"{"own": 7}"#);
    assert!(lab.add_root(vm(0), bad).is_err());
    let stream = lab.open_http(vm(0), sluice_harness::lab::Request::get(ALLOWED));
    assert_eq!(lab.state(&stream), State::Passed);
}

#[test]
fn policies_can_come_through_a_queue() {
    let config = with(live(), &json!({"policy_service": {"queue": "policies"}}));
    let mut lab = lab(&config, 3);
    lab.advance(TICK);
    let held = lab.open_http(vm(2), of("sb_1", ALLOWED));
    lab.advance(TICK);
    assert_eq!(lab.state(&held), State::Paused);
    assert!(lab.enqueue("sluice", "policies", &policy("sb_1", (1, 1))));
    lab.settle();
    assert_eq!(lab.state(&held), State::Passed, "without a tick");
    for vm in lab.vms() {
        assert_eq!(revision(&mut lab, vm, "sb_1"), Some(1));
    }
    assert_eq!(lab.all_streams(), []);
    // What is no policy, or an older one, changes nothing and stops nothing.
    for item in [
        b"garbage".to_vec(),
        Vec::new(),
        policy("sb_1", (0, 9)),
        policy("sb_1", (1, 2)),
    ] {
        assert!(lab.enqueue("sluice", "policies", &item));
    }
    lab.settle();
    for vm in lab.vms() {
        assert_eq!(revision(&mut lab, vm, "sb_1"), Some(2));
    }
    assert_eq!(lab.metric("sluice_policies_refused_total"), Some(3));
    // One that nobody has asked for yet waits for that.
    lab.enqueue("sluice", "policies", &policy("sb_2", (1, 8)));
    lab.settle();
    assert_eq!(revision(&mut lab, vm(1), "sb_2"), Some(8));
    // Whoever leads next goes on with the queue.
    let reader = lab.queues().into_iter().find(|queue| queue.name == "policies").unwrap();
    lab.drop_vm(reader.heard_by);
    lab.advance(5 * SECOND);
    lab.enqueue("sluice", "policies", &policy("sb_1", (1, 3)));
    lab.settle();
    for vm in lab.vms().filter(|vm| *vm != reader.heard_by).collect::<Vec<_>>() {
        assert_eq!(revision(&mut lab, vm, "sb_1"), Some(3));
    }
    assert_no_trap(&lab);
}
