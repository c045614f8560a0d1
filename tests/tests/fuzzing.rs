//! The description of the API is true: a fuzzer that knows nothing else finds no 500 and nothing undocumented.

use std::path::{Path, PathBuf};
use std::process::Command;

use sluice_tests::contract::Addresses;
use sluice_tests::sluice::Sluice;
use tempfile::TempDir;

/// Streams do not end, and the fuzzer reads an answer to its end.
const STREAMS: &str = "/(events|stream)$";
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

fn fuzz(at: &Addresses) {
    let program = find(None).unwrap_or_else(|problem| panic!("this test needs schemathesis: {problem}"));
    // It writes what it remembers into its working directory.
    let folder = TempDir::with_prefix("sluice-fuzz-").unwrap();
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
    assert!(said.contains("Selected"), "{said}");
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
