//! Envoy's way to a collector: the cluster that tests give it really speaks gRPC with the reference collector.

use serde_json::{Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::envoy::Setup;
use sluice_tests::otlp::{Client, batch};
use sluice_tests::wait;
use sluice_tests::world::World;

/// Sends all that the listener takes to the collector, undecided.
fn route_to_collector(bootstrap: &mut Value) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = bootstrap.pointer_mut(manager).expect("the listener has an HTTP filter");
    manager["route_config"]["virtual_hosts"][0]["routes"] = json!([
        {"match": {"prefix": "/"}, "route": {"cluster": "sluice", "timeout": "0s"}},
    ]);
    let filters = manager["http_filters"].as_array_mut().expect("it has HTTP filters");
    filters.retain(|filter| filter["name"] == "envoy.filters.http.router");
    // Nobody has decided, and so no private address would be let pass.
    filters[0]["typed_config"]["upstream_http_filters"] = json!([]);
}

/// Whether a value is anywhere in a document.
fn contains(document: &Value, wanted: &Value) -> bool {
    document == wanted
        || match document {
            Value::Object(object) => object.values().any(|inner| contains(inner, wanted)),
            Value::Array(array) => array.iter().any(|inner| contains(inner, wanted)),
            _ => false,
        }
}

#[test]
fn the_cluster_reaches_the_collector_again_after_a_kill() {
    let world = World::start();
    let collector = Collector::start();
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .collector(collector.port())
        .edit(route_to_collector)
        .start();
    let client = Client::of(envoy.listener("forward_proxy").port()).token("secret");
    let export = |seq: i64| client.export(&batch(&json!({}), [json!({"sluice.seq": seq})]));

    export(1).expect("the collector answers");
    collector.stop();
    export(2).expect_err("nobody answers");
    collector.restart();
    wait::until("an export to arrive", || export(3).ok());

    let events = collector.events();
    let seqs: Vec<_> = events.iter().map(|event| event.int("sluice.seq")).collect();
    assert_eq!(seqs, [Some(1), Some(3)]);
    assert!(events.iter().all(|event| event.token.as_deref() == Some("secret")));
    assert!(envoy.stat("cluster.sluice.upstream_cx_http2_total") >= 2);
}

#[test]
fn the_filter_is_given_its_environment() {
    let world = World::start();
    let setup = Setup::shipped("forward-proxy", &world.dns)
        .environment("SLUICE_TOKEN", "secret")
        .environment("SLUICE_OTHER", "2");
    for setup in [setup.clone(), setup.inline()] {
        let envoy = setup.start();
        let dump: Value = serde_json::from_str(&envoy.admin("GET", "/config_dump")).expect("admin writes JSON");
        let expected = json!({"key_values": {"SLUICE_TOKEN": "secret", "SLUICE_OTHER": "2"}});
        assert!(contains(&dump, &expected), "{dump}");
    }
}
