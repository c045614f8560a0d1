//! A VM that traps is built anew, decides again with the policy in force, and what it lost is known.

use serde_json::json;
use sluice_tests::raw::h1;
use sluice_tests::wait;

use crate::neighbours::ask_foreign;
use crate::shared::{Clients, LISTED, Listener, Scene, UNLISTED, WORKERS, all, allow, enforce, get, proxy};

#[test]
fn a_worker_that_traps_decides_again_without_the_collector() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).trapping().start();
        let proxy = proxy(&envoy);
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        assert_eq!(Clients::open(proxy).get(&listed), all(200));
        scene.in_force_everywhere(1);
        scene.collector.stop();
        assert_eq!(get(proxy, &scene.plain("trap.example.com")), Some(503));
        wait::until("the VM to be built anew", || {
            // Whichever worker takes it: never let through.
            let status = get(proxy, &unlisted);
            assert!(matches!(status, Some(403 | 503)), "{status:?}");
            (envoy.stat("wasm.sluice.http.vm_reload_success") > 0).then_some(())
        });
        let mut clients = Clients::open(proxy);
        wait::until("all workers to decide by the policy that is shared", || {
            (clients.get(&listed) == all(200) && clients.get(&unlisted) == all(403)).then_some(())
        });
        scene.set(2, &allow(&[UNLISTED]));
        scene.collector.restart();
        wait::until("the newest policy on every connection", || {
            (clients.get(&unlisted) == all(200) && clients.get(&listed) == all(403)).then_some(())
        });
    }
}

#[test]
fn what_a_trap_loses_is_told_by_the_count_of_decisions() {
    let scene = Scene::new();
    scene.set(1, &enforce());
    let envoy = scene.setup(1, json!({})).trapping().start();
    let upstream = Listener::bind();
    let mut tunnel = h1::Connection::open(proxy(&envoy));
    let opened = tunnel.send(&h1::connect_to(&upstream.authority(LISTED)));
    assert_eq!(opened.status(), Some(200));
    let _far_end = upstream.accept();
    // The tunnel is decided and counted, and its event waits for its end.
    assert_eq!(get(proxy(&envoy), &scene.plain("trap.example.com")), Some(503));
    drop(tunnel);
    // What comes after it is recorded, so what is missing then will not come.
    wait::until("the VM to be built anew", || {
        (get(proxy(&envoy), &scene.plain(UNLISTED)) == Some(403)).then_some(())
    });
    scene.audit(UNLISTED, |_| true);
    let ledger = wait::until("a heartbeat that counts both", || {
        let ledger = scene.collector.ledger();
        (ledger.decisions() == 2).then_some(ledger)
    });
    let lost: Vec<_> = ledger.processes().values().map(|process| process.lost()).collect();
    assert_eq!(lost, [1]);
}

#[test]
fn a_leader_that_dies_is_replaced_wherever_it_was() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).trapping().foreign().start();
        let proxy = proxy(&envoy);
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        assert_eq!(Clients::open(proxy).get(&listed), all(200));
        scene.in_force_everywhere(1);
        // The first is nearly always the main thread's VM, which Envoy never builds anew; then a worker's.
        for revision in [2, 3] {
            let leaders = scene.collector.hellos().len();
            ask_foreign(proxy, "x-share", "test-trap/leader", &[1]);
            let hello = wait::until("another VM to lead", || {
                // A worker's VM is built anew by its next request.
                let _ = get(proxy, &listed);
                scene.collector.hellos().get(leaders).cloned()
            });
            let before = &scene.collector.hellos()[leaders - 1];
            assert_ne!(hello.instance, before.instance);
            let (now, before) = if revision == 2 {
                (&unlisted, &listed)
            } else {
                (&listed, &unlisted)
            };
            scene.set(revision, &allow(&[if revision == 2 { UNLISTED } else { LISTED }]));
            wait::until("the newest policy in every worker", || {
                let mut clients = Clients::open(proxy);
                (clients.get(now) == all(200) && clients.get(before) == all(403)).then_some(())
            });
        }
    }
}
