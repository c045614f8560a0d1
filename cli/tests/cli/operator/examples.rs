//! Every example of every help text is taken by the command it is about.

use super::collector::{Answer, Collector, clean};
use super::samples::{pending, rule, stocked, token, user};
use crate::run::{Ran, Scratch, sluice};

const COMMANDS: [&[&str]; 38] = [
    &["status"],
    &["resource"],
    &["resource", "list"],
    &["resource", "show"],
    &["resource", "register"],
    &["policy"],
    &["policy", "show"],
    &["policy", "export"],
    &["policy", "apply"],
    &["policy", "clone"],
    &["policy", "history"],
    &["policy", "diff"],
    &["policy", "rollback"],
    &["observe"],
    &["lockdown"],
    &["allow"],
    &["deny"],
    &["rules"],
    &["remove"],
    &["suggestions"],
    &["coverage"],
    &["simulate"],
    &["pending"],
    &["approve"],
    &["block"],
    &["dismiss"],
    &["audit"],
    &["proxies"],
    &["token"],
    &["token", "create"],
    &["token", "revoke"],
    &["user"],
    &["user", "create"],
    &["user", "password"],
    &["user", "remove"],
    &["operator-log"],
    &["doctor"],
    &["completions"],
];

/// A collector that agrees to everything the examples ask.
fn agreeable() -> Collector {
    let collector = stocked();
    let hosts = ["api.example.com", "paste.example.org", "telemetry.example.net"];
    let rows: Vec<_> = hosts
        .iter()
        .enumerate()
        .map(|(n, host)| pending(&format!("pen_{n}"), host, "sb_1"))
        .collect();
    let first = pending("pen_5r0y8mq3zk1v9h2d", "x.example.com", "sb_1");
    collector
        .list("GET /egress/pending", &[rows, vec![first]].concat())
        .answers("GET /healthz", vec![Answer::text(200, "ok")])
        .answers("GET /readyz", vec![Answer::text(200, "ready")])
        .answers("GET /egress/audit/export", vec![Answer::text(200, "")])
        .answers(
            "DELETE /egress/allowlist/rul_5r0y8mq3zk1v9h2d",
            vec![Answer::text(204, "")],
        )
        .answers("DELETE /tokens/tok_5r0y8mq3zk1v9h2d", vec![Answer::text(204, "")])
        .object(
            "GET /egress/policies/pol_1/revisions/12",
            serde_json::json!({"rules": []}),
        )
        .object(
            "GET /egress/policies/pol_1/revisions/14",
            serde_json::json!({"rules": []}),
        )
        .object("POST /egress/allowlist", rule("rul_1", "api.example.com"))
        .object(
            "POST /egress/explain",
            serde_json::json!({"action": "allow", "host": "api.example.com"}),
        )
        .object("POST /tokens", token("tok_1"))
        .object("POST /users", user("usr_1", "anna"))
        .object("PATCH /users/usr_1", user("usr_1", "anna"))
        .answers("DELETE /users/usr_1", vec![Answer::text(204, "")]);
    for id in ["pen_0", "pen_1", "pen_2", "pen_5r0y8mq3zk1v9h2d"] {
        for verb in ["approve", "block", "dismiss"] {
            collector.object(&format!("POST /egress/pending/{id}/{verb}"), serde_json::json!({}));
        }
    }
    collector
}

fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help
        .split_once("EXAMPLES\n")
        .unwrap_or_else(|| panic!("no examples: {help}"));
    let joined = examples.replace("\\\n", "");
    joined
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| line.starts_with("sluice "))
        .collect()
}

#[test]
fn every_help_says_what_for_and_its_examples_are_taken() {
    let collector = agreeable();
    let scratch = Scratch::new();
    scratch.file("policy.json", r#"{"rules": []}"#);
    let password = scratch.file("password.txt", "correct horse battery\n");
    let mut tried = 0;
    let others: [&[&str]; 2] = [&[], &["explain"]];
    for command in COMMANDS.into_iter().chain(others) {
        let help = sluice(&[command, &["--help"]].concat()).ended(0).stdout;
        let description = help.split("Usage:").next().unwrap();
        let least = if command.len() == 1 { 15 } else { 1 };
        assert!(
            description.split_whitespace().count() > least,
            "{command:?}: {description}"
        );
        for example in examples(&help) {
            // Files have tests of their own, and what others make of it is not ours to try.
            let offline =
                others.contains(&command) && !example.contains("--resource") && !example.ends_with("sluice pending");
            // It would leave this machine; that its arguments are taken is a test of its own.
            let inside = example.contains("--inside");
            if offline || inside {
                continue;
            }
            let ours = example.split(" | ").next().unwrap().split(" > ").next().unwrap();
            let ours = ours.split(" < ").next().unwrap();
            let follows = ours.contains("--follow");
            let words = words(ours.trim_start_matches("sluice "));
            let mut command = clean(&words.iter().map(String::as_str).collect::<Vec<_>>());
            command
                .env("SLUICE_URL", &collector.url)
                .env("SLUICE_TOKEN", "x")
                .current_dir(scratch.missing("."));
            if words[0] == "user" {
                command.stdin(std::fs::File::open(&password).unwrap());
            }
            if follows {
                // It would go on: that its arguments are taken is enough.
                command.env("SLUICE_URL", "http://127.0.0.1:1");
            }
            let ran: Ran = command.output().unwrap().into();
            if follows {
                ran.ended(2).complains_of(&["is the collector running"]);
            } else {
                assert!(
                    ran.code == Some(0),
                    "{example}: {:?} {}{}",
                    ran.code,
                    ran.stdout,
                    ran.stderr
                );
            }
            tried += 1;
        }
    }
    assert!(tried >= 60, "{tried}");
}

/// As a shell splits it, for the quotes that examples have.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

#[test]
fn shells_get_their_completions() {
    for (shell, part) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef sluice"),
        ("fish", "complete -c sluice"),
    ] {
        let ran = sluice(&["completions", shell]).ended(0);
        assert!(ran.stdout.contains(part) && ran.stdout.contains("lockdown"), "{shell}");
    }
    sluice(&["completions", "csh"])
        .ended(2)
        .complains_of(&["csh", "bash", "zsh", "fish"]);
}
