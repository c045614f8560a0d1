//! The description of the API is true: a fuzzer that knows nothing else finds no 500 and nothing undocumented.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::contract::{self, Addresses};
use sluice_tests::sluice::Sluice;
use tempfile::TempDir;

/// Streams do not end, and the fuzzer reads an answer to its end.
const STREAMS: &str = "/(events|stream|changes)$";
/// An answer has the status, the type and the shape that the description gives it, and is no 500.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

fn find(variable: Option<&str>) -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("find-schemathesis");
    let mut command = Command::new(&script);
    if let Some(variable) = variable {
        command.env("SCHEMATHESIS", variable);
    }
    let output = command.output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().into()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A request that passed, and one that waits for an operator.
const EVENTS: &str = r#"
- {says: a relay, call: POST /tokens, body: {name: a relay, role: relay, scope: tenant}, status: 201, keep: {relay: /data/token}}
- says: its events
  send:
    as: relay
    resource: sandbox/sb_1
    instance: p-1/1
    events:
      - {server.address: api.example.com}
      - {sluice.event: pending, log.record.uid: null, server.address: new.example.com, sluice.action: reject,
         sluice.would_reject: true, sluice.rejected_by: default_deny, sluice.policy.mode: enforce, sluice.count: 3}
"#;

/// Something of each kind, by the path that takes its id: of what is not there only errors can be learned.
fn seed(at: &Addresses) -> Vec<(&'static str, Value)> {
    let post = |path: &str, body: Value| -> Value {
        let request = ureq::post(format!("http://{}/api/v1/{path}", at.http));
        let request = request.header("authorization", format!("Bearer {}", at.token));
        let mut answer = request
            .send_json(body)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.body_mut().read_json::<Value>().unwrap()["data"].take()
    };
    let first = |path: &str| -> Value {
        let request = ureq::get(format!("http://{}/api/v1/{path}", at.http));
        let answer = request.header("authorization", format!("Bearer {}", at.token)).call();
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.body_mut().read_json::<Value>().unwrap()["data"][0]["id"].take()
    };
    let rule = json!({"id": "a", "host": "api.example.com", "methods": ["GET"], "path_glob": "/**", "ports": [443],
        "resolves_to": ["10.0.0.0/8"], "expires_at": "2100-01-01T00:00:00Z", "note": "seeded"});
    let resource = |mut body: Value| {
        body["resource_type"] = json!("sandbox");
        body["resource_id"] = json!("sb_1");
        body
    };
    let policy = post("egress/policies", resource(json!({"name": "seeded", "rules": [rule]})));
    let rule = post(
        "egress/allowlist",
        resource(json!({"host": "one.example.com", "effect": "deny"})),
    );
    let token = post("tokens", json!({"name": "seeded", "role": "viewer"}));
    let user = post(
        "users",
        json!({"name": "seeded", "password": "correct horse battery", "role": "viewer"}),
    );
    let session = post("sessions", json!({"token": at.token}));
    let events = contract::run("events", &contract::read("events", EVENTS), at);
    assert!(events.is_empty(), "{events:?}");
    vec![
        ("/api/v1/egress/pending/", first("egress/pending")),
        ("/api/v1/egress/audit/", first("egress/audit")),
        ("/api/v1/egress/policies/", policy["id"].clone()),
        ("/api/v1/egress/allowlist/", rule["id"].clone()),
        ("/api/v1/tokens/", token["id"].clone()),
        ("/api/v1/users/", user["id"].clone()),
        ("/api/v1/sessions/", session["id"].clone()),
        ("/api/v1/sandboxes/", json!("sb_1")),
        ("/api/v1/egress/resources/", json!("sb_1")),
    ]
}

/// What is known of the API beyond its description, as schemathesis reads it.
fn configuration(seeded: &[(&str, Value)]) -> String {
    let operation = |(path, id): &(&str, Value)| {
        let (path, kind) = (json!(path), "sandbox");
        format!(
            "[[operations]]\ninclude-path-regex = {path}\nparameters = {{ \"path.id\" = {id}, \"path.type\" = \"{kind}\" }}\n"
        )
    };
    seeded.iter().map(operation).collect()
}

fn fuzz(at: &Addresses) {
    let seeded = seed(at);
    for configuration in [String::new(), configuration(&seeded)] {
        fuzz_with(&configuration, at);
    }
}

fn fuzz_with(configuration: &str, at: &Addresses) {
    let program = find(None).unwrap_or_else(|problem| panic!("this test needs schemathesis: {problem}"));
    // It writes what it remembers into its working directory.
    let folder = TempDir::with_prefix("sluice-fuzz-").unwrap();
    fs::write(folder.path().join("schemathesis.toml"), configuration).unwrap();
    let base = format!("http://{}", at.http);
    let output = Command::new(program)
        .current_dir(&folder)
        .args(["run", &format!("{base}/api/v1/openapi.json"), "--url", &base])
        .args(["--header", &format!("Authorization: Bearer {}", at.token)])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "20",
            "--seed",
            "7",
        ])
        .args(["--exclude-path-regex", STREAMS, "--checks", CHECKS])
        .args(["--generation-database", "none", "--suppress-health-check", "all"])
        .args(["--request-timeout", "30", "--warnings", "off", "--no-color"])
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    // Who finds no description to go by finds no mistake either.
    assert!(said.contains("No issues found"), "{said}");
}

#[test]
fn a_fuzzer_finds_nothing_undocumented_on_sqlite() {
    fuzz(&Sluice::sqlite().addresses());
}

#[test]
fn a_fuzzer_finds_nothing_undocumented_on_postgresql() {
    fuzz(&Sluice::postgres().addresses());
}

#[test]
fn the_variable_must_name_a_program() {
    assert_eq!(find(Some("/bin/sh")), Ok("/bin/sh".into()));
    let problem = find(Some("/nowhere/schemathesis")).unwrap_err();
    assert!(
        problem.contains("SCHEMATHESIS is set to '/nowhere/schemathesis'"),
        "{problem}"
    );
}
