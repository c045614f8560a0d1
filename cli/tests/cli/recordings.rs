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
            &[
                "HAR 1.2",
                "Envoy JSON access log",
                "Envoy tap",
                "packet capture",
                "Sluice audit rows",
            ],
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

/// A packet capture on a raw IP link: for each name a ClientHello from a port of its own.
fn capture(names: &[&str]) -> Vec<u8> {
    let mut file = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0,
    ];
    for (port, name) in (50_000_u16..).zip(names) {
        let half = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
        let length = name.len();
        let mut hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
        hello.extend([half(length + 9), [0, 0], half(length + 5), half(length + 3)].concat());
        hello.extend([&[0][..], &half(length), name.as_bytes()].concat());
        let message = [&[1, 0][..], &half(hello.len()), &hello].concat();
        let record = [&[0x16, 3, 1][..], &half(message.len()), &message].concat();
        let mut packet = [&[0x45, 0][..], &half(40 + record.len()), &[0, 0, 0x40, 0, 64, 6, 0, 0]].concat();
        packet.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        packet.extend([port.to_be_bytes(), 443_u16.to_be_bytes()].concat());
        packet.extend([0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x10, 0, 0, 0, 0, 0, 0]);
        packet.extend(record);
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        file.extend([1_772_438_400_u32.to_le_bytes(), [0; 4], length, length].concat());
        file.extend(packet);
    }
    file
}

#[test]
fn a_capture_is_one_decision_for_each_hello() {
    let scratch = Scratch::new();
    let file = scratch.missing("eth0.pcap");
    std::fs::write(&file, capture(&["API.example.com", "\u{1b}[31m.example.com"])).unwrap();
    let arguments = ["replay", "--native", &file, "--policy", "enforce.json"];
    let json = sluice(&[&arguments[..], &["--format", "json"]].concat())
        .ended(0)
        .json();
    assert_eq!(json["summary"]["total"], 2);
    let of =
        |field: &str| [&json["decisions"][0][field], &json["decisions"][1][field]].map(serde_json::Value::to_string);
    assert_eq!(of("source"), [r#""eth0.pcap#1""#, r#""eth0.pcap#2""#]);
    assert_eq!(of("sni"), [r#""api.example.com""#, r#""\u001b[31m.example.com""#]);
    assert_eq!(of("port"), ["443", "null"]);
    let ran = sluice(&arguments).ended(0);
    assert!(
        !ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("api.example.com"), "{}", ran.stdout);
    let ran = sluice(&["suggest", &file]).ended(0);
    assert!(ran.stdout.contains("api.example.com"), "{}", ran.stdout);
}
