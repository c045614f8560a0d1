//! The configuration as it is shipped: nothing reaches a cluster past Sluice, and a cluster is that of the name that
//! leads to it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_tests::envoy::shipped_files;

const BLACK_HOLE: &str = "BlackHoleCluster";

fn file(name: &str) -> Value {
    let name = format!("sidecar/{name}");
    let mut files = shipped_files().into_iter();
    files.find(|(found, _)| *found == name).expect("it is shipped").1
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// The filter chains of a listener, the default one last.
fn chains(listener: &Value) -> impl Iterator<Item = &Value> {
    list(listener, "filter_chains").chain(listener.get("default_filter_chain"))
}

/// The root id of the plugin that a filter takes from a watched file.
fn runs(filter: &Value) -> Option<String> {
    let path = filter["config_discovery"]["config_source"]["path_config_source"]["path"].as_str()?;
    let file = file(path.strip_prefix("./")?);
    let resource = file["resources"][0].clone();
    assert_eq!(resource["name"], filter["name"]);
    let plugin = &resource["typed_config"];
    assert_eq!(filter["config_discovery"]["type_urls"], json!([plugin["@type"]]));
    plugin["config"]["root_id"].as_str().map(str::to_owned)
}

/// The name that leads to a cluster, the cluster, and the port of the listener.
fn ways(envoy: &Value) -> Vec<(Option<String>, String, u64)> {
    let mut found = Vec::new();
    for listener in list(&envoy["static_resources"], "listeners") {
        let port = listener["address"]["socket_address"]["port_value"].as_u64();
        let port = port.expect("a listener has a port");
        for chain in chains(listener) {
            let filters = chain["filters"].as_array().expect("a chain has filters");
            let [sluice, terminal] = &**filters else {
                let [manager] = &**filters else { panic!("{chain}") };
                found.extend(routes(&manager["typed_config"], port));
                continue;
            };
            assert_eq!(runs(sluice).as_deref(), Some("sluice.tcp"), "{chain}");
            assert_eq!(terminal["name"], "envoy.filters.network.tcp_proxy", "{chain}");
            let config = &terminal["typed_config"];
            assert_eq!(config["weighted_clusters"], Value::Null);
            let names: Vec<&str> = list(&chain["filter_chain_match"], "server_names")
                .filter_map(Value::as_str)
                .collect();
            assert!(names.len() <= 1, "{names:?} share a cluster");
            let cluster = config["cluster"].as_str().expect("it has a cluster").to_owned();
            found.push((names.first().map(|name| (*name).to_owned()), cluster, port));
        }
    }
    found
}

fn routes(manager: &Value, port: u64) -> Vec<(Option<String>, String, u64)> {
    assert_eq!(runs(&manager["http_filters"][0]).as_deref(), Some("sluice.http"));
    let mut found = Vec::new();
    for virtual_host in list(&manager["route_config"], "virtual_hosts") {
        let domains: Vec<&str> = list(virtual_host, "domains").filter_map(Value::as_str).collect();
        for route in list(virtual_host, "routes") {
            if !route["direct_response"].is_null() {
                assert_eq!(domains, ["*"]);
                assert_eq!(route["direct_response"]["status"], 502);
                continue;
            }
            let name = domains[0];
            assert_eq!(domains, [name, &format!("{name}:{port}")]);
            let cluster = route["route"]["cluster"].as_str().expect("it has a cluster");
            found.push((Some(name.to_owned()), cluster.to_owned(), port));
        }
    }
    found
}

#[test]
fn a_name_that_is_decided_leads_to_its_own_cluster() {
    let envoy = file("envoy.yaml");
    let ways = ways(&envoy);
    let mut used = BTreeSet::new();
    for (name, cluster, port) in &ways {
        used.insert(cluster.clone());
        if cluster == BLACK_HOLE {
            assert_eq!(*name, None, "a name that is registered for nothing");
            continue;
        }
        let clusters = &mut list(&envoy["static_resources"], "clusters");
        let found = clusters.find(|found| found["name"] == **cluster);
        let found = found.unwrap_or_else(|| panic!("no cluster {cluster}"));
        let endpoint = &found["load_assignment"]["endpoints"];
        let address = &endpoint[0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"];
        assert_eq!(address["port_value"], *port, "{cluster}");
        match name {
            Some(name) => {
                assert_eq!(*cluster, format!("outbound|{port}||{name}"));
                assert_eq!(address["address"], **name, "{cluster}");
                assert_eq!(found["cluster_type"]["name"], "envoy.clusters.dns", "{cluster}");
            }
            None => assert_eq!(found["type"], "STATIC", "{cluster}"),
        }
    }
    let clusters = list(&envoy["static_resources"], "clusters").filter_map(|cluster| cluster["name"].as_str());
    assert_eq!(clusters.map(str::to_owned).collect::<BTreeSet<_>>(), used);
    let names: BTreeSet<_> = ways.into_iter().filter_map(|(name, ..)| name).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["api.github.com", "api.openai.com"]
    );
}

/// What shows no name goes on only at an address that is registered, and TLS does not go on there: the name would be
/// decided, and the address be dialled.
#[test]
fn what_shows_no_name_is_tied_to_an_address() {
    let envoy = file("envoy.yaml");
    let mut addresses = 0;
    for listener in list(&envoy["static_resources"], "listeners") {
        for chain in chains(listener) {
            let [_, terminal] = chain["filters"].as_array().map_or(&[][..], |filters| filters) else {
                continue;
            };
            let is_by_name = !chain["filter_chain_match"]["server_names"].is_null();
            let cluster = terminal["typed_config"]["cluster"].as_str().unwrap_or_default();
            if is_by_name || cluster == BLACK_HOLE {
                continue;
            }
            assert_eq!(chain["filter_chain_match"], json!({"transport_protocol": "raw_buffer"}));
            let mut clusters = list(&envoy["static_resources"], "clusters");
            let found = clusters.find(|found| found["name"] == cluster).expect("it is there");
            let endpoint = &found["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
            assert_eq!(endpoint["address"], listener["address"], "{cluster}");
            addresses += 1;
        }
    }
    assert_eq!(addresses, 1);
}

/// Only `virtualOutbound` is dialled, and it says to which listener a connection goes.
#[test]
fn one_listener_is_dialled_and_hands_on() {
    let envoy = file("envoy.yaml");
    let mut listeners = list(&envoy["static_resources"], "listeners");
    let first = listeners.next().expect("there are listeners");
    assert_eq!(first["name"], "virtualOutbound");
    assert_eq!(first["address"]["socket_address"]["address"], "127.0.0.1");
    assert_eq!(first["use_original_dst"], true);
    let [chain] = &*chains(first).collect::<Vec<_>>() else {
        panic!("{first}")
    };
    assert_eq!(chain["filters"][1]["typed_config"]["cluster"], BLACK_HOLE);
    for listener in listeners {
        assert_eq!(listener["bind_to_port"], false, "{}", listener["name"]);
        let address = &listener["address"]["socket_address"];
        let name = format!(
            "{}_{}",
            address["address"].as_str().unwrap_or_default(),
            address["port_value"]
        );
        assert_eq!(listener["name"], name);
    }
}
