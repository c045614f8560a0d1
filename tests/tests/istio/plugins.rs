//! What the manifests tell the filter, read by the filter's own code, and what else must not go wrong unseen.

use serde_json::{Value, json};
use sluice_filter::config::{Identity, Kind, OnUnknown, Plan};
use sluice_policy::Mode;

use crate::kustomize::{self, Manifests};

/// What one of the two filters is told.
struct Told<'a> {
    root_id: &'a str,
    module: &'a Value,
    after_a_trap: &'a Value,
    configuration: &'a Value,
}

/// `sluice.http`, always by WasmPlugin, and `sluice.tcp`, by EnvoyFilter or WasmPlugin.
fn told(manifests: &Manifests) -> [Told<'_>; 2] {
    let plugins = manifests.of_kind("WasmPlugin").map(|plugin| &plugin["spec"]);
    let by_plugin = plugins.map(|spec| Told {
        root_id: spec["pluginName"].as_str().unwrap(),
        module: &spec["url"],
        after_a_trap: &spec["failStrategy"],
        configuration: &spec["pluginConfig"],
    });
    let filters = manifests.of_kind("EnvoyFilter");
    let patches = filters.flat_map(|filter| filter["spec"]["configPatches"].as_array().unwrap());
    let added = patches.filter(|patch| patch["applyTo"] == "EXTENSION_CONFIG");
    let configs = added.map(|patch| &patch["patch"]["value"]["typed_config"]["config"]);
    let by_filter = configs.map(|config| Told {
        root_id: config["root_id"].as_str().unwrap(),
        module: &config["vm_config"]["code"]["remote"]["http_uri"]["uri"],
        after_a_trap: &config["failure_policy"],
        configuration: &config["configuration"]["value"],
    });
    let all: Vec<_> = by_plugin.chain(by_filter).collect();
    let two = <[Told; 2]>::try_from(all).unwrap_or_else(|all| panic!("two filters, and not {}", all.len()));
    assert_eq!([two[0].root_id, two[1].root_id], ["sluice.http", "sluice.tcp"]);
    two
}

fn plans(manifests: &Manifests) -> [Plan; 2] {
    told(manifests).map(|told| {
        // Istio and Envoy both hand over JSON text of it, or its protobuf form.
        let text = told.configuration.to_string();
        Plan::from_plugin_configuration(text.as_bytes(), Kind::of_root_id(told.root_id).unwrap())
            .unwrap_or_else(|error| panic!("{error}: {text}"))
    })
}

#[test]
fn the_filter_takes_every_configuration() {
    for (name, manifests) in kustomize::all() {
        for plan in plans(&manifests) {
            assert!(plan.policy_service.is_some() && plan.events.is_some(), "{name}");
            assert!(matches!(plan.identity, Identity::From { .. }), "{name}");
            assert!(plan.override_mode.is_none(), "{name}: nothing beats the policy");
            let observes = name == "observe";
            let on_unknown = if observes {
                OnUnknown::Observe
            } else {
                OnUnknown::Reject
            };
            assert_eq!(plan.on_unknown, on_unknown, "{name}");
            let inline = plan.inline.map(|policy| (policy.mode(), policy.rules().len()));
            let expected = name.starts_with("locked").then_some((Mode::Enforce, 5));
            assert_eq!(inline, expected, "{name}");
        }
    }
}

#[test]
fn both_filters_are_one_module_and_are_told_the_same() {
    for (name, manifests) in kustomize::all() {
        let [http, tcp] = told(&manifests);
        assert_eq!(tcp.module, http.module, "{name}");
        assert_eq!([http.after_a_trap, tcp.after_a_trap], ["FAIL_RELOAD"; 2], "{name}");
        let mut shared = tcp.configuration.clone();
        for own in ["destination", "plaintext", "opaque_ports"] {
            shared.as_object_mut().unwrap().remove(own);
        }
        assert_eq!(&shared, http.configuration, "{name}");
    }
}

/// Deferring where no HTTP connection manager follows would let everything pass.
#[test]
fn only_a_network_plugin_leaves_plain_bytes_to_http() {
    for (name, manifests) in kustomize::all() {
        let expected = if name.ends_with("without EnvoyFilters") {
            "defer"
        } else {
            "decide"
        };
        assert_eq!(told(&manifests)[1].configuration["plaintext"], expected, "{name}");
    }
}

#[test]
fn a_port_that_is_not_waited_for_is_decided_at_once() {
    let base = kustomize::folder("base");
    let patches = base.get("EnvoyFilter", "sluice-tcp")["spec"]["configPatches"].as_array();
    let inspector = patches.unwrap().iter().find_map(|patch| {
        let value = &patch["patch"]["value"];
        value.get("filter_disabled")
    });
    let rules = inspector.unwrap()["or_match"]["rules"].as_array().unwrap();
    let ports: Vec<_> = rules
        .iter()
        .map(|rule| {
            let range = &rule["destination_port_range"];
            let (start, end) = (range["start"].as_u64().unwrap(), range["end"].as_u64().unwrap());
            assert_eq!(end, start + 1, "the end is not part of a range: {range}");
            start
        })
        .collect();
    assert_eq!(told(&base)[1].configuration["opaque_ports"], json!(ports));
}

#[test]
fn no_secret_is_where_the_admin_port_shows_it() {
    for (name, manifests) in kustomize::all() {
        for object in &manifests.0 {
            let text = object.to_string();
            assert!(
                !text.contains("token_env") && !text.contains("vmConfig"),
                "{name}: {text}"
            );
            assert!(!text.contains("environment_variables"), "{name}: {text}");
        }
    }
}

#[test]
fn the_collector_is_called_by_a_name_that_the_registry_has_and_no_sandbox_may() {
    for (name, manifests) in kustomize::all() {
        let entry = &manifests.get("ServiceEntry", "collector")["spec"];
        let (host, port) = (&entry["hosts"][0], &entry["ports"][0]["number"]);
        let cluster = format!("outbound|{port}||{}", host.as_str().unwrap());
        let configuration = told(&manifests)[0].configuration;
        assert_eq!(configuration["policy_service"]["cluster"], cluster, "{name}");
        assert_eq!(configuration["events"]["cluster"], cluster, "{name}");
        assert_eq!(configuration["own"], json!([host, entry["addresses"][0]]), "{name}");
        let rules: Vec<_> = manifests.of_kind("DestinationRule").map(|rule| &rule["spec"]).collect();
        for rule in &rules {
            assert_eq!(rule["trafficPolicy"]["tls"]["mode"], "ISTIO_MUTUAL", "{name}");
        }
        assert!(rules.iter().any(|rule| rule["host"] == *host), "{name}");
    }
}

#[test]
fn the_collector_takes_the_certificates_of_sandboxes_and_shows_its_own() {
    let base = kustomize::folder("base");
    let collector = base.get("Deployment", "sluice-collector");
    let pod = &collector["spec"]["template"]["spec"];
    let variables = pod["containers"][0]["env"].as_array().unwrap();
    let variable = |name: &str| {
        let found = variables.iter().find(|variable| variable["name"] == name);
        found
            .and_then(|variable| variable["value"].as_str())
            .unwrap_or_default()
    };
    // One service account a sandbox, named like the resource.
    let sandboxes = base.get("WasmPlugin", "sluice-http")["metadata"]["namespace"]
        .as_str()
        .unwrap();
    let expected = format!("sandbox=spiffe://cluster.local/ns/{sandboxes}/sa/{{id}}");
    assert_eq!(variable("SLUICE_SPIFFE"), expected);
    for name in ["SLUICE_TLS_CERT", "SLUICE_TLS_KEY", "SLUICE_CLIENT_CA"] {
        assert!(variable(name).starts_with("/etc/certificates/"), "{name}");
    }
    let namespace = collector["metadata"]["namespace"].as_str().unwrap();
    let account = pod["serviceAccountName"].as_str().unwrap();
    let shown = format!("spiffe://cluster.local/ns/{namespace}/sa/{account}");
    assert_eq!(
        base.get("ServiceEntry", "collector")["spec"]["subjectAltNames"],
        json!([shown])
    );
}

#[test]
fn what_the_registry_knows_the_policy_lists() {
    let locked = kustomize::folder("locked");
    let policy = plans(&locked)[0].inline.clone().unwrap();
    let surroundings = sluice_policy::Surroundings::new(443);
    let now = sluice_policy::Timestamp::from_micros(0);
    for entry in ["listed", "database"].map(|name| &locked.get("ServiceEntry", name)["spec"]) {
        // What has no name on the wire is decided by its address.
        let targets = entry["addresses"]
            .as_array()
            .unwrap_or_else(|| entry["hosts"].as_array().unwrap());
        let port = entry["ports"].as_array().unwrap().last().unwrap()["number"]
            .as_u64()
            .unwrap();
        for target in targets {
            let authority = format!("{}:{port}", target.as_str().unwrap());
            let seen = sluice_policy::Seen::Request {
                authority: authority.as_bytes(),
                method: b"CONNECT",
                path: None,
            };
            let decision = policy.decide(&seen, &surroundings, now);
            assert_ne!(decision.action(), sluice_policy::Action::Reject, "{authority}");
        }
    }
}

/// Istio names the cluster in the SNI of its own TLS (`BuildDNSSrvSubsetKey`), which the collector has to take for a name.
#[test]
fn the_server_name_of_the_meshs_tls_is_one() {
    let name = "outbound_.4317_._.collector.sluice.internal";
    let read = tokio_rustls::rustls::pki_types::DnsName::try_from(name);
    assert!(read.is_ok(), "{read:?}");
}
