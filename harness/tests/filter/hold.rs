//! Requests wait for the first policy, and not for ever.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_harness::lab::{Connection, Ending, Lab, Plugin, State};

use crate::shared::*;

fn config(hold_ms: u32, on_unknown: &str) -> Value {
    with(
        live(),
        &json!({"hold_ms": hold_ms, "on_unknown": on_unknown, "events": {"cluster": "collector"}}),
    )
}

fn started(config: &Value, vms: usize) -> (Lab, Collector) {
    let mut lab = lab(config, vms);
    let collector = Collector::of(&mut lab);
    lab.advance(SECOND);
    (lab, collector)
}

#[test]
fn held_requests_go_on_when_the_policy_comes() {
    let (mut lab, collector) = started(&config(2000, "reject"), 3);
    let streams: Vec<_> = lab
        .vms()
        .flat_map(|vm| [(vm, ALLOWED), (vm, PROBE)])
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(vm, host)| (lab.open_http(vm, of("sb_1", host)), host))
        .collect();
    assert!(streams.iter().all(|(stream, _)| lab.state(stream) == State::Paused));
    lab.advance(2 * TICK);
    lab.tell(policy("sb_1", (1, 3)));
    for (stream, host) in &streams {
        let state = lab.state(stream);
        if *host == ALLOWED {
            assert_eq!((state, lab.has_ended(stream)), (State::Passed, false));
            lab.end_http(stream, Ending::response(200));
        } else {
            assert_eq!(refusal(&state).unwrap()["revision"], 3);
        }
    }
    lab.advance(2 * SECOND);
    assert_eq!((collector.decisions(), collector.of_kind("undecided").len()), (6, 0));
    assert_no_trap(&lab);
}

#[test]
fn one_that_was_held_long_enough_is_decided_by_what_is_configured() {
    for (on_unknown, mode) in [("reject", "enforce"), ("observe", "audit_only")] {
        let (mut lab, collector) = started(&config(700, on_unknown), 1);
        lab.advance(Duration::from_millis(50));
        let stream = lab.open_http(vm(0), of("sb_1", ALLOWED));
        lab.advance(Duration::from_millis(759));
        assert_eq!(lab.state(&stream), State::Paused);
        lab.advance(Duration::from_millis(1));
        let state = lab.state(&stream);
        if on_unknown == "reject" {
            let details = refusal(&state).unwrap();
            assert_eq!(
                (details["rejected_by"].as_str(), &details["revision"]),
                (Some("no_policy"), &Value::Null)
            );
        } else {
            assert_eq!(state, State::Passed);
            lab.end_http(&stream, Ending::response(200));
        }
        lab.advance(2 * SECOND);
        let audit = collector.of_kind("audit").remove(0);
        assert_eq!(audit.text("sluice.rejected_by"), "no_policy", "{on_unknown}");
        assert_eq!(audit.text("sluice.policy.mode"), "none");
        assert!(audit.flag("sluice.would_reject"));
        let action = if mode == "enforce" { "reject" } else { "allow" };
        assert_eq!(audit.text("sluice.action"), action);
        // Nor does the next one wait less, as long as nobody has answered.
        let next = lab.open_http(vm(0), of("sb_1", ALLOWED));
        assert_eq!(lab.state(&next), State::Paused);
        assert_no_trap(&lab);
    }
}

#[test]
fn nothing_is_held_where_nothing_is_to_be() {
    let (mut lab, _collector) = started(&config(0, "reject"), 1);
    let stream = lab.open_http(vm(0), of("sb_1", ALLOWED));
    assert_eq!(refusal(&lab.state(&stream)).unwrap()["rejected_by"], "no_policy");
    let (mut lab, _collector) = started(&config(0, "observe"), 1);
    let stream = lab.open_http(vm(0), of("sb_1", ALLOWED));
    assert_eq!(lab.state(&stream), State::Passed);
    // It asked all the same.
    lab.advance(2 * TICK);
    lab.tell(policy("sb_1", (1, 1)));
    assert_eq!(revision(&mut lab, vm(0), "sb_1"), Some(1));
}

#[test]
fn a_connection_is_never_held() {
    for (on_unknown, expected) in [("reject", State::Closed), ("observe", State::Passed)] {
        let config = config(2000, on_unknown);
        let (mut lab, collector) = started(&config, 1);
        let tcp = lab.add_root(vm(0), Plugin::tcp(config.to_string())).unwrap();
        let connection = Connection::new(ALLOWED, 443).with_property("filter_state|sb", "sb_1");
        let stream = lab.open_tcp(tcp, connection);
        assert_eq!(lab.state(&stream), expected);
        lab.end_tcp(&stream, Ending::default());
        lab.advance(2 * SECOND);
        assert_eq!(collector.of_kind("audit")[0].text("sluice.rejected_by"), "no_policy");
    }
}

#[test]
fn an_inline_policy_decides_at_once() {
    let config = with(config(2000, "reject"), &json!({"policy": enforce()}));
    let (mut lab, _collector) = started(&config, 1);
    let passed = lab.open_http(vm(0), of("sb_1", ALLOWED));
    assert_eq!(lab.state(&passed), State::Passed);
    let rejected = lab.open_http(vm(0), of("sb_1", PROBE));
    assert_eq!(refusal(&lab.state(&rejected)).unwrap()["rejected_by"], "default_deny");
}

#[test]
fn a_client_that_leaves_while_it_is_held_is_undecided() {
    let (mut lab, collector) = started(&config(2000, "reject"), 1);
    let stream = lab.open_http(vm(0), of("sb_1", ALLOWED));
    lab.advance(2 * TICK);
    let ending = Ending {
        details: Some("downstream_remote_disconnect".into()),
        ..Ending::default()
    };
    lab.end_http(&stream, ending);
    assert!(lab.has_ended(&stream));
    lab.tell(policy("sb_1", (1, 1)));
    lab.advance(5 * SECOND);
    let undecided = collector.of_kind("undecided");
    assert_eq!(undecided.len(), 1);
    assert_eq!(undecided[0].text("sluice.raw"), ALLOWED);
    assert_eq!(undecided[0].text("sluice.outcome"), "client_cancel");
    assert_eq!(undecided[0].resource.as_deref(), Some("sb_1"));
    assert_eq!(collector.decisions(), 0);
    assert_no_trap(&lab);
}

#[test]
fn ten_thousand_held_requests_go_on_in_one_go() {
    let (mut lab, _collector) = started(&config(60_000, "reject"), 1);
    let streams: Vec<_> = (0..10_000)
        .map(|number| lab.open_http(vm(0), of("sb_1", if number % 10 == 0 { PROBE } else { ALLOWED })))
        .collect();
    lab.advance(SECOND);
    assert!(streams.iter().all(|stream| lab.state(stream) == State::Paused));
    lab.tell(policy("sb_1", (1, 1)));
    let passed = streams
        .iter()
        .filter(|stream| lab.state(stream) == State::Passed)
        .count();
    let replied = streams
        .iter()
        .filter(|stream| refusal(&lab.state(stream)).is_some())
        .count();
    assert_eq!((passed, replied), (9_000, 1_000));
    assert_no_trap(&lab);
}
