//! A change is in force in every VM, in order, and closes what it rejects.

use std::thread;

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{h1, tls};

use crate::shared::{
    Clients, LISTED, Listener, Scene, UNLISTED, WORKERS, all, allow, audit_only, enforce, get, live, proxy,
};

#[test]
fn fifty_changes_all_come_into_force_in_order() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let envoy = scene.setup(workers, json!({})).start();
        let mut clients = Clients::open(proxy(&envoy));
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200));
        for revision in 2..=50 {
            scene.set(
                revision,
                &allow(&[if u64::is_multiple_of(revision, 2) {
                    UNLISTED
                } else {
                    LISTED
                }]),
            );
            if revision % 10 == 0 {
                scene.in_force_everywhere(revision);
                assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200), "revision {revision}");
                assert_eq!(clients.get(&scene.plain(LISTED)), all(403), "revision {revision}");
            }
        }
        let acks = scene.collector.acks();
        let revisions: Vec<u64> = acks.iter().filter_map(|ack| Some(ack.version?.revision)).collect();
        assert!(revisions.is_sorted(), "{revisions:?}");
        assert_eq!(revisions.last(), Some(&50));
        assert_eq!(scene.collector.nacks(), []);
    }
}

#[test]
fn an_override_beats_the_live_policy_and_is_on_every_event() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &enforce());
        let given = json!({"mode": "audit_only", "until": "2100-01-01T00:00:00Z", "reason": "incident 42"});
        let envoy = scene.setup(workers, json!({"override": given})).start();
        let mut clients = Clients::open(proxy(&envoy));
        assert_eq!(clients.get(&scene.plain(UNLISTED)), all(200));
        let event = scene.audit(UNLISTED, |_| true);
        assert_eq!(event.text("sluice.override"), Some("incident 42"));
        assert_eq!(event.text("sluice.policy.mode"), Some("audit_only"));
        assert_eq!(event.flag("sluice.would_reject"), Some(true));
        scene.set(2, &allow(&[UNLISTED]));
        scene.in_force_everywhere(2);
        assert_eq!(clients.get(&scene.plain(LISTED)), all(200), "no newer policy ends it");
    }
}

/// The event of what a newer policy has closed.
fn policy_changed(scene: &Scene, revision: i64, rejected_by: &str) {
    let event = scene.audit(UNLISTED, |event| event.text("sluice.outcome") == Some("policy_changed"));
    assert_eq!(event.text("sluice.action"), Some("reject"));
    assert_eq!(event.text("sluice.rejected_by"), Some(rejected_by));
    assert_eq!(event.int("sluice.policy.revision"), Some(revision));
}

fn deny() -> Value {
    json!({"mode": "enforce", "rules": [
        {"id": "ok", "effect": "allow", "host": LISTED},
        {"id": "shut", "effect": "deny", "host": UNLISTED},
    ]})
}

#[test]
fn a_tightened_policy_closes_tunnels_and_upgrades_and_lets_requests_finish() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &audit_only());
        let envoy = scene.setup(workers, json!({})).start();
        let proxy = proxy(&envoy);
        let upstream = Listener::bind();
        let (shut, open) = (upstream.authority(UNLISTED), upstream.authority(LISTED));

        let mut tunnel = h1::Connection::open(proxy);
        assert_eq!(tunnel.send(&h1::connect_to(&shut)).status(), Some(200));
        let _far_end = upstream.accept();
        let mut kept = h1::Connection::open(proxy);
        assert_eq!(kept.send(&h1::connect_to(&open)).status(), Some(200));
        let mut kept_end = upstream.accept();

        let mut upgraded = h1::Connection::open(proxy);
        let headers: [(&[u8], &[u8]); 3] = [
            (b"host", shut.as_bytes()),
            (b"connection", b"upgrade"),
            (b"upgrade", b"websocket"),
        ];
        upgraded.begin(&h1::request(b"GET", format!("http://{shut}/ws").as_bytes(), &headers));
        let mut upgraded_end = upstream.accept();
        upgraded_end.request();
        upgraded_end.write("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
        assert_eq!(upgraded.send(b"").status(), Some(101));

        let mut running = h1::Connection::open(proxy);
        running.begin(&h1::get(&shut));
        let mut running_end = upstream.accept();
        running_end.request();

        scene.set(2, &deny());
        tunnel.closed();
        upgraded.closed();
        policy_changed(&scene, 2, "shut");
        running_end.answer("200 OK", "late");
        assert_eq!(running.send(b"").status(), Some(200), "{workers} workers");
        kept_end.write("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(kept.send(b"more").status(), Some(200), "what is allowed stays open");
        assert_eq!(get(proxy, &shut), Some(403));
    }
}

#[test]
fn a_rule_that_expires_closes_its_tunnel() {
    for workers in WORKERS {
        let scene = Scene::new();
        let envoy = scene.setup(workers, json!({})).start();
        let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        let soon = soon
            .duration_since(std::time::UNIX_EPOCH)
            .expect("it is later")
            .as_secs();
        let policy = json!({"mode": "enforce", "rules": [
            {"id": "trial", "effect": "allow", "host": UNLISTED, "expires_at": rfc3339(soon)},
        ]});
        scene.set(1, &policy);
        let upstream = Listener::bind();
        let mut tunnel = h1::Connection::open(proxy(&envoy));
        assert_eq!(
            tunnel.send(&h1::connect_to(&upstream.authority(UNLISTED))).status(),
            Some(200)
        );
        let _far_end = upstream.accept();
        tunnel.closed();
        let event = scene.audit(UNLISTED, |event| event.text("sluice.outcome") == Some("policy_changed"));
        let nearest = event.text("sluice.nearest").unwrap_or_default();
        assert!(nearest.contains("expired") && nearest.contains("trial"), "{event:?}");
    }
}

/// A time of this century.
fn rfc3339(seconds: u64) -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .expect("date is part of every system");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_tightened_policy_closes_connections_it_knows_by_their_server_name() {
    for workers in WORKERS {
        let scene = Scene::new();
        scene.set(1, &audit_only());
        let upstream = Listener::bind();
        let envoy = Setup::shipped("transparent", &scene.world.dns)
            .dialling(upstream.port())
            .collector(scene.collector.port())
            .concurrency(workers)
            // A connection cannot be held, so the first one is decided by this.
            .configuration(&live(json!({"default_port": 443, "on_unknown": "observe"})))
            .start();
        let listener = envoy.listener("tls");
        let client = thread::spawn(move || tls::Connection::open(listener).hello(UNLISTED.as_bytes()));
        let _far_end = upstream.accept();
        // The first connection has asked for the policy.
        scene.in_force_everywhere(1);
        scene.set(2, &deny());
        assert_eq!(client.join().expect("the client does not panic"), b"");
        policy_changed(&scene, 2, "shut");
    }
}
