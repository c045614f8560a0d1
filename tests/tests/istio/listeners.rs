//! No chain of a patched sidecar reaches a cluster past Sluice.

use serde_json::Value;

use crate::kustomize::{self, Manifests};
use crate::mesh;
use crate::sidecar::{Sidecar, chains};

/// What goes nowhere.
const BLACK_HOLE: &str = "BlackHoleCluster";

/// The chains that reach a cluster without a filter of ours before what passes traffic on.
fn past_sluice(sidecar: &Sidecar) -> Vec<String> {
    let mut found = Vec::new();
    for listener in sidecar
        .listeners
        .iter()
        .filter(|one| one["traffic_direction"] == "OUTBOUND")
    {
        for chain in chains(listener) {
            let filters = chain["filters"].as_array().expect("a chain has filters");
            let (terminal, before) = filters.split_last().expect("and a last one");
            let config = &terminal["typed_config"];
            let decided = match terminal["name"].as_str().unwrap_or_default() {
                "envoy.filters.network.tcp_proxy" => {
                    let nowhere = config["cluster"] == BLACK_HOLE && config["weighted_clusters"].is_null();
                    nowhere || before.iter().any(|filter| sidecar.runs(filter) == Some("sluice.tcp"))
                }
                // Before everything that could answer or change a request.
                "envoy.filters.network.http_connection_manager" => {
                    sidecar.runs(&config["http_filters"][0]) == Some("sluice.http")
                }
                other => panic!("{other} ends a chain, and it is not known what it does"),
            };
            if !decided {
                let what = chain["name"]
                    .as_str()
                    .map_or_else(|| chain["filter_chain_match"].to_string(), str::to_owned);
                found.push(format!("{} {what}", listener["name"].as_str().unwrap_or_default()));
            }
        }
    }
    found
}

impl Sidecar {
    /// The root id of the Wasm plugin that a filter refers to by ECDS.
    fn runs(&self, filter: &Value) -> Option<&str> {
        filter.get("config_discovery")?;
        let extension = self.extensions.get(filter["name"].as_str()?)?;
        let urls = filter["config_discovery"]["type_urls"].as_array()?;
        urls.contains(&extension["@type"])
            .then(|| extension["config"]["root_id"].as_str())?
    }
}

#[test]
fn nothing_passes_a_patched_sidecar_undecided() {
    for (name, manifests) in kustomize::all() {
        assert_eq!(
            past_sluice(&Sidecar::with(&manifests)),
            <[String; 0]>::default(),
            "{name}"
        );
    }
}

#[test]
fn without_the_manifests_everything_would() {
    assert_eq!(
        past_sluice(&Sidecar::plain()).len(),
        9,
        "{:?}",
        past_sluice(&Sidecar::plain())
    );
    // The plugins alone leave what no name is registered for.
    let Manifests(objects) = kustomize::folder("observe");
    let plugins = objects
        .into_iter()
        .filter(|object| object["kind"] != "EnvoyFilter")
        .collect();
    let left = past_sluice(&Sidecar::with(&Manifests(plugins)));
    assert!(
        left.contains(&"virtualOutbound virtualOutbound-catchall-tcp".to_owned()),
        "{left:?}"
    );
    assert!(
        left.contains(&"0.0.0.0_443 PassthroughFilterChain".to_owned()),
        "{left:?}"
    );
}

/// A reference that ECDS does not answer keeps a listener from ever starting.
#[test]
fn every_extension_is_there_and_used() {
    for (name, manifests) in kustomize::all() {
        let sidecar = Sidecar::with(&manifests);
        let text = Value::from(sidecar.listeners.clone()).to_string();
        assert_eq!(sidecar.extensions.len(), 2, "{name}");
        for extension in sidecar.extensions.keys() {
            assert!(
                text.contains(&format!("\"name\":\"{extension}\"")),
                "{name}: {extension}"
            );
        }
        let references = text.matches("config_discovery").count();
        let answered: usize = sidecar
            .extensions
            .keys()
            .map(|extension| text.matches(&format!("\"name\":\"{extension}\"")).count())
            .sum();
        assert_eq!(references, answered, "{name}");
    }
}

#[test]
fn what_comes_in_is_left_alone() {
    let inbound = |sidecar: &Sidecar| {
        let mut all = sidecar.listeners.iter();
        all.find(|listener| listener["traffic_direction"] == "INBOUND").cloned()
    };
    assert_eq!(
        inbound(&Sidecar::with(&kustomize::folder("locked"))),
        inbound(&Sidecar::plain())
    );
}

/// Envoy goes on without a name where a time limit and this flag meet.
#[test]
fn no_listener_goes_on_without_the_name_it_waited_for() {
    assert_eq!(mesh::protocol_detection_timeout(), "0s");
    let sidecar = Sidecar::with(&kustomize::folder("locked"));
    for listener in &sidecar.listeners {
        if listener["continue_on_listener_filters_timeout"] == true {
            assert_eq!(listener["listener_filters_timeout"], "0s", "{}", listener["name"]);
        }
    }
    for (name, Manifests(objects)) in kustomize::all() {
        let text = Value::from(objects).to_string();
        assert!(!text.contains("continue_on_listener_filters_timeout"), "{name}");
    }
}
