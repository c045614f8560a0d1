//! WasmPlugins in a sidecar, as istiod puts them there.
//!
//! Mirrors `pilot/pkg/model/trafficextension.go` (`buildWasmConfig`, `buildVMConfig`; before Istio 1.30
//! `extensions.go`), `pilot/pkg/networking/core/extension/extensionfilter.go` (references by ECDS) and the places in
//! `listener_builder.go`, `listener.go` and `networkfilter.go` that put them in.

use serde_json::{Value, json};

use crate::kustomize::Manifests;
use crate::sidecar::{Sidecar, filters_mut};

const MANAGER: &str = "envoy.filters.network.http_connection_manager";
const CATCH_ALL: [&str; 3] = [
    "PassthroughFilterChain",
    "virtualOutbound-catchall-tcp",
    "virtualOutbound-blackhole",
];

/// Puts the plugins of client mode into outbound listeners, and their configurations into ECDS.
pub(crate) fn insert(sidecar: &mut Sidecar, manifests: &Manifests) {
    for plugin in manifests.of_kind("WasmPlugin") {
        let spec = &plugin["spec"];
        assert_eq!(
            spec["match"],
            json!([{"mode": "CLIENT"}]),
            "no other match is known here"
        );
        assert_eq!(spec["phase"], "AUTHN", "no other phase is known here");
        assert!(spec["selector"].is_null() && spec["vmConfig"].is_null(), "nor these");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{}.{}",
            text(&plugin["metadata"]["namespace"]),
            text(&plugin["metadata"]["name"])
        );
        // Istio 1.30's name; it was another in 1.26 and another in 1.25.
        let resource = format!("extensions.istio.io/trafficextension/{name}~istio-translated-wasmplugin");
        let layer = if spec["type"] == "NETWORK" { "network" } else { "http" };
        for listener in sidecar
            .listeners
            .iter_mut()
            .filter(|one| one["traffic_direction"] == "OUTBOUND")
        {
            for (chain, filters) in filters_mut(listener) {
                if layer == "http" {
                    first_of_managers(filters, &resource);
                } else if !CATCH_ALL.contains(&chain.as_str()) {
                    // After what is not in the fixture (metadata exchange); before statistics and the terminal filter.
                    filters.insert(0, reference(&resource, layer));
                }
            }
        }
        sidecar.extensions.insert(resource, typed(spec, &name, layer));
    }
}

fn first_of_managers(filters: &mut [Value], resource: &str) {
    for manager in filters.iter_mut().filter(|filter| filter["name"] == MANAGER) {
        let http = manager["typed_config"]["http_filters"].as_array_mut();
        http.expect("a manager has filters")
            .insert(0, reference(resource, "http"));
    }
}

/// `toEnvoyHTTPTrafficExtension`, `toEnvoyNetworkTrafficExtension`
fn reference(resource: &str, layer: &str) -> Value {
    json!({"name": resource, "config_discovery": {
        "config_source": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
        "type_urls": [
            format!("type.googleapis.com/envoy.extensions.filters.{layer}.wasm.v3.Wasm"),
            format!("type.googleapis.com/envoy.extensions.filters.{layer}.rbac.v3.RBAC"),
        ],
    }})
}

fn typed(spec: &Value, name: &str, layer: &str) -> Value {
    assert_eq!(spec["failStrategy"], "FAIL_RELOAD");
    json!({
        "@type": format!("type.googleapis.com/envoy.extensions.filters.{layer}.wasm.v3.Wasm"),
        "config": {
            "name": name,
            "root_id": spec["pluginName"],
            "failure_policy": "FAIL_RELOAD",
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": spec["pluginConfig"].to_string(),
            },
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"remote": {"http_uri": {"uri": spec["url"], "timeout": "30s", "cluster": "_"}, "sha256": ""}},
                "environment_variables": {"key_values": {"ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1"}},
            },
        },
    })
}
