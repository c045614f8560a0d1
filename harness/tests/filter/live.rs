//! One VM of a process holds the one stream to the policy service, and what
//! comes through it is in force in all of them.

mod answers;
mod leading;
mod random;

use serde_json::json;
use sluice_harness::lab::{Connection, Ending, Lab, Plugin, Request, State};

use crate::shared::*;

/// So many VMs, each with a request of `sb_1` behind it, and a stream.
pub(crate) fn asking(vms: usize) -> Lab {
    let mut lab = lab(&live(), vms);
    lab.advance(TICK);
    for vm in lab.vms() {
        assert_eq!(revision(&mut lab, vm, "sb_1"), None);
    }
    lab.advance(2 * TICK);
    lab
}

pub(crate) fn revisions(lab: &mut Lab, resource: &str) -> Vec<Option<u64>> {
    lab.vms().map(|vm| revision(lab, vm, resource)).collect()
}

#[test]
fn one_stream_serves_all_vms_and_each_has_a_policy_at_once() {
    for vms in [1, 2, 5] {
        let mut lab = asking(vms);
        let said = lab.said();
        assert!(
            matches!(&said[0], Said::Hello { held, .. } if held.is_empty()),
            "{said:?}"
        );
        assert_eq!(said[1..], [Said::Subscribe("sb_1".into())]);
        for number in 1..=3 {
            lab.tell(policy("sb_1", (1, number)));
            // Nobody has ticked.
            assert_eq!(revisions(&mut lab, "sb_1"), vec![Some(number); vms]);
            let all = u32::try_from(vms).unwrap();
            let ack = Said::Ack {
                id: "sb_1".into(),
                version: (1, number),
                vms: (all, all),
            };
            assert_eq!(lab.said().last(), Some(&ack));
        }
        for _ in 0..100 {
            lab.advance(TICK);
            assert_eq!(lab.watch().map(|stream| stream.open), Some(true));
        }
        assert_eq!(
            (lab.said().len(), lab.all_streams().len()),
            (5, 1),
            "nothing is said twice"
        );
        assert_no_trap(&lab);
    }
}

#[test]
fn what_a_plugin_is_for_is_asked_for_before_any_request() {
    let config = with(live(), &json!({"resource": {"type": "sandbox", "id": "sb_7"}}));
    let mut lab = lab(&config, 3);
    assert_eq!(
        lab.all_streams(),
        [],
        "a VM that only tries a configuration does nothing"
    );
    lab.advance(3 * TICK);
    assert_eq!(lab.said()[1..], [Said::Subscribe("sb_7".into())]);
    lab.tell(policy("sb_7", (1, 1)));
    let ack = Said::Ack {
        id: "sb_7".into(),
        version: (1, 1),
        vms: (3, 3),
    };
    assert_eq!(lab.said().last(), Some(&ack));
    assert_eq!(revisions(&mut lab, "sb_7"), [Some(1); 3]);
    // However long nobody uses it.
    lab.advance(1500 * SECOND);
    assert_eq!((lab.all_streams().len(), lab.said().len()), (1, 3));
    lab.tell(policy("sb_7", (1, 2)));
    assert_eq!(revisions(&mut lab, "sb_7"), [Some(2); 3]);
}

#[test]
fn a_vm_that_comes_later_has_the_policy_from_the_others() {
    let mut lab = asking(2);
    lab.tell(policy("sb_1", (1, 4)));
    let third = lab.add_vm(&setup(&live())).unwrap();
    assert_eq!(revision(&mut lab, third, "sb_1"), Some(4), "before its first tick");
    lab.advance(6 * SECOND);
    let all = Said::Ack {
        id: "sb_1".into(),
        version: (1, 4),
        vms: (3, 3),
    };
    assert_eq!(lab.said().last(), Some(&all));
}

#[test]
fn a_lost_note_costs_a_tick() {
    let mut lab = asking(3);
    lab.tell(policy("sb_1", (1, 1)));
    let leader = lab.watch().unwrap().vm;
    // A second root context registers nothing, so with the first one the queue
    // has nobody who is told of it.
    for vm in lab.vms().filter(|vm| *vm != leader).collect::<Vec<_>>() {
        let second = lab.add_root(vm, Plugin::tcp(live().to_string())).unwrap();
        lab.end_root(vm);
        let stream = lab.watch().unwrap();
        lab.send(&stream, policy("sb_1", (1, 2)));
        let probe = |lab: &mut Lab| {
            let state = lab.open_tcp(
                second,
                Connection::new(ALLOWED, 443).with_property("filter_state|sb", "sb_1"),
            );
            lab.state(&state)
        };
        assert_eq!(probe(&mut lab), State::Passed);
    }
    lab.send(&lab.watch().unwrap(), policy("sb_1", (1, 3)));
    // The notes are in the queues; the ticks are for those who were not told.
    lab.advance(TICK);
    let version = |lab: &Lab| match lab.said().pop() {
        Some(Said::Ack { version, vms, .. }) => (version, vms),
        other => panic!("{other:?}"),
    };
    assert_eq!(version(&lab), ((1, 3), (3, 3)));
}

#[test]
fn tunnels_that_a_newer_policy_rejects_are_closed_and_plain_requests_are_not() {
    let config = with(live(), &json!({"events": {"cluster": "collector"}}));
    let mut lab = lab(&config, 2);
    let tcp = lab.add_root(vm(1), Plugin::tcp(config.to_string())).unwrap();
    let collector = Collector::of(&mut lab);
    revision(&mut lab, vm(0), "sb_1");
    revision(&mut lab, vm(1), "sb_1");
    lab.advance(3 * TICK);
    lab.tell(policy("sb_1", (1, 1)));
    let tunnel = Request::connect("ok.example.com:443").with_property("filter_state|sb", "sb_1");
    let tunnels = [lab.open_http(vm(0), tunnel.clone()), lab.open_http(vm(1), tunnel)];
    let upgrade = lab.open_http(vm(0), of("sb_1", ALLOWED).with_header("upgrade", "websocket"));
    lab.respond_http(&upgrade, 101, &[("upgrade", "websocket")]);
    let plain = lab.open_http(vm(0), of("sb_1", ALLOWED));
    lab.respond_http(&plain, 200, &[]);
    let connection = Connection::new(ALLOWED, 443).with_property("filter_state|sb", "sb_1");
    let connection = lab.open_tcp(tcp, connection);
    let other = lab.open_http(
        vm(0),
        Request::connect("ok.example.com:443").with_property("filter_state|sb", "sb_2"),
    );
    lab.tell(policy_of("sb_1", (1, 2), &json!({"mode": "enforce"})));
    for stream in tunnels.iter().chain([&upgrade, &connection]) {
        assert_eq!((lab.state(stream), lab.has_ended(stream)), (State::Closed, true));
    }
    assert_eq!((lab.state(&plain), lab.has_ended(&plain)), (State::Passed, false));
    assert!(!lab.has_ended(&other));
    lab.end_http(&plain, Ending::response(200));
    lab.advance(2 * SECOND);
    let audits = collector.of_kind("audit");
    let changed: Vec<_> = audits
        .iter()
        .filter(|event| event.text("sluice.outcome") == "policy_changed")
        .collect();
    assert_eq!(changed.len(), 4);
    for event in changed {
        assert_eq!(
            (event.text("sluice.action"), event.int("sluice.policy.revision")),
            ("reject", 2)
        );
    }
    let running = audits
        .iter()
        .find(|event| event.host() == ALLOWED && event.int("sluice.policy.revision") == 1);
    assert_eq!(running.map(|event| event.text("sluice.outcome")), Some("ok"));
    assert_no_trap(&lab);
}

#[test]
fn a_tunnel_stays_open_until_there_is_a_policy_that_rejects_it() {
    let inline = with(
        live(),
        &json!({"policy_service": null, "policy": {"mode": "audit_only"}}),
    );
    let mut lab = lab(&inline, 1);
    let tunnel = Request::connect("ok.example.com:443").with_property("filter_state|sb", "sb_1");
    let tunnel = lab.open_http(vm(0), tunnel);
    lab.add_root(vm(0), Plugin::http(live().to_string())).unwrap();
    lab.advance(2 * SECOND);
    assert_eq!((lab.state(&tunnel), lab.has_ended(&tunnel)), (State::Passed, false));
    lab.tell(policy_of("sb_1", (1, 1), &json!({"mode": "enforce"})));
    assert_eq!((lab.state(&tunnel), lab.has_ended(&tunnel)), (State::Closed, true));
    assert_no_trap(&lab);
}

#[test]
fn a_resource_that_nobody_uses_is_asked_for_no_more() {
    let config = with(
        live(),
        &json!({"policy_service": {"cluster": "sluice", "idle_ms": 30_000}}),
    );
    let mut lab = lab(&config, 2);
    for (vm, id) in [(vm(0), "a"), (vm(1), "a"), (vm(1), "b")] {
        revision(&mut lab, vm, id);
    }
    lab.advance(3 * TICK);
    lab.tell(policy("a", (1, 1)));
    lab.tell(policy("b", (1, 1)));
    for _ in 0..20 {
        assert_eq!(revision(&mut lab, vm(0), "a"), Some(1));
        lab.advance(10 * SECOND);
    }
    let said = lab.said();
    assert!(said.contains(&Said::Unsubscribe("b".into())), "{said:?}");
    assert!(!said.contains(&Said::Unsubscribe("a".into())), "one VM still uses it");
    // It is asked for again with its next request.
    let stream = lab.open_http(vm(1), of("b", ALLOWED));
    assert_eq!(lab.state(&stream), State::Paused, "what was shared is out of date");
    lab.advance(2 * TICK);
    let asked = lab
        .said()
        .into_iter()
        .filter(|said| *said == Said::Subscribe("b".into()));
    assert_eq!(asked.count(), 2);
    lab.tell(policy("b", (1, 2)));
    assert_eq!(lab.state(&stream), State::Passed);
    assert_eq!(revision(&mut lab, vm(1), "b"), Some(2));
    assert_eq!(lab.all_streams().len(), 1);
}

#[test]
fn so_many_resources_are_asked_for_and_no_more() {
    let policy_service = json!({"cluster": "sluice", "max_resources": 3});
    let mut lab = lab(&with(live(), &json!({"policy_service": policy_service})), 2);
    lab.advance(TICK);
    for number in 0..10 {
        revision(&mut lab, vm(number % 2), &format!("sb_{number}"));
    }
    lab.advance(3 * TICK);
    let subscribed = lab
        .said()
        .iter()
        .filter(|said| matches!(said, Said::Subscribe(_)))
        .count();
    assert_eq!(subscribed, 3);
    let beyond = lab.open_http(vm(0), of("sb_8", ALLOWED));
    let details = refusal(&lab.state(&beyond)).unwrap();
    assert_eq!(details["rejected_by"], "no_policy", "{details}");
    assert!(lab.metric("sluice_resources_over_cap_total").unwrap() >= 5);
}
