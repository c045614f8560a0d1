//! A tunnel is one decision: recorded when it ends, and once before if that takes long.

use serde_json::json;
use sluice_tests::raw::{Answer, h1};

use crate::shared::{Scene, each_number_of_workers, get, github_only, proxy};

fn open(scene: &Scene, proxy: std::net::SocketAddr) -> h1::Connection {
    let mut tunnel = h1::Connection::open(proxy);
    let opened = tunnel.send(&h1::connect_to(&scene.plain("api.github.com")));
    assert_eq!(opened.status(), Some(200));
    let inside = h1::request(b"GET", b"/inside", &[(b"host", b"api.github.com")]);
    assert!(matches!(tunnel.send(&inside), Answer::Response { status: 200, .. }));
    tunnel
}

#[test]
fn it_is_recorded_when_it_ends() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene
            .setup(&json!({"policy": github_only()}))
            .concurrency(workers)
            .start();
        let tunnel = open(&scene, proxy(&envoy));
        assert_eq!(get(proxy(&envoy), "later.example.com"), Some(403));
        scene.audit("later.example.com");
        assert_eq!(scene.audits("api.github.com"), [], "it is open");
        drop(tunnel);
        let audit = scene.audit("api.github.com");
        assert_eq!(audit.text("http.request.method"), Some("CONNECT"));
        assert_eq!(audit.text("sluice.action"), Some("allow"));
        assert_eq!(audit.text("sluice.outcome"), Some("ok"));
        assert_eq!(audit.int("http.response.status_code"), Some(200));
        assert!(audit.int("http.request.size") > Some(0) && audit.int("http.response.size") > Some(0));
        scene.settled(&envoy, 2);
        assert_eq!(scene.audits("api.github.com").len(), 1);
        let mut all = scene.collector.events().into_iter();
        assert!(
            !all.any(|event| event.text("url.path") == Some("/inside")),
            "that is between them"
        );
    });
}

#[test]
fn one_that_stays_open_is_told_of_and_then_updated() {
    let scene = Scene::new();
    let envoy = scene.setup(&json!({"policy": github_only()})).concurrency(4).start();
    let tunnel = open(&scene, proxy(&envoy));
    let told = scene.audit("api.github.com");
    assert_eq!(told.text("sluice.outcome"), Some("open"));
    assert!(told.int("sluice.duration_us") >= Some(10_000_000));
    drop(tunnel);
    let ended = scene.collector.event("the end of the tunnel", |event| {
        event.text("server.address") == Some("api.github.com") && event.text("sluice.outcome") == Some("ok")
    });
    assert_eq!(ended.text("log.record.uid"), told.text("log.record.uid"));
    assert!(ended.int("sluice.seq") > told.int("sluice.seq"));
    assert!(ended.int("http.response.size") > Some(0));
    let ledger = scene.settled(&envoy, 1);
    assert_eq!(ledger.gaps(), []);
    assert_eq!(scene.audits("api.github.com").len(), 2);
}
