//! The catalogue: the built-in one, and files that extend it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sluice_policy::{HostPattern, address};

use super::super::{Catalogue, CatalogueError, Class, Recommendation};
use super::*;

#[derive(serde::Deserialize)]
struct Plain {
    entries: Vec<PlainEntry>,
    shared: Vec<String>,
}

#[derive(serde::Deserialize)]
struct PlainEntry {
    name: String,
    class: Class,
    patterns: Vec<String>,
    group: Option<String>,
}

/// The built-in catalogue as plain JSON, read without the code under test.
fn built_in() -> Plain {
    serde_json::from_str(include_str!("../../../catalogue/destinations.json")).unwrap()
}

/// A host that the pattern matches.
fn example_of(pattern: &str) -> String {
    match pattern.strip_prefix("*.") {
        Some(name) => format!("some.{name}"),
        None => pattern.to_owned(),
    }
}

fn authority(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]:443")
    } else {
        format!("{host}:443")
    }
}

#[test]
fn every_built_in_pattern_leads_to_its_entry() {
    let catalogue = Catalogue::built_in();
    for entry in built_in().entries {
        for pattern in &entry.patterns {
            let mut observed = Observed::new(&catalogue, Options::default());
            observed.add(&connect(&authority(&example_of(pattern))));
            let suggestions = observed.suggestions();
            assert_eq!(suggestions.left_out, [], "{pattern}");
            assert_eq!(suggestions.suggestions[0].class, entry.class, "{pattern}");
            let reason = &suggestions.suggestions[0].reason;
            assert!(reason.starts_with(&entry.name), "{pattern}: {reason}");
        }
    }
}

#[test]
fn the_built_in_catalogue_is_tidy() {
    let plain = built_in();
    let mut patterns = BTreeSet::new();
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &plain.entries {
        for pattern in &entry.patterns {
            assert_eq!(
                HostPattern::parse(pattern).unwrap().to_string(),
                *pattern,
                "not canonical"
            );
            assert!(patterns.insert(pattern.clone()), "{pattern} stands there twice");
        }
        if let Some(group) = &entry.group {
            *groups.entry(group.clone()).or_default() += 1;
        }
    }
    assert!(
        groups.values().all(|roles| *roles > 1),
        "a group of one has no companions: {groups:?}"
    );
    assert!(
        plain.shared.iter().all(|pattern| pattern.starts_with("*.")),
        "{:?}",
        plain.shared
    );
}

#[test]
fn every_metadata_address_that_the_policy_knows_is_denied() {
    for address in address::METADATA {
        let suggestions = suggest(&[connect(&authority(&address.to_string()))]);
        assert_eq!(suggestions[0].class, Class::CloudMetadata, "{address}");
        assert_eq!(suggestions[0].recommendation, Recommendation::Deny, "{address}");
    }
}

#[test]
fn metadata_is_found_inside_ipv6_as_well() {
    for host in ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"] {
        let suggestions = suggest_with(Options::default(), &[connect(&authority(host))]);
        assert_eq!(suggestions.left_out, [], "{host}");
        assert_eq!(suggestions.suggestions[0].class, Class::CloudMetadata, "{host}");
    }
}

fn load(json: &str) -> Result<Catalogue, CatalogueError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.json");
    fs::write(&path, json).unwrap();
    Catalogue::with_file(&path)
}

#[test]
fn a_file_extends_and_overrides() {
    let plain = built_in();
    let known = plain
        .entries
        .iter()
        .find(|entry| entry.class == Class::ModelApi)
        .unwrap();
    let pattern = &known.patterns[0];
    let json = serde_json::json!({"entries": [
        {"name": "Ours", "class": "telemetry", "patterns": [pattern]},
        {"name": "New", "class": "cdn", "patterns": ["bücher.example.com"]},
    ]});
    let catalogue = load(&json.to_string()).unwrap();
    let mut observed = Observed::new(&catalogue, Options::default());
    observed.add(&connect(&authority(&example_of(pattern))));
    observed.add(&connect("xn--bcher-kva.example.com:443"));
    observed.add(&connect("169.254.169.254:80"));
    let suggestions = observed.suggestions().suggestions;
    let class = |host: &str| suggestions.iter().find(|found| found.subject() == host).unwrap().class;
    assert_eq!(class(&example_of(pattern)), Class::Telemetry);
    assert_eq!(class("xn--bcher-kva.example.com"), Class::Cdn);
    assert_eq!(class("169.254.169.254"), Class::CloudMetadata);
}

#[test]
fn a_bad_file_says_what_and_where() {
    for (json, expected) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        (
            r#"{"entry": []}"#,
            "unknown field `entry`, expected `entries` or `shared` at line 1 column 8",
        ),
        (
            r#"{"entries": [{"name": "A", "class": "cdn", "patterns": ["a.example"], "hosts": []}]}"#,
            "unknown field `hosts`",
        ),
        (
            r#"{"entries": [{"name": "A", "class": "unknown", "patterns": ["a.example"]}]}"#,
            "unknown variant `unknown`",
        ),
        (
            r#"{"entries": [{"name": "A", "class": "raw_ip", "patterns": ["192.0.2.1"]}]}"#,
            "unknown variant `raw_ip`",
        ),
        (
            r#"{"entries": [{"name": "A", "class": "cdn", "patterns": []}]}"#,
            "entry \"A\": patterns is empty",
        ),
        (
            r#"{"entries": [{"name": "A", "class": "cdn", "patterns": ["https://a.example/"]}]}"#,
            "entry \"A\": pattern \"https://a.example/\", expected a host without scheme or path",
        ),
        (
            r#"{"shared": ["a.example:443"]}"#,
            "entry \"shared\": pattern \"a.example:443\", expected a host without port",
        ),
    ] {
        let error = load(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
    let missing = Catalogue::with_file(Path::new("missing/catalogue.json")).unwrap_err();
    assert!(missing.to_string().starts_with("missing/catalogue.json: "), "{missing}");
}
