//! An override beats the policy until its time, and everything says so.

use std::time::{Duration, SystemTime};

use serde_json::json;
use sluice_policy::Timestamp;
use sluice_tests::wait;

use crate::shared::{Scene, each_number_of_workers, get, github_only, proxy};

fn from_now(wait: Duration) -> String {
    let at = SystemTime::now() + wait;
    let micros = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("it is later")
        .as_micros();
    Timestamp::from_micros(i64::try_from(micros).expect("it is not that late")).to_string()
}

#[test]
fn while_it_lasts_every_event_and_heartbeat_carries_its_reason() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene
            .setup(&json!({"policy": github_only(), "override": {
                "mode": "audit_only", "until": "2099-01-01T00:00:00Z", "reason": "incident 42"}}))
            .concurrency(workers)
            .start();
        assert_eq!(get(proxy(&envoy), &scene.plain("unlisted.example.com")), Some(200));
        let audit = scene.audit("unlisted.example.com");
        assert_eq!(audit.text("sluice.action"), Some("allow"));
        assert_eq!(audit.flag("sluice.would_reject"), Some(true));
        assert_eq!(audit.text("sluice.policy.mode"), Some("audit_only"));
        scene.settled(&envoy, 1);
        for event in scene.collector.events() {
            assert_eq!(event.text("sluice.override"), Some("incident 42"), "{event:?}");
        }
    });
}

#[test]
fn after_its_time_the_policy_rules_and_nothing_speaks_of_it() {
    let scene = Scene::new();
    let until = from_now(Duration::from_secs(3));
    let envoy = scene
        .setup(&json!({"policy": github_only(), "override": {
            "mode": "audit_only", "until": until, "reason": "incident 42"}}))
        .start();
    let mut asked = 0;
    wait::until("the end of the override", || {
        asked += 1;
        (get(proxy(&envoy), &scene.plain("unlisted.example.com")) == Some(403)).then_some(())
    });
    scene.settled(&envoy, asked);
    let audits = scene.audits("unlisted.example.com");
    let rejected: Vec<_> = audits
        .iter()
        .filter(|audit| audit.text("sluice.action") == Some("reject"))
        .collect();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].get("sluice.override"), None);
    assert_eq!(rejected[0].text("sluice.policy.mode"), Some("enforce"));
    // The last heartbeat of each VM is from afterwards.
    let events = scene.collector.events();
    let beats = events.iter().filter(|event| event.name() == "heartbeat");
    let last = beats
        .max_by_key(|event| event.time_unix_nano)
        .expect("there are heartbeats");
    assert!(last.time_unix_nano > rejected[0].time_unix_nano);
    assert_eq!(last.get("sluice.override"), None, "{last:?}");
}
