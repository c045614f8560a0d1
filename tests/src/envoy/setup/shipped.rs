//! The configurations of `envoy/`, as they lie there.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// `envoy/` of this checkout.
pub(in crate::envoy) fn envoy_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy")
}

/// Every Envoy configuration file under `envoy/`, by its path there.
#[must_use]
pub fn shipped_files() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for folder in list(&envoy_folder()).into_iter().filter(|path| path.is_dir()) {
        for file in list(&folder) {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let name = file.strip_prefix(envoy_folder()).unwrap_or(&file);
                found.push((name.display().to_string(), read(&file)));
            }
        }
    }
    found
}

/// The file that every topology has.
pub(in crate::envoy) const FILTER: &str = "filter.yaml";

/// The files of a topology beside its bootstrap and [`FILTER`].
pub(super) fn further(folder: &Path) -> Vec<(String, Value)> {
    let files = list(folder).into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.to_owned();
        let is_filter = name.starts_with("filter-") && name.ends_with(".yaml");
        is_filter.then(|| (name, read(&file)))
    });
    files.collect()
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the checkout is complete");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

pub(super) fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
