//! A sidecar as istiod configures it: the fixture, and what the manifests make of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kustomize::{self, Manifests};
use crate::{extensions, mesh, patches};

/// The configuration of one sidecar.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sidecar {
    /// The node of the bootstrap.
    pub(crate) node: Value,
    /// LDS, with the routes of RDS in it.
    pub(crate) listeners: Vec<Value>,
    /// CDS.
    pub(crate) clusters: Vec<Value>,
    /// ECDS: typed configurations by name.
    #[serde(skip)]
    pub(crate) extensions: BTreeMap<String, Value>,
    /// The file's anchors.
    #[serde(rename = "x")]
    _anchors: Value,
}

impl Sidecar {
    /// Before anything of ours.
    pub(crate) fn plain() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/istio/data/sidecar.yaml");
        let [document] = <[Value; 1]>::try_from(kustomize::documents(&file)).expect("one document");
        serde_json::from_value(document).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// With manifests applied, in the order in which istiod builds: the registry and its policy, the access log and the
    /// plugins while listeners are built, EnvoyFilters at last.
    pub(crate) fn with(manifests: &Manifests) -> Self {
        let mut sidecar = Self::plain();
        sidecar.outbound_traffic_policy(manifests);
        mesh::log(&mut sidecar, manifests);
        extensions::insert(&mut sidecar, manifests);
        patches::apply(&mut sidecar, manifests);
        sidecar
    }

    /// `buildOutboundCatchAllNetworkFiltersOnly` and, for HTTP, the catch-all virtual host of
    /// `buildSidecarOutboundHTTPRouteConfig`.
    fn outbound_traffic_policy(&mut self, manifests: &Manifests) {
        let mode = &manifests.get("Sidecar", "default")["spec"]["outboundTrafficPolicy"]["mode"];
        match mode.as_str() {
            Some("ALLOW_ANY") => {}
            Some("REGISTRY_ONLY") => self.listeners.iter_mut().for_each(registry_only),
            _ => panic!("{mode}"),
        }
    }
}

fn registry_only(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("name") == Some(&json!("allow_any")) && members.contains_key("domains") {
                let block = json!({"name": "block_all", "match": {"prefix": "/"}, "direct_response": {"status": 502}});
                members["name"] = json!("block_all");
                members["routes"] = json!([block]);
            }
            for name in ["cluster", "stat_prefix"] {
                if members.get(name) == Some(&json!("PassthroughCluster")) {
                    members[name] = json!("BlackHoleCluster");
                }
            }
            members.values_mut().for_each(registry_only);
        }
        Value::Array(items) => items.iter_mut().for_each(registry_only),
        _ => {}
    }
}

/// The filter chains of a listener, the default one last.
pub(crate) fn chains(listener: &Value) -> impl Iterator<Item = &Value> {
    let listed = listener["filter_chains"].as_array().into_iter().flatten();
    listed.chain(listener.get("default_filter_chain"))
}

/// The same, to be changed: the filters of each chain.
pub(crate) fn filters_mut(listener: &mut Value) -> impl Iterator<Item = (String, &mut Vec<Value>)> {
    let mut all = Vec::new();
    let members = listener.as_object_mut().expect("a listener is an object");
    for (name, member) in members {
        match (name.as_str(), member) {
            ("filter_chains", Value::Array(chains)) => all.extend(chains),
            ("default_filter_chain", chain) => all.push(chain),
            _ => {}
        }
    }
    all.into_iter().map(|chain| {
        let name = chain["name"].as_str().unwrap_or_default().to_owned();
        let filters = chain["filters"].as_array_mut().expect("a chain has filters");
        (name, filters)
    })
}
