//! Under Istio every plugin of a pod shares one space of data and queues, so
//! anybody may have written anything there.

use std::collections::BTreeSet;

use prost::Message;
use serde_json::json;
use sluice_harness::lab::{Ending, Lab, Plugin, Request, State, VmSetup};

use crate::shared::*;

/// What a neighbour writes in the place of `value`.
fn lies(random: &mut Random, value: &[u8], others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let some = 1 + random.below(64);
    let few = random.below(value.len().max(1));
    vec![
        Vec::new(),
        vec![0; 16],
        vec![0xff; 8],
        vec![0xff; 16],
        vec![0xff; 100_000],
        b"g".repeat(16),
        random.bytes(some),
        random.mutate(value),
        random.mutate(value),
        value[..few].to_vec(),
        others[random.below(others.len())].clone(),
    ]
}

/// Whether it is a policy newer than `newest`, which would have to be believed.
fn is_news(bytes: &[u8], newest: u64) -> bool {
    let version = match WatchResponse::decode(bytes).map(|message| message.message) {
        Ok(Some(Content::Policy(policy))) => policy.version,
        Ok(Some(Content::None(none))) => none.version,
        _ => None,
    };
    version.is_some_and(|version| (version.epoch, version.revision) > (1, newest))
}

/// Writes under every key and into every queue; what was there is overwritten.
fn vandalise(lab: &mut Lab, random: &mut Random, newest: u64) {
    let data = lab.shared_data("sluice");
    let values: Vec<_> = data.values().cloned().collect();
    for (key, value) in &data {
        let lies = lies(random, value, &values);
        let lie = &lies[random.below(lies.len())];
        if random.below(3) > 0 && !is_news(lie, newest) {
            lab.set_shared("sluice", key, lie);
        }
    }
    for queue in lab.queues() {
        for lie in lies(random, queue.items.last().map_or(b"", |item| item), &values) {
            lab.enqueue("sluice", &queue.name, &lie);
        }
    }
}

#[test]
fn what_neighbours_write_neither_traps_nor_rules() {
    for seed in 1..=8 {
        let mut random = Random::new(seed);
        let config = with(live(), &json!({"events": {"cluster": "collector"}}));
        let mut lab = lab(&config, 3);
        lab.advance(TICK);
        let mut newest = 0;
        for _ in 0..60 {
            for vm in lab.vms() {
                let found = revision(&mut lab, vm, "sb_1");
                assert!(
                    found.is_none_or(|found| found <= newest && found > 0),
                    "seed {seed}: {found:?}"
                );
            }
            vandalise(&mut lab, &mut random, newest);
            match random.below(4) {
                0 => lab.settle(),
                1 => lab.advance(TICK * 7),
                _ => lab.advance(TICK),
            }
            // More than one may believe to lead for a moment, and that is no harm.
            if let Some(stream) = lab.streams().pop() {
                newest += 1;
                lab.send(&stream, policy("sb_1", (1, newest)));
            }
            assert_no_trap(&lab);
        }
        assert!(newest > 10, "seed {seed}: hardly any policy came: {newest}");
        // Once they leave it alone, all is well again.
        lab.advance(40 * SECOND);
        newest += 1;
        lab.tell(policy("sb_1", (1, newest)));
        lab.advance(SECOND);
        for vm in lab.vms() {
            assert_eq!(revision(&mut lab, vm, "sb_1"), Some(newest), "seed {seed}");
        }
        assert_no_trap(&lab);
    }
}

#[test]
fn one_lie_about_a_version_keeps_no_policy_away() {
    let mut lab = lab(&live(), 3);
    lab.advance(TICK);
    for vm in lab.vms() {
        revision(&mut lab, vm, "sb_1");
    }
    lab.advance(2 * TICK);
    lab.tell(policy("sb_1", (1, 1)));
    let keys: Vec<_> = lab.shared_data("sluice").into_keys().collect();
    let head = keys
        .iter()
        .find(|key| key.windows(6).any(|part| part == b"/head/"))
        .unwrap();
    for (number, lie) in [(2, vec![0xff; 16]), (3, vec![0; 16]), (4, b"?".to_vec())] {
        lab.set_shared("sluice", head, &lie);
        lab.advance(SECOND);
        lab.tell(policy("sb_1", (1, number)));
        for vm in lab.vms() {
            assert_eq!(revision(&mut lab, vm, "sb_1"), Some(number), "{lie:?}");
        }
    }
}

#[test]
fn a_flood_of_wishes_is_bounded() {
    let config = with(
        live(),
        &json!({"policy_service": {"cluster": "sluice", "max_resources": 50}}),
    );
    let mut lab = lab(&config, 2);
    lab.advance(TICK);
    revision(&mut lab, vm(0), "sb_1");
    revision(&mut lab, vm(1), "sb_1");
    // The wish of the VM that does not lead, for something else each time.
    lab.advance(2 * TICK);
    let leader = lab.watch().unwrap().vm;
    let follower = lab.vms().find(|vm| *vm != leader).unwrap();
    lab.take_acts(follower);
    revision(&mut lab, follower, "sb_X");
    let wish = lab.take_acts(follower).into_iter().find_map(|entry| match entry.act {
        sluice_harness::engine::Act::Enqueue { queue, item } => Some((queue, item)),
        _ => None,
    });
    let (queue, item) = wish.expect("it asks the leader");
    let queue = String::from_utf8(queue).unwrap();
    let at = item.windows(4).position(|part| part == b"sb_X").unwrap();
    for number in 0..=u8::MAX {
        let mut item = item.clone();
        item[at + 3] = number;
        lab.enqueue("sluice", &queue, &item);
    }
    lab.settle();
    lab.advance(SECOND);
    let subscribed = lab.watch().map_or(0, |stream| stream.sent.len() - 1);
    assert!(subscribed <= 50, "{subscribed}");
    assert_no_trap(&lab);
}

#[test]
fn plugins_with_different_credentials_never_meet() {
    let config = |token: &str, id: &str| {
        json!({
            "resource": {"type": "sandbox", "id": id},
            "policy_service": {"cluster": "sluice", "token_env": token},
            "events": {"cluster": "collector", "token_env": token},
        })
        .to_string()
    };
    let named = |name: &str, json: String| Plugin {
        name: name.into(),
        ..Plugin::http(json)
    };
    let setup = VmSetup::new(named("one", config("ONE", "sb_1")))
        .with_variable("ONE", "first")
        .with_variable("TWO", "second");
    let mut lab = Lab::with_vms(filter(), &setup, 2).unwrap();
    let mut others = Vec::new();
    for vm in lab.vms().collect::<Vec<_>>() {
        others.push(lab.add_root(vm, named("two", config("TWO", "sb_1"))).unwrap());
    }
    lab.advance(3 * TICK);
    let token = |metadata: &[(String, Vec<u8>)]| {
        let found = metadata.iter().find(|(name, _)| name == "authorization").unwrap();
        String::from_utf8(found.1.clone()).unwrap()
    };
    let streams = lab.streams();
    let tokens: BTreeSet<_> = streams.iter().map(|stream| token(&stream.metadata)).collect();
    assert_eq!((streams.len(), tokens.len()), (2, 2));
    let first = streams
        .iter()
        .find(|stream| token(&stream.metadata) == "Bearer first")
        .unwrap();
    lab.send(first, policy("sb_1", (1, 1)));
    lab.settle();
    lab.advance(SECOND);
    for (vm, other) in lab.vms().collect::<Vec<_>>().into_iter().zip(others) {
        assert_eq!(revision(&mut lab, vm, "sb_1"), Some(1));
        let held = lab.open_http(other, Request::get(PROBE));
        assert_eq!(lab.state(&held), State::Paused, "the policy of the other credential");
        lab.end_http(&held, Ending::default());
    }
    // Nor do their events: only the first decided anything.
    while let Some(call) = lab.calls().pop() {
        lab.answer(&call, Ok(Vec::new()));
    }
    lab.advance(3 * SECOND);
    let mut seen = BTreeSet::new();
    for call in lab.calls() {
        let kinds: Vec<_> = events(&call.message)
            .iter()
            .map(|event| event.kind().to_owned())
            .collect();
        seen.extend(kinds.into_iter().map(|kind| (token(&call.metadata), kind)));
    }
    assert!(seen.contains(&("Bearer first".into(), "audit".into())), "{seen:?}");
    assert!(seen.contains(&("Bearer second".into(), "undecided".into())), "{seen:?}");
    assert!(!seen.contains(&("Bearer second".into(), "audit".into())), "{seen:?}");
    let prefixes: BTreeSet<String> = lab
        .shared_data("sluice")
        .into_keys()
        .filter_map(|key| Some(String::from_utf8(key).ok()?.split('/').nth(2)?.to_owned()))
        .filter(|part| part != "process")
        .collect();
    assert_eq!(prefixes.len(), 2, "{prefixes:?}");
}
