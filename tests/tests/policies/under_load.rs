//! While requests run all the time, each is decided by the policy before a change or by the one after it.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_tests::probe::Probe;

use crate::shared::{Clients, LISTED, Scene, UNLISTED, WORKERS, all, allow, proxy};

/// Many rules about other hosts, and these.
fn many(rules: usize, listed: &[&str]) -> Value {
    let mut policy = allow(listed);
    let list = policy["rules"].as_array_mut().expect("a policy has rules");
    list.extend(
        (0..rules).map(|at| json!({"id": format!("m{at}"), "effect": "allow", "host": format!("h{at}.example.org")})),
    );
    policy
}

fn changes(workers: u32, rules: usize, revisions: u64) {
    let scene = Scene::new();
    scene.set(1, &many(rules, &[LISTED]));
    let envoy = scene.setup(workers, json!({})).start();
    let proxy = proxy(&envoy);
    assert_eq!(Clients::open(proxy).get(&scene.plain(LISTED)), all(200));
    let probe = Probe::start(proxy, &scene.plain(LISTED), 8, Duration::from_millis(1));
    for revision in 2..=revisions {
        let (listed, old, new) = if revision % 2 == 0 {
            (UNLISTED, 200, 403)
        } else {
            (LISTED, 403, 200)
        };
        scene.set(revision, &many(rules, &[listed]));
        assert!(!probe.until_changed(old, new).took.is_empty());
    }
    drop(probe);
    scene.in_force_everywhere(revisions);
    assert!(!envoy.log().contains("[critical]"), "{}", envoy.log());
}

#[test]
fn no_request_is_decided_by_neither_policy() {
    for workers in WORKERS {
        changes(workers, 10, 100);
    }
}

#[test]
fn nor_with_a_hundred_thousand_rules() {
    for workers in WORKERS {
        changes(workers, 100_000, 3);
    }
}
