//! Whatever fails, every live VM ends on the newest policy, and nothing passes undecided meanwhile.

use serde_json::json;
use sluice_tests::wait;
use tonic::Code;

use crate::shared::{Clients, LISTED, Scene, UNLISTED, WORKERS, all, allow, enforce, live, proxy};

/// A scene in which the first revision is in force on all connections.
fn started(workers: u32) -> (Scene, sluice_tests::envoy::Envoy, Clients) {
    let scene = Scene::new();
    scene.set(1, &enforce());
    let envoy = scene.setup(workers, json!({})).start();
    let mut clients = Clients::open(proxy(&envoy));
    assert_eq!(clients.get(&scene.plain(LISTED)), all(200));
    (scene, envoy, clients)
}

/// The second revision rules everywhere.
fn second_rules(scene: &Scene, clients: &mut Clients) {
    scene.in_force_everywhere(2);
    assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200));
    assert_eq!(clients.get(&scene.plain(LISTED)), all(403));
}

#[test]
fn a_collector_that_was_killed_hands_out_what_changed_meanwhile() {
    for workers in WORKERS {
        let (scene, envoy, mut clients) = started(workers);
        scene.in_force_everywhere(1);
        scene.collector.stop();
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "the last policy stays");
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403));
        scene.set(2, &allow(&[UNLISTED]));
        scene.collector.restart();
        second_rules(&scene, &mut clients);
        let hello = scene.collector.hellos().pop().expect("the new stream has one");
        let held = hello.held.iter().filter_map(|held| Some(held.version?.revision));
        assert_eq!(held.collect::<Vec<_>>(), [1], "it said what is in force");
        assert!(envoy.log().contains("the last policies stay in force"));
    }
}

#[test]
fn a_stream_that_ends_with_any_status_is_opened_again() {
    let (scene, _envoy, mut clients) = started(4);
    let mut codes = vec![None];
    codes.extend((1..=16).map(|code| Some(Code::from_i32(code))));
    for (number, code) in codes.into_iter().enumerate() {
        let revision = 2 + number as u64;
        wait::until("a stream", || (scene.collector.watchers() == 1).then_some(()));
        scene.collector.close_streams(code);
        let host = if revision.is_multiple_of(2) { UNLISTED } else { LISTED };
        scene.set(revision, &allow(&[host]));
        scene.in_force_everywhere(revision);
        assert_eq!(clients.get(&scene.plain(host)), all(200), "after {code:?}");
    }
}

#[test]
fn a_credential_that_is_accepted_late_is_good_enough() {
    for workers in WORKERS {
        let (scene, envoy, mut clients) = started(workers);
        scene.collector.refuse_watch(Some(Code::Unauthenticated));
        scene.collector.close_streams(None);
        scene.set(2, &allow(&[UNLISTED]));
        wait::until("the refusal in the log", || {
            envoy.log().contains("ended with gRPC status 16").then_some(())
        });
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "the last policy stays");
        scene.collector.refuse_watch(None);
        second_rules(&scene, &mut clients);
    }
}

#[test]
fn a_listener_update_leaves_no_connection_behind() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let mut envoy = scene.setup(workers, json!({})).watching_listeners().start();
        let mut old = Clients::open(proxy(&envoy));
        assert_eq!(old.get(&scene.plain(LISTED)), all(200));
        envoy.update_listener(&live(json!({"generation": 2})).to_string(), |_| {});
        wait::until("the old listener to drain", || {
            let draining = envoy.stat("listener_manager.total_filter_chains_draining")
                + envoy.stat("listener_manager.total_listeners_draining");
            (draining > 0).then_some(())
        });
        let mut new = Clients::open(proxy(&envoy));
        assert_eq!(new.get(&scene.plain(LISTED)), all(200));
        scene.set(2, &allow(&[UNLISTED]));
        second_rules(&scene, &mut old);
        second_rules(&scene, &mut new);
    }
}

#[test]
fn a_new_plugin_configuration_keeps_the_live_policy() {
    for workers in WORKERS {
        let (scene, mut envoy, mut clients) = started(workers);
        envoy.switch(&live(json!({"generation": 2})));
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "without asking again");
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403));
        scene.set(2, &allow(&[UNLISTED]));
        second_rules(&scene, &mut clients);
    }
}
