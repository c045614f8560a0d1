//! EnvoyFilters, as istiod applies them. A condition or an operation that is not known here is an error.
//!
//! Mirrors, in `pilot/pkg/networking/core/envoyfilter/`, `listener_patch.go` (`listenerMatch`, `filterChainMatch`,
//! `networkFilterMatch`), `cluster_patch.go` and `extension_configuration_patch.go`.

use serde::Deserialize;
use serde_json::Value;

use crate::kustomize::Manifests;
use crate::sidecar::{Sidecar, filters_mut};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ConfigPatch {
    apply_to: String,
    #[serde(rename = "match")]
    condition: Condition,
    patch: Change,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    context: String,
    #[serde(default)]
    listener: ListenerMatch,
    cluster: Option<FilterMatch>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListenerMatch {
    name: Option<String>,
    filter_chain: Option<ChainMatch>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainMatch {
    filter: FilterMatch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterMatch {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    operation: String,
    value: Value,
}

/// Applies all of them.
pub(crate) fn apply(sidecar: &mut Sidecar, manifests: &Manifests) {
    for filter in manifests.of_kind("EnvoyFilter") {
        let patches = filter["spec"]["configPatches"].as_array();
        for patch in patches.expect("an EnvoyFilter has patches") {
            let patch: ConfigPatch = serde_json::from_value(patch.clone()).unwrap_or_else(|e| panic!("{e}: {patch}"));
            assert_eq!(patch.condition.context, "SIDECAR_OUTBOUND");
            apply_one(sidecar, &patch);
        }
    }
}

fn apply_one(sidecar: &mut Sidecar, patch: &ConfigPatch) {
    let ConfigPatch {
        apply_to,
        condition: Condition { listener: wanted, .. },
        patch: Change { operation, value },
        ..
    } = patch;
    if apply_to == "EXTENSION_CONFIG" {
        assert_eq!(operation, "ADD");
        let name = value["name"].as_str().expect("an extension has a name").to_owned();
        let before = sidecar.extensions.insert(name, value["typed_config"].clone());
        assert!(before.is_none(), "two extensions of one name");
        return;
    }
    if apply_to == "CLUSTER" {
        assert_eq!(operation, "MERGE");
        let name = &patch.condition.cluster.as_ref().expect("one cluster").name;
        let cluster = sidecar.clusters.iter_mut().find(|cluster| cluster["name"] == **name);
        let cluster = cluster.unwrap_or_else(|| panic!("no cluster {name}"));
        // Messages merge; a member of a map is replaced (`pkg/proto/merge`).
        let (key, value) = only(value);
        assert_eq!(key, "typed_extension_protocol_options");
        let (key, value) = only(value);
        cluster["typed_extension_protocol_options"][key] = value.clone();
        return;
    }
    let outbound = sidecar
        .listeners
        .iter_mut()
        .filter(|one| one["traffic_direction"] == "OUTBOUND");
    let matched = outbound.filter(|one| wanted.name.as_deref().is_none_or(|name| one["name"] == name));
    for listener in matched {
        match (apply_to.as_str(), operation.as_str()) {
            ("LISTENER_FILTER", "ADD") => {
                assert!(wanted.filter_chain.is_none());
                let filters = &mut listener["listener_filters"];
                if filters.is_null() {
                    *filters = Value::Array(Vec::new());
                }
                filters.as_array_mut().expect("a list").push(value.clone());
            }
            ("NETWORK_FILTER", "INSERT_BEFORE") => {
                let before = &wanted.filter_chain.as_ref().expect("before a filter").filter.name;
                for (_, filters) in filters_mut(listener) {
                    if let Some(place) = filters.iter().position(|filter| filter["name"] == **before) {
                        filters.insert(place, value.clone());
                    }
                }
            }
            other => panic!("{other:?} is not known here"),
        }
    }
}

fn only(value: &Value) -> (&String, &Value) {
    let mut members = value.as_object().expect("an object").iter();
    let first = members.next().expect("with a member");
    assert!(members.next().is_none(), "one member: {value}");
    first
}
