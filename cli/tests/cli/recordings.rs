//! Recordings as arguments: several, of one name, and such as hold nothing.

use crate::run::{AT, Scratch, sluice};

fn sources(recordings: &[&str]) -> Vec<String> {
    let arguments = [
        &[
            "replay",
            "--native",
            "--format",
            "json",
            "--policy",
            "enforce.json",
            "--at",
            AT,
        ],
        recordings,
    ];
    let json = sluice(&arguments.concat()).ended(0).json();
    let decisions = json["decisions"].as_array().unwrap();
    decisions
        .iter()
        .map(|decision| decision["source"].as_str().unwrap().to_owned())
        .collect()
}

const LINE: &str = r#"{"authority": "api.example.com:443", "method": "CONNECT"}"#;

#[test]
fn sources_name_the_file_and_the_place() {
    let expected: Vec<String> = (0..8).map(|entry| format!("sandbox.har#{entry}")).collect();
    assert_eq!(sources(&["sandbox.har"]), expected);
    let both = sources(&["access.jsonl", "sandbox.har"]);
    assert_eq!(both[..3], ["access.jsonl:1", "access.jsonl:2", "access.jsonl:3"]);
    assert_eq!(both[3..], expected);
}

#[test]
fn files_of_one_name_are_told_apart_by_their_paths() {
    let scratch = Scratch::new();
    let (one, other) = (
        scratch.file("one/log.jsonl", LINE),
        scratch.file("other/log.jsonl", LINE),
    );
    assert_eq!(sources(&[&one, &other]), [format!("{one}:1"), format!("{other}:1")]);
    assert_eq!(sources(&[&one]), ["log.jsonl:1"]);
}

#[test]
fn a_recording_counts_once() {
    sluice(&["suggest", "sandbox.har", "access.jsonl", "sandbox.har"])
        .ended(2)
        .complains_of(&["sandbox.har", "given twice"]);
}

#[test]
fn what_is_no_recording_is_refused_with_the_formats() {
    let scratch = Scratch::new();
    for (name, text, parts) in [
        ("empty.har", "", &["empty"][..]),
        (
            "words.txt",
            "hello",
            &["HAR 1.2", "Envoy JSON access log", "Sluice audit rows"],
        ),
        ("list.json", "[]", &["HAR 1.2"]),
        ("cut.har", r#"{"log": {"entries": [{"#, &["cut off"]),
        (
            "policy.json",
            r#"{"mode": "enforce", "rules": []}"#,
            &["no known recording format"],
        ),
    ] {
        let file = scratch.file(name, text);
        for command in [
            &["suggest", file.as_str()][..],
            &["replay", &file, "--policy", "enforce.json"],
        ] {
            let ran = sluice(command).ended(2);
            assert_eq!(ran.stdout, "", "{name}");
            ran.complains_of(parts);
            ran.complains_of(&[name]);
        }
    }
}

#[test]
fn nothing_recorded_is_said_and_fails_only_what_was_to_check_it() {
    let scratch = Scratch::new();
    let empty = scratch.file("nothing.har", r#"{"log": {"entries": []}}"#);
    let ran = sluice(&[
        "replay",
        "--native",
        &empty,
        "--policy",
        "enforce.json",
        "--format",
        "json",
        "--fail-on",
        "warn",
    ])
    .ended(1);
    ran.complains_of(&["nothing.har", "nothing is recorded", "nothing was decided"]);
    assert_eq!(ran.json()["decisions"], serde_json::json!([]));
    let ran = sluice(&["replay", "--native", &empty, "--policy", "enforce.json"]).ended(0);
    assert_eq!(
        ran.stdout,
        "total 0: allow 0, warn 0, reject 0; would_reject 0; skipped 0\n"
    );
    let ran = sluice(&["suggest", &empty, "--format", "policy"]).ended(1);
    assert_eq!(ran.stdout, "", "a policy that denies everything is no suggestion");
    ran.complains_of(&["nothing to make a policy of"]);
}

#[test]
fn names_of_files_and_rules_do_not_steer_the_terminal() {
    let scratch = Scratch::new();
    let policy = scratch.file(
        "p\u{1b}[31m.json",
        r#"{"rules": [{"id": "a\u001b[31m", "effect": "allow", "host": "a.example"}]}"#,
    );
    let recording = scratch.file("r\u{1b}[31m.har", r#"{"log": {"entries": [1]}}"#);
    for arguments in [
        &["lint", policy.as_str()][..],
        &["replay", "--native", &recording, "--policy", &policy],
        &["replay", "--native", &recording, "--policy", "enforce.json"],
        &["lint", "no\u{1b}[31m.json"],
    ] {
        let ran = sluice(arguments);
        assert!(
            !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
            "{arguments:?}"
        );
        assert!(
            format!("{}{}", ran.stdout, ran.stderr).contains("[31m"),
            "{arguments:?}"
        );
    }
}
