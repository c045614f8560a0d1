//! One Envoy serves many resources: events carry the one they are about.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_tests::raw::h1;
use sluice_tests::wait;

use crate::shared::{Scene, each_number_of_workers, github_only, proxy};

fn resource_of(event: &sluice_tests::collector::Event) -> Option<&str> {
    assert!(matches!(
        event.resource.text("sluice.resource.type"),
        Some("sandbox") | None
    ));
    event.resource.text("sluice.resource.id")
}

#[test]
fn by_the_address_of_the_client() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let table: Value = (1..=5)
            .map(|last| (format!("127.0.0.{}", last + 10), json!(format!("sb_{last}"))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let configuration = json!({
            "policy": github_only(),
            "resource": {"type": "sandbox", "id_from": {"source_address": table}},
        });
        let envoy = scene.setup(&configuration).concurrency(workers).start();
        // The sixth is in no table; the configured policy is everybody's.
        for last in 1..=6 {
            let host = format!("h{last}.example.com");
            let mut client = h1::Connection::open_from(([127, 0, 0, last + 10], 0).into(), proxy(&envoy));
            assert_eq!(client.send(&h1::get(&host)).status(), Some(403));
        }
        for last in 1..=6 {
            let audit = scene.audit(&format!("h{last}.example.com"));
            let expected = format!("sb_{last}");
            assert_eq!(resource_of(&audit), (last < 6).then_some(expected.as_str()));
            let client = format!("127.0.0.{}", last + 10);
            assert_eq!(audit.text("client.address"), Some(client.as_str()));
        }
        let ledger = scene.settled(&envoy, 6);
        assert_eq!(ledger.gaps(), []);
    });
}

#[test]
fn by_filter_state() {
    each_number_of_workers(|workers| {
        let scene = Scene::new();
        let configuration = json!({
            "policy": github_only(),
            "resource": {"type": "sandbox", "id_from": {"filter_state": "example.sandbox"}},
        });
        let from_header = |bootstrap: &mut Value| {
            let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
            let filters = bootstrap.pointer_mut(filters).and_then(Value::as_array_mut);
            let set = json!({
                "name": "sandbox",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                    "on_request_headers": [{
                        "object_key": "example.sandbox",
                        "factory_key": "envoy.string",
                        "format_string": {"text_format_source": {"inline_string": "%REQ(x-sandbox)%"}},
                    }],
                },
            });
            filters.expect("there are filters").insert(0, set);
        };
        let envoy = scene
            .setup(&configuration)
            .edit(from_header)
            .concurrency(workers)
            .start();
        let proxy = proxy(&envoy);
        // On one connection, so that nothing of a connection can stand in for it.
        let mut client = h1::Connection::open(proxy);
        for number in 0..40 {
            let (host, sandbox) = (format!("h{number}.example.com"), format!("sb_{number}"));
            let url = format!("http://{host}/");
            let headers: [(&[u8], &[u8]); 2] = [(b"host", host.as_bytes()), (b"x-sandbox", sandbox.as_bytes())];
            let request = h1::request(b"GET", url.as_bytes(), &headers);
            assert_eq!(client.send(&request).status(), Some(403));
        }
        for number in 0..40 {
            let audit = scene.audit(&format!("h{number}.example.com"));
            assert_eq!(resource_of(&audit), Some(format!("sb_{number}").as_str()));
        }
        let pending: BTreeSet<_> = wait::until("a pending record of each", || {
            let events = scene.collector.events();
            let pending = events.iter().filter(|event| event.name() == "pending");
            let resources: BTreeSet<_> = pending
                .filter_map(|event| resource_of(event).map(str::to_owned))
                .collect();
            (resources.len() == 40).then_some(resources)
        });
        assert!(pending.contains("sb_39"));
        scene.settled(&envoy, 40);
    });
}
