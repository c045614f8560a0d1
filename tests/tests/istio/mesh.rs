//! mesh/values.yaml: fields that MeshConfig has, and the access log that comes of it and of the Telemetry.
//!
//! The types state what `istio.io/api/mesh/v1alpha1/config.proto` (Istio 1.27) says of the fields that are used. The
//! log mirrors `pilot/pkg/networking/core/accesslog.go` (`setHTTPAccessLog`, `setTCPAccessLog`) and
//! `pilot/pkg/model/telemetry_logging.go`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kustomize::{self, Manifests};
use crate::sidecar::{Sidecar, filters_mut};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Values {
    mesh_config: MeshConfig,
    global: Global,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MeshConfig {
    protocol_detection_timeout: String,
    extension_providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Provider {
    name: String,
    envoy_file_access_log: FileAccessLog,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileAccessLog {
    path: String,
    omit_empty_values: bool,
    log_format: LogFormat,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFormat {
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Global {
    proxy: GlobalProxy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct GlobalProxy {
    seccomp_profile: BTreeMap<String, String>,
}

fn document() -> Value {
    kustomize::documents(&kustomize::root().join("mesh/values.yaml")).remove(0)
}

fn values() -> Values {
    serde_json::from_value(document()).unwrap_or_else(|error| panic!("mesh/values.yaml: {error}"))
}

/// The time limit that istiod gives listeners which look for HTTP.
pub(crate) fn protocol_detection_timeout() -> String {
    values().mesh_config.protocol_detection_timeout
}

/// Logs what the Telemetry selects, by its provider.
pub(crate) fn log(sidecar: &mut Sidecar, manifests: &Manifests) {
    for telemetry in manifests.of_kind("Telemetry") {
        let [logging] = telemetry["spec"]["accessLogging"].as_array().unwrap().as_slice() else {
            panic!("one entry: {telemetry}");
        };
        assert_eq!(logging["match"], json!({"mode": "CLIENT"}));
        let name = logging["providers"][0]["name"].as_str().unwrap();
        let providers = values().mesh_config.extension_providers;
        let provider = providers.into_iter().find(|provider| provider.name == name);
        let file = provider
            .unwrap_or_else(|| panic!("no provider {name}"))
            .envoy_file_access_log;
        let log = json!({"name": "envoy.access_loggers.file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": file.path,
            "log_format": {"json_format": file.log_format.labels, "omit_empty_values": file.omit_empty_values},
        }});
        for listener in sidecar
            .listeners
            .iter_mut()
            .filter(|one| one["traffic_direction"] == "OUTBOUND")
        {
            for (chain, filters) in filters_mut(listener) {
                // `blackholeFilterChain` sets none.
                if chain != "virtualOutbound-blackhole" {
                    let terminal = filters.last_mut().expect("a chain has filters");
                    terminal["typed_config"]["access_log"] = json!([log]);
                }
            }
        }
    }
}

#[test]
fn every_value_is_one_that_istio_has() {
    let values = values();
    assert_eq!(values.global.proxy.seccomp_profile["type"], "RuntimeDefault");
    // Two places of the document, each misspelt.
    for pointer in ["/meshConfig", "/meshConfig/extensionProviders/0/envoyFileAccessLog"] {
        let mut misspelt = document();
        misspelt.pointer_mut(pointer).unwrap()["colour"] = json!("red");
        assert!(serde_json::from_value::<Values>(misspelt).is_err(), "{pointer}");
    }
}
