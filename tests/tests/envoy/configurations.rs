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
        [
            "forward-proxy",
            "guarded-proxy",
            "original-dst",
            "sidecar",
            "terminating",
            "transparent"
        ],
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
    let files = shipped_files().into_iter().filter(|(name, _)| name.contains("/filter"));
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
                names.push((config["vm_config"]["vm_id"].to_string(), name.to_owned()));
            }
        }
        assert!(!names.is_empty(), "{topology} has a filter");
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
            if let Some(cache) = value.get("dns_cache_config") {
                assert!(cache["max_hosts"].as_u64() >= Some(65_536), "{name}: {cache}");
                assert_eq!(cache["disable_dns_refresh_on_failure"], true, "{name}: {cache}");
                tables += 1;
            }
        });
    }
    assert!(tables > 4, "one in each filter, one in each cluster");
}
