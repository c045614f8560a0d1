//! Arguments, help, versions and messages of all commands.

use std::io::pipe;

use crate::run::{AT, Scratch, command, sluice, sluice_reading};

const COMMANDS: [&str; 5] = ["replay", "explain", "suggest", "diff", "lint"];

/// The example command lines of a help text, without the prompt's indentation.
fn examples(help: &str) -> Vec<&str> {
    let (_, examples) = help.split_once("EXAMPLES\n").expect("there are examples");
    examples
        .lines()
        .map(str::trim)
        .filter(|line| line.contains("sluice "))
        .collect()
}

#[test]
fn every_help_says_what_for_and_gives_examples() {
    for name in COMMANDS {
        let help = sluice(&[name, "--help"]).ended(0);
        assert_eq!(help.stderr, "");
        let description = help.stdout.split("Usage:").next().unwrap();
        assert!(description.split_whitespace().count() > 30, "{description}");
        let examples = examples(&help.stdout);
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert!(
                example.contains(&format!("sluice {name}")) || name == "suggest",
                "{example}"
            );
        }
    }
    let help = sluice(&["--help"]).ended(0);
    for name in COMMANDS {
        assert!(help.stdout.contains(name), "{name}");
    }
    for code in ["0  done", "1  the answer is no", "2  bad usage"] {
        assert!(help.stdout.contains(code), "{code}");
    }
}

/// An example that a reader copies must be taken: its flags exist and its values are accepted.
#[test]
fn examples_are_accepted() {
    let scratch = Scratch::new();
    for name in ["policy.json", "changed.json"] {
        scratch.file(name, r#"{"rules": []}"#);
    }
    scratch.file(
        "expect.json",
        r#"{"expect": [{"host": "cdn.example.net", "action": "allow"}]}"#,
    );
    scratch.file("ours.json", r#"{"entries": []}"#);
    scratch.file("plugin.json", "{}");
    let har = std::fs::read_to_string(crate::run::data("sandbox.har")).unwrap();
    for name in ["sandbox.har", "monday.har", "tuesday.har", "tests/one.har"] {
        scratch.file(name, &har);
    }
    // A capture without packets.
    let section = "\n\r\r\n\u{1c}\0\0\0\u{4d}\u{3c}\u{2b}\u{1a}\u{1}\0\0\0\0\0\0\0\0\0\0\0\u{1c}\0\0\0";
    scratch.file("eth0.pcapng", section);
    let log = std::fs::read_to_string(crate::run::data("access.jsonl")).unwrap();
    scratch.file("access.jsonl", &log);
    let shell = |line: &str| {
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_sluice")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", line])
            .env("PATH", path)
            .current_dir(scratch.missing("."));
        shell.output().unwrap()
    };
    let mut tried = 0;
    for help_of in [&["--help"][..]]
        .into_iter()
        .chain(COMMANDS.each_ref().map(std::slice::from_ref))
    {
        let help = sluice(&[help_of, &["--help"]].concat()).ended(0).stdout;
        for example in examples(&help) {
            // What others make of it is not ours to try.
            let ours = example.split(" | jq").next().unwrap();
            let asks_a_collector = ours.contains("--resource") || ours.ends_with("sluice pending");
            if ours.starts_with("git ") || asks_a_collector {
                continue;
            }
            let output = shell(ours);
            let code = output.status.code().unwrap();
            let rejecting = ours.contains("--fail-on");
            assert_eq!(
                code,
                i32::from(rejecting),
                "{ours}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            tried += 1;
        }
    }
    assert!(tried >= 24, "{tried}");
}

#[test]
fn the_version_is_the_packages() {
    let version = sluice(&["--version"]).ended(0);
    assert_eq!(version.stdout, format!("sluice {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn bad_usage_says_what_would_be_right() {
    for (arguments, parts) in [
        (&[][..], &["Usage:"][..]),
        (&["replya"], &["replya", "replay"]),
        (&["replay"], &["RECORDING", "--policy"]),
        (&["replay", "sandbox.har"], &["--policy <FILE>"]),
        (
            &["replay", "sandbox.har", "--policy", "enforce.json", "--at", "noon"],
            &["noon", "RFC 3339", "now, recorded"],
        ),
        (
            &["replay", "sandbox.har", "--policy", "enforce.json", "--vms", "0"],
            &["--vms", "0"],
        ),
        (
            &["replay", "sandbox.har", "--policy", "enforce.json", "--resource", "sb"],
            &["sb", "TYPE/ID"],
        ),
        (
            &["replay", "sandbox.har", "--policy", "enforce.json", "--format", "yaml"],
            &["yaml", "table", "json", "junit"],
        ),
        (
            &[
                "replay",
                "sandbox.har",
                "--policy",
                "enforce.json",
                "--fail-on",
                "allow",
            ],
            &["allow", "reject", "warn", "none"],
        ),
        (
            &[
                "replay",
                "sandbox.har",
                "--policy",
                "enforce.json",
                "--visibility",
                "all",
            ],
            &["all", "proxy", "terminated"],
        ),
        (
            &[
                "replay",
                "sandbox.har",
                "--policy",
                "enforce.json",
                "--native",
                "--wasm",
                "x",
            ],
            &["--native", "--wasm"],
        ),
        (&["explain", "--policy", "enforce.json"], &["TARGET"]),
        (
            &["explain", "a.example", "--policy", "enforce.json", "--at", "recorded"],
            &["recorded", "now"],
        ),
        (
            &[
                "explain",
                "a.example",
                "--policy",
                "enforce.json",
                "--sni",
                "b",
                "--method",
                "GET",
            ],
            &["--sni", "--method"],
        ),
        (&["diff", "--from", "enforce.json", "sandbox.har"], &["--to"]),
        (&["suggest"], &["RECORDING"]),
        (&["lint"], &["FILE"]),
    ] {
        let ran = sluice(arguments).ended(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        ran.complains_of(parts);
    }
}

#[test]
fn missing_files_are_named() {
    let scratch = Scratch::new();
    let gone = scratch.missing("gone.json");
    let name = gone.as_str();
    for arguments in [
        &["replay", "sandbox.har", "--policy", name][..],
        &["replay", name, "--policy", "enforce.json"],
        &["replay", "sandbox.har", "--policy", "enforce.json", "--wasm", name],
        &["replay", "sandbox.har", "--policy", "enforce.json", "--expect", name],
        &["explain", "api.example.com", "--policy", name],
        &["suggest", name],
        &["suggest", "sandbox.har", "--catalogue", name],
        &["diff", "--from", name, "--to", "enforce.json", "sandbox.har"],
        &["diff", "--from", "enforce.json", "--to", name, "sandbox.har"],
        &["lint", name],
        &["lint", "--plugin-config", name],
    ] {
        let ran = sluice(arguments).ended(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        ran.complains_of(&["sluice: ", name, "No such file"]);
    }
}

#[test]
fn a_bad_policy_is_reported_whole_and_by_name() {
    let scratch = Scratch::new();
    let policy = scratch.file(
        "bad.json",
        r#"{"mode": "observe", "rules": [{"id": "a", "effect": "allow", "host": "https://a.example"},
                                          {"id": "a", "effect": "deny", "host": "10.0.0.1/8", "warn_only": true}]}"#,
    );
    for arguments in [
        &["replay", "sandbox.har", "--policy", &policy][..],
        &["replay", "sandbox.har", "--native", "--policy", &policy],
        &["explain", "api.example.com", "--policy", &policy],
        &["diff", "--from", "enforce.json", "--to", &policy, "sandbox.har"],
    ] {
        let ran = sluice(arguments).ended(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        ran.complains_of(&[
            &policy,
            "mode: \"observe\"",
            "rule a: host: \"https://a.example\": expected a host without scheme or path",
            "10.0.0.0/8",
            "warn_only",
            "an id that no other rule of the policy has",
        ]);
    }
}

#[test]
fn stdin_is_a_file_like_any_other() {
    let policy = std::fs::read_to_string(crate::run::data("enforce.json")).unwrap();
    let recording = std::fs::read_to_string(crate::run::data("sandbox.har")).unwrap();
    let by_name = sluice(&["replay", "sandbox.har", "--policy", "enforce.json", "--at", AT]).ended(0);
    let by_stdin = sluice_reading(&policy, &["replay", "sandbox.har", "--policy", "-", "--at", AT]).ended(0);
    assert_eq!(by_stdin.stdout, by_name.stdout);
    let by_stdin = sluice_reading(&recording, &["replay", "-", "--policy", "enforce.json", "--at", AT]).ended(0);
    assert_eq!(by_stdin.stdout, by_name.stdout.replace("sandbox.har#", "stdin#"));

    for arguments in [
        &["replay", "-", "--policy", "-"][..],
        &["replay", "sandbox.har", "--policy", "-", "--expect", "-"],
        &["diff", "--from", "-", "--to", "-", "sandbox.har"],
        &["suggest", "-", "--catalogue", "-"],
    ] {
        sluice_reading(&policy, arguments)
            .ended(2)
            .complains_of(&["'-'", "only once"]);
    }
    sluice_reading("{", &["lint", "-"]).ended(1);
    sluice_reading("{", &["explain", "a.example", "--policy", "-"])
        .ended(2)
        .complains_of(&["stdin: ", "EOF"]);
}

/// `sluice … | head`: the reader goes away before anything is written.
#[test]
fn a_reader_that_leaves_changes_nothing_but_the_output() {
    for (arguments, code) in [
        (
            &["replay", "sandbox.har", "--policy", "enforce.json", "--format", "json"][..],
            0,
        ),
        (
            &[
                "replay",
                "sandbox.har",
                "--policy",
                "enforce.json",
                "--native",
                "--fail-on",
                "reject",
            ],
            1,
        ),
        (&["explain", "api.example.com", "--policy", "enforce.json"], 0),
        (&["suggest", "sandbox.har", "--format", "policy"], 0),
        (&["lint", "enforce.json"], 0),
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = command(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked") && !stderr.contains("pipe"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(["lint", "enforce.json"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("sluice: cannot write to stdout: "), "{stderr}");
}
