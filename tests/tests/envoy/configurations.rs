//! Every Envoy configuration that is shipped: Envoy accepts it, and it keeps the promises that a reader could not see broken.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_tests::envoy::{LocalAuthority, Setup, shipped_files};
use sluice_tests::world::{NAMES, World};

/// All objects of a document whose `@type` ends like this.
fn of_type<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    collect(document, &mut |value| {
        if value["@type"].as_str().is_some_and(|kind| kind.ends_with(name)) {
            found.push(value);
        }
    });
    found
}

fn collect<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(object) => object.values().for_each(|inner| collect(inner, visit)),
        Value::Array(array) => array.iter().for_each(|inner| collect(inner, visit)),
        _ => {}
    }
}

fn topologies() -> Vec<String> {
    let bootstraps = shipped_files().into_iter();
    let names = bootstraps.filter_map(|(name, _)| name.strip_suffix("/envoy.yaml").map(str::to_owned));
    names.collect()
}

#[test]
fn envoy_accepts_every_shipped_configuration() {
    let world = World::start();
    let topologies = topologies();
    assert_eq!(
        topologies,
        ["forward-proxy", "original-dst", "sidecar", "terminating", "transparent"],
        "the folders of envoy/"
    );
    let local = LocalAuthority::make(&NAMES);
    for topology in topologies {
        let mut setup = Setup::shipped(&topology, &world.dns);
        if topology == "terminating" {
            setup = setup.terminated(&local, &world.ca());
        }
        // With the filter in the bootstrap too: validation does not look into watched files.
        for setup in [setup.clone(), setup.clone().inline()] {
            setup
                .validate()
                .unwrap_or_else(|refused| panic!("{topology}: {}", refused.log));
        }
        let envoy = setup.start();
        let log = envoy.log();
        let refused = log
            .lines()
            .find(|line| line.contains("[critical]") || line.contains("rejected"));
        assert_eq!(refused, None, "{topology} as shipped");
    }
}

#[test]
fn validation_finds_mistakes() {
    let world = World::start();
    let broken = Setup::shipped("forward-proxy", &world.dns).edit(|bootstrap| {
        bootstrap["static_resources"]["listeners"][0]["colour"] = json!("red");
    });
    let refused = broken.validate().expect_err("there is no such field");
    assert!(refused.log.contains("colour"), "{}", refused.log);
}

#[test]
fn every_shipped_filter_is_in_audit_only_and_comes_back_after_a_trap() {
    let mut filters = 0;
    for (name, document) in shipped_files() {
        for filter in of_type(&document, ".wasm.v3.Wasm") {
            let config = &filter["config"];
            assert_eq!(config["failure_policy"], "FAIL_RELOAD", "{name}");
            assert_eq!(config["fail_open"], Value::Null, "{name}");
            assert_eq!(config["vm_config"]["vm_id"], "sluice", "{name}");
            if config["root_id"] == "sluice.address" {
                // It rules by what sluice.http rules by.
                assert_eq!(config["configuration"]["value"], "{}", "{name}");
                continue;
            }
            let text = config["configuration"]["value"].as_str().unwrap_or_default();
            let plugin: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(plugin["policy"]["mode"], "audit_only", "{name}");
            assert_eq!(plugin["generation"], 1, "{name}: there to be raised");
            filters += 1;
        }
    }
    let files = shipped_files()
        .into_iter()
        .filter(|(name, _)| name.contains("/filter") && !name.ends_with("/filter-address.yaml"));
    assert_eq!(filters, files.count(), "each file of a filter holds one");
    assert!(filters > topologies().len());
}

#[test]
fn admin_is_on_a_socket_file_only() {
    for (name, document) in shipped_files()
        .into_iter()
        .filter(|(name, _)| name.ends_with("/envoy.yaml"))
    {
        let address = document["admin"]["address"]
            .as_object()
            .unwrap_or_else(|| panic!("{name}"));
        assert_eq!(address.keys().collect::<Vec<_>>(), ["pipe"], "{name}");
        assert_eq!(address["pipe"]["mode"], 0o600, "{name}");
    }
}

#[test]
fn every_http_listener_strips_the_header_that_chooses_an_address() {
    let mut managers = 0;
    for (name, document) in shipped_files() {
        for manager in of_type(&document, ".HttpConnectionManager") {
            let early = &manager["early_header_mutation_extensions"];
            let removed = of_type(early, ".early_header_mutation.header_mutation.v3.HeaderMutation")
                .into_iter()
                .any(|mutation| mutation["mutations"] == json!([{"remove": "x-envoy-original-dst-host"}]));
            assert!(removed, "{name}: {early}");
            managers += 1;
        }
    }
    assert_ne!(managers, 0);
}

#[test]
fn every_http_listener_forwards_the_path_that_was_decided() {
    let mut managers = 0;
    for (name, document) in shipped_files() {
        for manager in of_type(&document, ".HttpConnectionManager") {
            // What dials for others gets no path.
            if manager["stat_prefix"] == "dial" {
                continue;
            }
            assert_eq!(manager["normalize_path"], true, "{name}");
            managers += 1;
        }
    }
    assert_ne!(managers, 0);
}

/// Two plugins of one name in one VM are one plugin for the filter, ruled by one policy.
#[test]
fn every_plugin_has_a_name_of_its_own_in_its_vm() {
    for topology in topologies() {
        let mut names = Vec::new();
        for (file, document) in shipped_files() {
            if !file.starts_with(&format!("{topology}/")) {
                continue;
            }
            for filter in of_type(&document, ".wasm.v3.Wasm") {
                let config = &filter["config"];
                let name = config["name"].as_str().unwrap_or_default();
                assert_ne!(name, "", "{file}");
                names.push((
                    config["vm_config"]["vm_id"].to_string(),
                    name.to_owned(),
                    config.to_string(),
                ));
            }
        }
        assert!(!names.is_empty(), "{topology} has a filter");
        // One that stands in several places is one plugin, and the same everywhere.
        names.sort();
        names.dedup();
        let names: Vec<_> = names.into_iter().map(|(vm, name, _)| (vm, name)).collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{topology}: {names:?}");
    }
}

#[test]
fn no_listener_goes_on_without_the_name_it_waited_for() {
    for (name, document) in shipped_files() {
        collect(&document, &mut |value| {
            assert_eq!(value.get("continue_on_listener_filters_timeout"), None, "{name}");
        });
    }
}

#[test]
fn every_name_table_has_room_for_junk() {
    let mut tables = 0;
    for (name, document) in shipped_files() {
        collect(&document, &mut |value| {
            assert_eq!(
                value.get("dns_cache_config"),
                None,
                "{name}: a guard is shown one address of several"
            );
            if let Some(table) = value.get("sub_clusters_config") {
                assert!(table["max_sub_clusters"].as_u64() >= Some(8_192), "{name}: {table}");
                assert_eq!(table["sub_cluster_ttl"], "60s", "{name}: {table}");
                tables += 1;
            }
        });
    }
    assert_eq!(tables, 3, "forward-proxy, terminating and transparent resolve names");
}

/// Where Envoy resolves names, each address is decided, and what decides it is in the VM of what decided the name.
#[test]
fn whatever_is_sent_to_a_resolved_address_passes_the_filter_of_addresses() {
    let mut routers = 0;
    for (name, document) in shipped_files() {
        let resolves = of_type(&document, ".dynamic_forward_proxy.v3.ClusterConfig");
        for router in of_type(&document, ".router.v3.Router") {
            let filters = router["upstream_http_filters"].as_array();
            let mut watched = Vec::new();
            for filter in filters.into_iter().flatten() {
                collect(filter, &mut |value| {
                    watched.extend(value["path_config_source"]["path"].as_str())
                });
            }
            let expected: &[&str] = if resolves.is_empty() {
                &[]
            } else {
                &["./filter-address.yaml"]
            };
            assert_eq!(watched, expected, "{name}");
            routers += 1;
        }
    }
    assert!(routers > 4, "there are {routers}");
}

/// Plugins share a VM only if everything that is said of it is the same.
#[test]
fn all_plugins_of_a_topology_are_in_one_vm() {
    for topology in topologies() {
        let mut vms = BTreeSet::new();
        for (file, document) in shipped_files() {
            if file.starts_with(&format!("{topology}/")) {
                let filters = of_type(&document, ".wasm.v3.Wasm").into_iter();
                vms.extend(filters.map(|filter| filter["config"]["vm_config"].to_string()));
            }
        }
        assert_eq!(vms.len(), 1, "{topology}: {vms:?}");
    }
}
