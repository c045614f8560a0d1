//! What is read, and what is refused, with everything that is wrong at once.

use serde_json::Value;

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn problems(json: &str) -> Vec<String> {
    match PolicyDocument::from_json(json.as_bytes()) {
        Ok(document) => panic!("accepted: {document:?}"),
        Err(problems) => problems.as_slice().iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_example_of_the_design_loads_and_prints_back() {
    let json = r#"{ "mode": "enforce", "default_effect": "deny",
      "rules": [
        {"id": "gh",   "effect": "allow", "host": "api.github.com", "methods": ["GET"], "path_glob": "/repos/**", "ports": [443]},
        {"id": "ai",   "effect": "allow", "host": "*.openai.com"},
        {"id": "new",  "effect": "allow", "host": "api.experimental.example.com", "warn_only": true, "expires_at": "2027-01-01T00:00:00Z"},
        {"id": "db",   "effect": "allow", "host": "db.corp.example.com", "ports": [5432], "resolves_to": ["10.2.0.0/16"]},
        {"id": "meta", "effect": "deny",  "host": "169.254.169.254", "note": "cloud metadata"} ] }"#;
    let document = PolicyDocument::from_json(json.as_bytes()).unwrap();
    let printed = serde_json::to_value(&document).unwrap();
    assert_eq!(printed, serde_json::from_str::<Value>(json).unwrap());
}

#[test]
fn absence_null_and_empty_lists_are_the_same() {
    let bare = r#"{"rules": [{"id": "a", "effect": "allow", "host": "a.example"}]}"#;
    let full = r#"{"mode": null, "default_effect": null, "rules": [{"id": "a", "effect": "allow", "host": "a.example",
        "methods": [], "ports": [], "path_glob": null, "warn_only": false, "expires_at": null, "resolves_to": [], "terminated_only": false, "note": null}]}"#;
    let read = |json: &str| PolicyDocument::from_json(json.as_bytes()).unwrap();
    assert_eq!(read(bare), read(full));
    assert_eq!(read("{}"), read(r#"{"rules": null}"#));
}

#[test]
fn every_mistake_is_reported_at_once_and_by_name() {
    let found = problems(
        r#"{"mode": "observe", "defaults": 1, "rules": [
            {"id": "a b", "effect": "allow", "host": "https://x.example/"},
            {"id": "r0", "effect": {"allow": null}, "host": "a.example"},
            {"id": "r1", "effect": "permit", "host": "a.example:443", "port": 443},
            {"id": "r1", "effect": "deny", "host": "a.example", "warn_only": true, "resolves_to": ["10.0.0.0/8"]},
            {"effect": "allow"},
            {"id": "self", "effect": "allow", "host": "10.0.0.1/8", "methods": ["CONNECT", "G T"], "ports": [0]},
            {"id": "r2", "effect": "allow", "host": "b.example", "ports": [70000], "expires_at": "2027-01-01", "path_glob": "x", "resolves_to": ["10.0.0.1/8"]},
            {"id": "r3", "effect": "deny", "host": "c.example", "terminated_only": true, "host": "d.example"},
            7, [], null
        ]}"#,
    );
    let expected = [
        "policy: mode: \"observe\": expected \"audit_only\" or \"enforce\"",
        "policy: defaults: 1: expected one of mode, default_effect, rules",
        "rule r0: effect: {\"allow\":null}: expected \"allow\" or \"deny\"",
        "rule r1: effect: \"permit\": expected \"allow\" or \"deny\"",
        "rule r1: port: 443: expected one of id, effect,",
        "rule #4: id: missing: expected an id",
        "rule #4: host: missing: expected a name",
        "rule r2: ports: [70000]: expected a list of ports, 1 to 65535",
        "rule r3: host: twice: expected the field once",
        "rule #8: 7: expected a rule object",
        "rule #9: a list: expected a rule object",
        "rule #10: null: expected a rule object",
        "rule a b: id: \"a b\": expected an id",
        "rule a b: host: \"https://x.example/\": expected a host without scheme",
        "rule r1: host: \"a.example:443\": expected a host without port",
        "rule r1: warn_only: true: expected warn_only on an allow rule only",
        "rule r1: resolves_to: [\"10.0.0.0/8\"]: expected resolves_to on an allow rule only",
        "rule r1: id: \"r1\": expected an id that no other rule",
        "rule self: id: \"self\": expected an id that is no rejected_by word",
        "rule self: host: \"10.0.0.1/8\": expected no host bits set: 10.0.0.0/8",
        "rule self: methods: \"CONNECT\": expected methods without CONNECT",
        "rule self: methods: \"G T\": expected a method token",
        "rule self: ports: [0]: expected ports from 1 to 65535",
        "rule r2: path_glob: \"x\": expected a pattern that begins with '/'",
        "rule r2: expires_at: \"2027-01-01\": expected an RFC 3339 time",
        "rule r2: resolves_to: \"10.0.0.1/8\": expected no host bits set: 10.0.0.0/8",
        "rule r3: terminated_only: true: expected terminated_only on a deny",
    ];
    for start in expected {
        assert!(
            found.iter().any(|problem| problem.starts_with(start)),
            "no {start:?} in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn rules_of_one_name_are_told_apart_by_their_place() {
    let found = problems(
        r#"{"rules": [{"id": "r", "effect": "deny", "host": "a.example", "ports": "x"},
                      {"id": "r", "effect": "deny", "host": "a.example", "ports": [0]}]}"#,
    );
    let ports: Vec<_> = found.iter().filter(|problem| problem.contains("ports")).collect();
    assert_eq!(ports.len(), 2, "{found:#?}");
}

#[test]
fn what_is_no_policy_is_refused_with_its_place() {
    for (json, part) in [
        ("", "line 1 column 0"),
        ("[]", "invalid type: sequence, expected a policy object"),
        ("{\"rules\": [}", "line 1 column 12"),
        ("{} x", "trailing characters"),
        ("\u{feff}{}", "line 1 column 1"),
    ] {
        let found = problems(json);
        assert!(found[0].contains(part), "{json}: {found:?}");
    }
    assert_eq!(
        problems(r#"{"rules": {}}"#),
        ["policy: rules: an object: expected a list of rules"]
    );
    assert_eq!(
        problems(r#"{"rules": "x"}"#),
        ["policy: rules: \"x\": expected a list of rules"]
    );
}
