//! What decides before the policy service has answered, and from the moment it has.

use std::net::SocketAddr;
use std::thread;

use serde_json::{Value, json};
use sluice_tests::envoy::Envoy;
use sluice_tests::raw::{Answer, h1};
use sluice_tests::wait;

use crate::shared::{Clients, LISTED, SANDBOX, Scene, UNLISTED, WORKERS, all, allow, enforce, get, proxy};

/// A request on its way, and what will have come of it.
fn ask(proxy: SocketAddr, request: Vec<u8>) -> thread::JoinHandle<Answer> {
    thread::spawn(move || h1::Connection::open(proxy).send(&request))
}

/// Waits until requests are held in the proxy.
fn held(envoy: &Envoy, requests: u64) {
    wait::until("requests to be in the proxy", || {
        (envoy.stat("http.forward_proxy.downstream_rq_active") >= requests).then_some(())
    });
}

#[test]
fn a_policy_that_is_pushed_rules_open_connections_at_once() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).start();
        let mut clients = Clients::open(proxy(&envoy));
        let (listed, unlisted) = (scene.plain(LISTED), scene.plain(UNLISTED));
        assert_eq!(clients.get(&unlisted), all(403), "{workers} workers");
        assert_eq!(clients.get(&listed), all(200));

        scene.set(2, &allow(&[UNLISTED]));
        let ack = scene.in_force_everywhere(2);
        assert_eq!(ack.vms, workers + 1, "the workers' VMs and the main thread's");
        assert_eq!(clients.get(&unlisted), all(200), "{workers} workers");
        assert_eq!(clients.get(&listed), all(403));
        assert_eq!(envoy.stat("http.forward_proxy.downstream_cx_total"), 20);
        let event = scene.audit(LISTED, |event| event.text("sluice.action") == Some("reject"));
        assert_eq!(event.int("sluice.policy.epoch"), Some(1));
        assert_eq!(event.int("sluice.policy.revision"), Some(2));
    }
}

#[test]
fn a_resource_without_a_policy_is_observed() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.collector.set_none(SANDBOX.0, SANDBOX.1, None);
        let envoy = scene.setup(workers, json!({})).start();
        let mut clients = Clients::open(proxy(&envoy));
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200), "{workers} workers");
        let event = scene.audit(UNLISTED, |_| true);
        assert_eq!(event.text("sluice.policy.mode"), Some("audit_only"));
        assert_eq!(event.text("sluice.rejected_by"), Some("default_deny"));
        assert_eq!(event.flag("sluice.would_reject"), Some(true));
    }
}

#[test]
fn an_inline_policy_rules_until_a_live_one_arrives() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({"policy": enforce()})).start();
        let mut clients = Clients::open(proxy(&envoy));
        // The collector has been asked and does not answer; nothing waits for it.
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403));
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200));
        scene.set(1, &allow(&[UNLISTED]));
        scene.in_force_everywhere(1);
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200));
        assert_eq!(clients.get(&scene.plain(LISTED)), all(403));
        let event = scene.audit(LISTED, |event| event.text("sluice.action") == Some("allow"));
        assert_eq!(event.int("sluice.policy.revision"), None, "an inline policy has none");
    }
}

#[test]
fn without_an_answer_requests_are_held_and_then_rejected() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({"hold_ms": 300})).start();
        let mut client = h1::Connection::open(proxy(&envoy));
        let answer = client.send(&h1::get(&scene.plain(LISTED)));
        let Answer::Response { status, head, body } = answer else {
            panic!("no answer")
        };
        assert_eq!(status, 403);
        assert!(head.contains("x-sluice-rejected-by: no_policy"), "{head}");
        let body: Value = serde_json::from_slice(&body).expect("the body is JSON");
        assert_eq!(body["error"]["details"]["rejected_by"], "no_policy");
        let message = body["error"]["message"].as_str().expect("it has a message");
        assert!(message.contains("no policy has arrived yet"), "{message}");
        let event = scene.audit(LISTED, |_| true);
        assert_eq!(event.text("sluice.rejected_by"), Some("no_policy"));
        assert_eq!(event.text("sluice.policy.mode"), Some("none"));
        assert_eq!(scene.world.plain.accepted(), 0);
    }
}

#[test]
fn without_an_answer_requests_are_held_and_then_observed_if_that_is_configured() {
    for workers in WORKERS {
        let scene = Scene::new();
        let configuration = json!({"hold_ms": 300, "on_unknown": "observe"});
        let envoy = scene.setup(workers, configuration).start();
        assert_eq!(get(proxy(&envoy), &scene.plain(LISTED)), Some(200));
        let event = scene.audit(LISTED, |_| true);
        assert_eq!(event.text("sluice.action"), Some("allow"));
        assert_eq!(event.flag("sluice.would_reject"), Some(true));
        assert_eq!(event.text("sluice.rejected_by"), Some("no_policy"));
        assert_eq!(event.text("sluice.policy.mode"), Some("none"));
    }
}

#[test]
fn held_requests_are_decided_by_the_policy_that_arrives() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({})).start();
        let proxy = proxy(&envoy);
        let asked: Vec<_> = [LISTED, UNLISTED]
            .into_iter()
            .cycle()
            .take(8)
            .map(|host| (host, ask(proxy, h1::get(&scene.plain(host)))))
            .collect();
        held(&envoy, 8);
        assert_eq!(scene.world.plain.accepted(), 0, "nothing passes meanwhile");
        scene.set(1, &enforce());
        for (host, answer) in asked {
            let status = answer.join().expect("the client does not panic").status();
            assert_eq!(status, Some(if host == LISTED { 200 } else { 403 }), "{host}");
        }
    }
}

#[test]
fn a_held_request_keeps_its_body() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({})).start();
        let body = vec![b'x'; 200_000];
        let length = body.len().to_string();
        let upstream = crate::shared::Listener::bind();
        let authority = upstream.authority(LISTED);
        let head = h1::request(
            b"POST",
            format!("http://{authority}/").as_bytes(),
            &[(b"host", authority.as_bytes()), (b"content-length", length.as_bytes())],
        );
        let answer = ask(proxy(&envoy), [head, body].concat());
        held(&envoy, 1);
        scene.set(1, &enforce());
        let mut stream = upstream.accept();
        let (_, received) = stream.request();
        assert_eq!(received.len(), 200_000, "{workers} workers");
        stream.answer("200 OK", "done");
        assert_eq!(answer.join().expect("the client does not panic").status(), Some(200));
    }
}

#[test]
fn a_client_that_leaves_while_it_is_held_is_told_of_and_leaves_nothing() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({})).start();
        let mut client = h1::Connection::open(proxy(&envoy));
        client.begin(&h1::get(&scene.plain(LISTED)));
        held(&envoy, 1);
        drop(client);
        let event = scene
            .collector
            .event("an undecided request", |event| event.name() == "undecided");
        assert_eq!(event.text("sluice.outcome"), Some("client_cancel"));
        assert_eq!(event.text("sluice.raw"), Some(scene.plain(LISTED).as_str()));
        wait::until("nothing to be left of it", || {
            let left = envoy.stat("http.forward_proxy.downstream_rq_active")
                + envoy.stat("http.forward_proxy.downstream_cx_active");
            (left == 0).then_some(())
        });
        // And what comes late for it hurts nobody.
        scene.set(1, &enforce());
        assert_eq!(get(proxy(&envoy), &scene.plain(LISTED)), Some(200));
        assert_eq!(scene.world.plain.accepted(), 1);
    }
}

#[test]
fn an_envoy_that_starts_while_the_collector_is_down_gets_the_policy_once_it_is_up() {
    for workers in WORKERS {
        for (on_unknown, before) in [("reject", 403), ("observe", 200)] {
            let scene = Scene::new();
            scene.set(1, &enforce());
            scene.collector.stop();
            let configuration = json!({"hold_ms": 200, "on_unknown": on_unknown});
            let envoy = scene.setup(workers, configuration).start();
            assert_eq!(get(proxy(&envoy), &scene.plain(UNLISTED)), Some(before));
            scene.collector.restart();
            scene.in_force_everywhere(1);
            let mut clients = Clients::open(proxy(&envoy));
            assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "{on_unknown}");
            assert_eq!(clients.get(&scene.plain(UNLISTED)), all(403), "{on_unknown}");
        }
    }
}
