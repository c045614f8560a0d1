//! Nothing that comes from outside ends a VM.

use serde_json::json;
use sluice_harness::lab::{Connection, Ending, Lab, Plugin, Request, Stream};

use crate::shared::*;

const MUTATIONS: usize = 2_000;

fn started() -> Lab {
    let config = with(
        live(),
        &json!({"events": {"cluster": "collector", "flush_ms": 10}, "hold_ms": 500}),
    );
    let mut lab = lab(&config, 2);
    lab.advance(TICK);
    for vm in lab.vms() {
        revision(&mut lab, vm, "sb_1");
    }
    lab.advance(2 * TICK);
    lab
}

fn rich() -> serde_json::Value {
    json!({"mode": "enforce", "default_effect": "deny", "rules": [
        {"id": "gh", "effect": "allow", "host": "api.example.com", "methods": ["GET"], "path_glob": "/repos/**", "ports": [443]},
        {"id": "new", "effect": "allow", "host": "*.example.org", "warn_only": true, "expires_at": "2027-01-01T00:00:00Z"},
        {"id": "db", "effect": "allow", "host": "db.example.com", "resolves_to": ["10.2.0.0/16"]},
        {"id": "meta", "effect": "deny", "host": "169.254.169.254", "note": "cloud metadata"}]})
}

#[test]
fn every_prefix_and_many_mutations_of_a_policy_are_survived() {
    let mut lab = started();
    let valid = policy_of("sb_1", (5, 5), &rich());
    let mut random = Random::new(7);
    let prefixes = (0..valid.len()).map(|end| valid[..end].to_vec());
    let mutations: Vec<_> = (0..MUTATIONS).map(|_| random.mutate(&valid)).collect();
    for (number, message) in prefixes.chain(mutations).enumerate() {
        lab.tell(message);
        assert_no_trap(&lab);
        if number % 100 == 0 {
            revision(&mut lab, vm(1), "sb_1");
            lab.take_acts(vm(0));
            lab.take_acts(vm(1));
        }
    }
    lab.tell(policy("sb_1", (u64::MAX, 7)));
    for vm in lab.vms() {
        assert_eq!(revision(&mut lab, vm, "sb_1"), Some(7));
    }
    assert_eq!(lab.all_streams().len(), 1);
}

#[test]
fn every_prefix_and_many_mutations_of_an_acknowledgement_are_survived() {
    let mut lab = started();
    // `partial_success`: two records, and a reason.
    let valid = b"\x0a\x0d\x08\x02\x12\x09no thanks".to_vec();
    let mut random = Random::new(8);
    let prefixes = (0..=valid.len()).map(|end| valid[..end].to_vec());
    let mutations: Vec<_> = (0..MUTATIONS).map(|_| random.mutate(&valid)).collect();
    for message in prefixes.chain(mutations) {
        let stream = lab.open_http(vm(0), of("sb_1", PROBE));
        lab.end_http(&stream, Ending::default());
        while lab.calls_of(vm(0)).is_empty() {
            lab.advance(TICK);
        }
        let call = lab.calls_of(vm(0)).remove(0);
        assert!(lab.answer(&call, Ok(message)));
        assert_no_trap(&lab);
    }
}

/// Whatever the proxy calls back, in whatever order it can.
#[test]
fn callbacks_in_any_order_are_survived() {
    for seed in 1..=6 {
        let mut random = Random::new(seed);
        let mut lab = started();
        let config = with(live(), &json!({"events": {"cluster": "collector"}}));
        let tcp = lab.add_root(vm(0), Plugin::tcp(config.to_string())).unwrap();
        let (mut streams, mut connections): (Vec<Stream>, Vec<Stream>) = Default::default();
        for number in 1..400_u64 {
            let host = [ALLOWED, PROBE, "", "[::1", "a b", "ok.example.com:443"][random.below(6)];
            let at = random.below(streams.len().max(1));
            match random.below(12) {
                0 | 1 => streams.push(lab.open_http(vm(0), of("sb_1", host))),
                2 => {
                    let connection = Connection::new(host, 443).with_property("filter_state|sb", b"sb_1");
                    connections.push(lab.open_tcp(tcp, connection));
                }
                3 => {
                    let tunnel = Request::connect(host).with_property("filter_state|sb", b"\xff\x00");
                    streams.push(lab.open_http(vm(0), tunnel));
                }
                4 => {
                    // Logged without ever having been asked about, on either plugin.
                    lab.reject_early(vm(0), Request::default(), Ending::default());
                    lab.reject_early(tcp, of("sb_1", host), Ending::response(400));
                }
                5 if !streams.is_empty() => lab.respond_http(&streams[at], 200, &[("server", "x")]),
                6 | 7 if !streams.is_empty() => {
                    lab.end_http(
                        &streams[at],
                        Ending::response(u32::try_from(random.below(600)).unwrap()),
                    );
                    lab.end_http(&streams[at], Ending::default());
                    if let Some(connection) = connections.pop() {
                        lab.end_tcp(&connection, Ending::default());
                        lab.end_tcp(&connection, Ending::default());
                    }
                }
                8 => {
                    if let Some(stream) = lab.watch() {
                        let message = random.mutate(&policy_of("sb_1", (1, number), &rich()));
                        lab.send(&stream, message);
                        lab.send(&stream, policy("sb_1", (2, number)));
                    }
                }
                9 => {
                    if let Some(stream) = lab.watch().filter(|_| random.below(3) == 0) {
                        lab.close(&stream, 2);
                        assert!(!lab.send(&stream, Vec::new()));
                    }
                }
                10 => {
                    if let Some(call) = lab.calls().pop() {
                        let code = u32::try_from(random.below(18)).unwrap();
                        lab.answer(&call, if code == 0 { Ok(Vec::new()) } else { Err(code) });
                    }
                }
                _ => lab.advance(TICK * u32::try_from(random.below(20)).unwrap()),
            }
            assert_no_trap(&lab);
        }
        assert!(lab.is_live(vm(0)) && lab.is_live(vm(1)), "seed {seed}");
    }
}
