//! What is recorded of requests that fail, that Envoy answers itself, and that are made to be recorded badly.

use std::net::TcpListener;

use serde_json::{Value, json};
use sluice_tests::collector::{Collector, Event};
use sluice_tests::raw::h1;

use crate::shared::{Scene, each_number_of_workers, get, get_path, proxy};

fn observing() -> Value {
    json!({"policy": {"mode": "audit_only"}})
}

#[test]
fn a_request_that_cannot_be_forwarded_says_why() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene.setup(&observing()).concurrency(workers).start();
        let proxy = proxy(&envoy);
        let nobody = Collector::start();
        nobody.stop();
        let refused = format!("api.github.com:{}", nobody.port());
        assert_eq!(get(proxy, &refused), Some(503));
        assert_eq!(get(proxy, "nosuch.example.com"), Some(503));
        for (host, details) in [
            ("api.github.com", "connection_failure"),
            ("nosuch.example.com", "no_healthy_upstream"),
        ] {
            let audit = scene.audit(host);
            assert_eq!(audit.text("sluice.outcome"), Some("error"), "{audit:?}");
            assert_eq!(audit.int("http.response.status_code"), Some(503));
            let told = audit.text("sluice.envoy_details").unwrap_or_default();
            assert!(told.contains(details), "{told}");
        }
        scene.settled(&envoy, 2);
    });
}

#[test]
fn a_client_that_does_not_wait_is_recorded_as_that() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene.setup(&observing()).concurrency(workers).start();
        // Connections wait to be accepted, and nobody answers.
        let silent = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = silent.local_addr().expect("it is bound").port();
        let mut client = h1::Connection::open(proxy(&envoy));
        client.begin(&h1::get(&format!("api.github.com:{port}")));
        let (upstream, _) = silent.accept().expect("Envoy dials");
        drop(client);
        let audit = scene.audit("api.github.com");
        assert_eq!(audit.text("sluice.outcome"), Some("client_cancel"), "{audit:?}");
        assert_eq!(audit.int("http.response.status_code"), Some(0));
        drop(upstream);
        scene.settled(&envoy, 1);
    });
}

#[test]
fn what_envoy_answers_itself_is_undecided() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene.setup(&observing()).concurrency(workers).start();
        let request = h1::request(b"CONNECT", b"api.github.com", &[(b"host", b"api.github.com")]);
        assert_eq!(h1::Connection::open(proxy(&envoy)).send(&request).status(), Some(400));
        // No Host, which HTTP/1.1 must have.
        let request = h1::request(b"GET", b"/", &[]);
        assert_eq!(h1::Connection::open(proxy(&envoy)).send(&request).status(), Some(400));
        let undecided = scene
            .collector
            .event("an undecided request", |event| event.name() == "undecided");
        assert_eq!(undecided.int("http.response.status_code"), Some(400), "{undecided:?}");
        assert!(undecided.text("sluice.envoy_details").is_some(), "{undecided:?}");
        assert_eq!(undecided.get("log.record.uid"), None, "it is no decision");
        scene.settled(&envoy, 0);
    });
}

fn path(event: &Event) -> &str {
    event.text("url.path").unwrap_or_default()
}

#[test]
fn paths_are_cut_and_have_no_query() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene.setup(&observing()).concurrency(workers).start();
        let proxy = proxy(&envoy);
        let mut client = h1::Connection::open(proxy);
        let authority = scene.plain("api.github.com");
        let long = format!("/{}", "a".repeat(600));
        for target in ["/short?token=s3cr3t-planted", &long, &format!("{}?q", &long[..512])] {
            assert!(client.send(&get_path(&authority, target)).status().is_some());
        }
        let cut = scene
            .collector
            .event("the cut path", |event| event.flag("sluice.path_cut") == Some(true));
        assert_eq!(path(&cut), &long[..512]);
        assert_eq!(scene.audit_of_path("/short").get("sluice.path_cut"), None);
        let whole = scene.collector.event("the longest whole path", |event| {
            path(event).len() == 512 && event.get("sluice.path_cut").is_none()
        });
        assert_eq!(path(&whole), &long[..512]);
        assert!(!format!("{:?}", scene.collector.events()).contains("s3cr3t"));
    });
}

#[test]
fn paths_are_not_recorded_where_nobody_wants_them() {
    let scene = Scene::new();
    let mut configuration = observing();
    configuration["events"] = json!({"cluster": "sluice", "flush_ms": 100, "path": "none"});
    let envoy = scene.setup(&configuration).start();
    let request = get_path(&scene.plain("api.github.com"), "/s3cr3t-planted");
    assert_eq!(h1::Connection::open(proxy(&envoy)).send(&request).status(), Some(200));
    assert_eq!(scene.audit("api.github.com").get("url.path"), None);
    assert!(!format!("{:?}", scene.collector.events()).contains("s3cr3t"));
}

#[test]
fn hostile_bytes_become_printable_and_headers_are_never_recorded() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let envoy = scene
            .setup(&json!({"policy": {"mode": "enforce"}}))
            .concurrency(workers)
            .start();
        let secret: &[u8] = b"s3cr3t-planted";
        let mut sent = 0;
        for target in [&b"/%0d%0a%00"[..], b"/\"<>{}|^`\\", b"/%ff%fe", b"/../..//;a=b"] {
            for host in [
                &b"x.example.com"[..],
                b"ho'st!$&()*+;=",
                b"host%2eexample",
                b"[fe80::1%25eth0]",
                b"a,b",
            ] {
                let request = h1::request(
                    b"GET",
                    target,
                    &[
                        (b"host", host),
                        (b"authorization", secret),
                        (b"cookie", secret),
                        (b"x-latin", b"caf\xe9 s3cr3t-planted"),
                        (b"user-agent", secret),
                    ],
                );
                let status = h1::Connection::open(proxy(&envoy)).send(&request).status();
                assert!(
                    matches!(status, Some(400 | 403)),
                    "{status:?} {}",
                    request.escape_ascii()
                );
                sent += i32::from(status == Some(403));
            }
        }
        assert!(sent > 10, "only {sent} were decided");
        scene.settled(&envoy, u64::try_from(sent).expect("it is positive"));
        for event in scene.collector.events() {
            for name in event.names() {
                let value = event.get(name).expect("it has the name").to_string();
                assert!(
                    value.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                    "{name}: {value}"
                );
                // What JSON had to escape was not printable, but for its own two characters.
                let unescaped = value.replace("\\\\", "").replace("\\\"", "");
                assert!(!unescaped.contains('\\'), "{name}: {value}");
                assert!(!value.contains("s3cr3t"), "{name}: {value}");
            }
        }
        crate::shared::assert_unharmed(&envoy);
    });
}
