//! What real clients did through the real proxy, replayed without Envoy: the decisions must be the ones that Envoy's
//! filter left in its log.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sluice_harness::engine::{CompiledFilter, Engine, NativeEngine, Setup, WasmEngine};
use sluice_harness::recording::{self, Sighting, Visibility};
use sluice_policy::{DecisionRecord, PolicyDocument, Timestamp};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings")
}

/// The decisions in the log, line by line.
fn logged(name: &str) -> Vec<DecisionRecord<'static>> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            serde_json::from_str(line["verdict"].as_str().unwrap()).unwrap()
        })
        .collect()
}

fn policy(mode: &str) -> PolicyDocument {
    let mut policy: Value = serde_json::from_slice(&fs::read(folder().join("policy.json")).unwrap()).unwrap();
    policy["mode"] = json!(mode);
    PolicyDocument::from_json(policy.to_string().as_bytes()).unwrap()
}

fn replayed(name: &str, engine: &mut dyn Engine) -> Vec<DecisionRecord<'static>> {
    let reading = recording::read(&folder().join(name)).unwrap();
    assert!(reading.skipped.is_empty(), "{name}: {:?}", reading.skipped);
    let decide = |recorded: &recording::Recorded| {
        let sighting = Sighting::of(&recorded.traffic, Visibility::Proxy);
        let at = recorded.at.unwrap_or(Timestamp::from_micros(0));
        let address = recorded.address.as_slice();
        engine.decide_resolved(&sighting, address, at).unwrap().into_owned()
    };
    reading.recorded.iter().map(decide).collect()
}

fn check(name: &str, mode: &str, rejections: usize) {
    let setup = Setup {
        // As they were recorded: every name led to the machine itself.
        resolves_to: vec!["127.0.0.0/8".to_owned()],
        ..Setup::new(policy(mode))
    };
    let filter = CompiledFilter::embedded().unwrap();
    let expected = logged(name);
    assert_eq!(expected.len(), 24, "{name}: four clients, six requests each");
    let rejected = expected.iter().filter(|decision| decision.would_reject).count();
    assert_eq!(rejected, rejections, "{name}");
    assert_eq!(
        replayed(name, &mut WasmEngine::new(&filter, &setup).unwrap()),
        expected,
        "{name}: the .wasm"
    );
    assert_eq!(
        replayed(name, &mut NativeEngine::new(&setup).unwrap()),
        expected,
        "{name}: native"
    );
}

#[test]
fn a_week_of_observing_replays_as_it_was() {
    check("observe.jsonl", "audit_only", 12);
}

#[test]
fn a_lockdown_replays_as_it_was() {
    check("lockdown.jsonl", "enforce", 12);
}
