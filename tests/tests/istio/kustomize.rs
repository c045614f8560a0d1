//! What `kubectl kustomize` makes of the folders of envoy/istio/, as far as they use it. What they do not use is an
//! error here.

use std::fs;
use std::path::{Path, PathBuf};

use json_patch::Patch;
use serde::Deserialize;
use serde_json::Value;

/// A kustomization.yaml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    api_version: String,
    kind: String,
    #[serde(default)]
    resources: Vec<PathBuf>,
    #[serde(default)]
    components: Vec<PathBuf>,
    #[serde(default)]
    patches: Vec<PatchEntry>,
    #[serde(default)]
    replacements: Vec<Replacement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchEntry {
    target: Select,
    patch: Option<String>,
    path: Option<PathBuf>,
}

/// Exactly one object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Select {
    kind: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    source: Source,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Source {
    kind: String,
    name: String,
    field_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Target {
    select: Select,
    field_paths: Vec<String>,
    options: Options,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    create: bool,
}

/// The objects that `kubectl apply -k` would apply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifests(pub(crate) Vec<Value>);

/// Every folder that can be applied, and what a user can make of one.
pub(crate) fn all() -> Vec<(&'static str, Manifests)> {
    vec![
        ("base", folder("base")),
        ("observe", folder("observe")),
        ("locked", folder("locked")),
        ("locked by workload", folder("locked").with("by-workload")),
        (
            "locked without EnvoyFilters",
            folder("locked").with("without-envoy-filter"),
        ),
    ]
}

/// A folder of envoy/istio/.
pub(crate) fn folder(name: &str) -> Manifests {
    let mut manifests = Manifests::default();
    manifests.build(&root().join(name));
    manifests
}

/// `envoy/istio/` of this checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/istio")
}

/// All documents of a YAML file; JSON is YAML.
pub(crate) fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = |document| -> Result<Value, yaml_serde::Error> {
        let mut value = yaml_serde::Value::deserialize(document)?;
        value.apply_merge()?;
        yaml_serde::from_value(value)
    };
    yaml_serde::Deserializer::from_str(&text)
        .map(|document| read(document).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .collect()
}

impl Manifests {
    /// Adds a component of envoy/istio/, as `components:` does.
    pub(crate) fn with(mut self, component: &str) -> Self {
        self.build(&root().join(component));
        self
    }

    /// The object of this kind and name.
    pub(crate) fn get(&self, kind: &str, name: &str) -> &Value {
        let found = self.0.iter().find(|object| is(object, kind, name));
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The objects of this kind.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// Resources, then components, then patches, then replacements, as kustomize does.
    fn build(&mut self, folder: &Path) {
        let file = folder.join("kustomization.yaml");
        let [document] = <[Value; 1]>::try_from(documents(&file)).expect("one document");
        let here: Kustomization =
            serde_json::from_value(document).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let version = match here.kind.as_str() {
            "Kustomization" => "kustomize.config.k8s.io/v1beta1",
            "Component" => "kustomize.config.k8s.io/v1alpha1",
            kind => panic!("{}: {kind}", file.display()),
        };
        assert_eq!(here.api_version, version, "{}", file.display());
        for resource in here.resources.iter().map(|path| folder.join(path)) {
            if resource.is_dir() {
                self.build(&resource);
            } else {
                self.0.extend(documents(&resource));
            }
        }
        for component in &here.components {
            self.build(&folder.join(component));
        }
        for entry in here.patches {
            let patch = match (&entry.patch, &entry.path) {
                (Some(text), None) => yaml_serde::from_str(text).expect("an inline patch is YAML"),
                (None, Some(path)) => documents(&folder.join(path)).remove(0),
                _ => panic!("{}: patch or path: {entry:?}", file.display()),
            };
            if patch["$patch"] == "delete" {
                self.0
                    .retain(|object| !is(object, &entry.target.kind, &entry.target.name));
                continue;
            }
            let patch: Patch = serde_json::from_value(patch).expect("a patch is RFC 6902");
            json_patch::patch(self.target(&entry.target), &patch)
                .unwrap_or_else(|error| panic!("{}: {entry:?}: {error}", file.display()));
        }
        for Replacement { source, targets } in here.replacements {
            let from = pointer(&source.field_path);
            let value = self.get(&source.kind, &source.name).pointer(&from);
            let value = value.unwrap_or_else(|| panic!("{from} is not there")).clone();
            for target in targets {
                let object = self.target(&target.select);
                for path in &target.field_paths {
                    put(object, &pointer(path), value.clone(), target.options.create);
                }
            }
        }
    }

    fn target(&mut self, select: &Select) -> &mut Value {
        let mut found = self
            .0
            .iter_mut()
            .filter(|object| is(object, &select.kind, &select.name));
        let first = found.next().unwrap_or_else(|| panic!("no {select:?}"));
        assert!(found.next().is_none(), "{select:?} is more than one");
        first
    }
}

fn is(object: &Value, kind: &str, name: &str) -> bool {
    object["kind"] == kind && object["metadata"]["name"] == name
}

/// Kustomize's `a.0.b`.
fn pointer(field_path: &str) -> String {
    format!("/{}", field_path.replace('.', "/"))
}

fn put(object: &mut Value, pointer: &str, value: Value, create: bool) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.unwrap_or_else(|| panic!("nothing holds {pointer}"));
    assert!(create || parent.contains_key(name), "{pointer} is not there");
    parent.insert(name.to_owned(), value);
}
