//! Every object has the fields that Istio's CRDs and Kubernetes' API have, and a misspelt one is found.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::kustomize::{self, Manifests};

/// The schema of each kind that is used, by `apiVersion/kind`.
static KINDS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let all: Value = serde_json::from_str(include_str!("data/schemas.json")).unwrap();
    let compile = |(kind, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        schema["$defs"] = all["$defs"].clone();
        (kind.clone(), jsonschema::validator_for(&schema).unwrap())
    };
    all["kinds"].as_object().unwrap().iter().map(compile).collect()
});

/// Members whose names are the user's, or are read by somebody else (plugins.rs, running.rs).
const FREE: [&str; 9] = [
    "pluginConfig",
    "value",
    "labels",
    "annotations",
    "matchLabels",
    "selector",
    "requests",
    "limits",
    "environmentVariables",
];

fn kind(object: &Value) -> String {
    let text = |name: &str| object[name].as_str().unwrap_or_else(|| panic!("no {name}: {object}"));
    format!("{}/{}", text("apiVersion"), text("kind"))
}

fn mistakes(object: &Value) -> Vec<String> {
    let kind = kind(object);
    let schema = KINDS.get(&kind).unwrap_or_else(|| panic!("no schema for {kind}"));
    schema
        .iter_errors(object)
        .map(|error| format!("{kind} {}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_object_is_of_its_type() {
    for (name, Manifests(objects)) in kustomize::all() {
        let found: Vec<_> = objects.iter().flat_map(mistakes).collect();
        assert_eq!(found, <[String; 0]>::default(), "{name}");
    }
}

#[test]
fn a_misspelt_field_is_found_wherever_it_is() {
    let mut checked = BTreeMap::new();
    for (name, Manifests(objects)) in kustomize::all() {
        for object in objects {
            let mut paths = Vec::new();
            fields(&object, "", &mut paths);
            for (parent, field) in paths {
                let mut misspelt = object.clone();
                let members = misspelt.pointer_mut(&parent).and_then(Value::as_object_mut).unwrap();
                let value = members.remove(&field).unwrap();
                members.insert(format!("{field}s"), value);
                // Without its kind it is not known whose schema it would break.
                let found =
                    matches!((&*parent, &*field), ("", "apiVersion" | "kind")) || !mistakes(&misspelt).is_empty();
                assert!(found, "{name}: {field}s below {parent:?} of {}", kind(&object));
                *checked.entry(kind(&object)).or_insert(0) += 1;
            }
        }
    }
    let kinds: Vec<_> = checked.keys().collect();
    assert_eq!(kinds, KINDS.keys().collect::<Vec<_>>(), "every kind is used");
    assert!(checked.values().all(|count| *count >= 4), "{checked:?}");
}

/// The pointer to what holds each field whose name the type gives, and that name.
fn fields(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                found.push((pointer.to_owned(), name.clone()));
                let typed = name == "selector" && member.get("matchLabels").is_some();
                if typed || !FREE.contains(&name.as_str()) {
                    fields(member, &format!("{pointer}/{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                fields(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_wrong_type_and_an_unknown_word_are_found_too() {
    let locked = kustomize::folder("locked");
    for (kind, name, pointer, wrong) in [
        ("WasmPlugin", "sluice-http", "/spec/failStrategy", json!("FAIL_OPENLY")),
        ("WasmPlugin", "sluice-http", "/spec/match/0/mode", json!("client")),
        (
            "EnvoyFilter",
            "sluice-tcp",
            "/spec/configPatches/2/applyTo",
            json!("NETWORK_FILTERS"),
        ),
        (
            "Sidecar",
            "default",
            "/spec/outboundTrafficPolicy/mode",
            json!("REGISTRY"),
        ),
        ("ServiceEntry", "listed", "/spec/ports/0/number", json!("80")),
        (
            "DestinationRule",
            "collector",
            "/spec/trafficPolicy/tls/mode",
            json!("MTLS"),
        ),
        ("Deployment", "sluice-collector", "/spec/replicas", json!("1")),
        ("NetworkPolicy", "collector", "/spec/policyTypes", json!("Egress")),
    ] {
        let mut object = locked.get(kind, name).clone();
        *object
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{kind}: no {pointer}")) = wrong.clone();
        assert_ne!(
            mistakes(&object),
            <[String; 0]>::default(),
            "{kind}: {pointer}: {wrong}"
        );
    }
}
