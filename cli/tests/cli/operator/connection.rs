//! Which collector is asked, as whom, and what is said when it does not answer or refuses.

use serde_json::json;

use super::collector::{Answer, Collector, clean};
use super::samples::{resource, stocked};
use crate::run::{Ran, Scratch};

fn ran(command: &mut std::process::Command) -> Ran {
    command.output().unwrap().into()
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let [of_flag, of_environment, of_file] = [Collector::new(), Collector::new(), Collector::new()];
    for collector in [&of_flag, &of_environment, &of_file] {
        collector.list("GET /egress/resources", &[resource("sandbox", "sb_1")]);
    }
    let scratch = Scratch::new();
    scratch.file("secret", "sluice_file\n");
    let config = scratch.file(
        "config.toml",
        &format!(
            "url = \"{}\"\ntoken_file = \"secret\"\nformat = \"json\"\n",
            of_file.url
        ),
    );
    let by_file = ran(clean(&["resource", "list"]).env("SLUICE_CONFIG", &config)).ended(0);
    assert_eq!(by_file.json()["data"][0]["resource_id"], "sb_1");
    assert_eq!(
        of_file.requests()[0].header("authorization"),
        Some("Bearer sluice_file")
    );

    let mut command = clean(&["resource", "list"]);
    command
        .env("SLUICE_CONFIG", &config)
        .env("SLUICE_URL", &of_environment.url)
        .env("SLUICE_FORMAT", "table");
    let by_environment = ran(command.env("SLUICE_TOKEN", "sluice_environment")).ended(0);
    assert!(
        by_environment.stdout.starts_with("RESOURCE"),
        "{}",
        by_environment.stdout
    );
    assert_eq!(
        of_environment.requests()[0].header("authorization"),
        Some("Bearer sluice_environment")
    );

    let arguments = [
        "resource",
        "list",
        "--url",
        &of_flag.url,
        "--token",
        "sluice_flag",
        "--format",
        "json",
    ];
    let by_flag = ran(clean(&arguments)
        .env("SLUICE_CONFIG", &config)
        .env("SLUICE_URL", &of_environment.url)
        .env("SLUICE_TOKEN", "sluice_environment"));
    by_flag.ended(0).json();
    assert_eq!(
        of_flag.requests()[0].header("authorization"),
        Some("Bearer sluice_flag")
    );
    assert_eq!((of_file.requests().len(), of_environment.requests().len()), (1, 1));
}

#[test]
fn the_file_of_the_user_is_found_and_may_be_absent() {
    let collector = stocked();
    let scratch = Scratch::new();
    scratch.file(
        "sluice/config.toml",
        &format!("url = \"{}\"\nresource = \"sandbox/sb_1\"\n", collector.url),
    );
    let home = scratch.missing(".");
    ran(clean(&["rules"]).env("XDG_CONFIG_HOME", &home)).ended(0);
    assert_eq!(
        collector.lines(),
        ["GET /egress/allowlist?resource_type=sandbox&resource_id=sb_1"]
    );
    // The environment beats the file here too.
    ran(clean(&["rules"])
        .env("XDG_CONFIG_HOME", &home)
        .env("SLUICE_RESOURCE", "sandbox/x"))
    .ended(0);
    assert_eq!(
        collector.lines()[1],
        "GET /egress/allowlist?resource_type=sandbox&resource_id=x"
    );
}

#[test]
fn a_bad_file_is_refused_by_name_and_place() {
    let scratch = Scratch::new();
    for (text, parts) in [
        ("url = 7", &["config.toml", "url", "string"][..]),
        ("urll = \"x\"", &["config.toml", "urll", "token_file"]),
        ("url = \"127.0.0.1:8080\"", &["url", "127.0.0.1:8080", "http or https"]),
        ("format = \"yaml\"", &["format", "yaml", "table, json"]),
        ("token_file = \"missing\"", &["missing", "cannot be read"]),
        ("client_cert = \"a.pem\"", &["client_cert", "both or neither"]),
    ] {
        let config = scratch.file("config.toml", text);
        let ran = ran(clean(&["resource", "list"]).env("SLUICE_CONFIG", config)).ended(2);
        ran.complains_of(parts);
    }
    let missing = scratch.missing("none.toml");
    ran(clean(&["rules"]).env("SLUICE_CONFIG", &missing))
        .ended(2)
        .complains_of(&["none.toml", "cannot be read"]);
}

#[test]
fn nobody_answering_says_what_to_do() {
    // Nothing listens on port 1 of this machine.
    let gone = ran(clean(&["status"]).env("SLUICE_URL", "http://127.0.0.1:1")).ended(2);
    assert_eq!(gone.stdout, "");
    gone.complains_of(&[
        "http://127.0.0.1:1",
        "is the collector running",
        "sluice serve",
        "--url",
    ]);

    let other = Collector::new();
    other.answers("GET /egress/allowlist", vec![Answer::text(200, "<html>hello</html>")]);
    other
        .sluice(&["rules"])
        .ended(2)
        .complains_of(&["is not a collector's", "SLUICE_URL"]);
    let redirect = Answer::text(302, "").with("location", "http://127.0.0.1:1/elsewhere");
    other.answers("GET /egress/allowlist", vec![redirect]);
    other.sluice(&["rules"]).ended(2).complains_of(&["status 302"]);
}

#[test]
fn refusals_have_code_message_details_and_advice() {
    let collector = Collector::new();
    let details = json!([{"field": "host", "value": "\u{1b}[2J", "expected": "a host"}]);
    for (answer, parts) in [
        (
            Answer::error(422, "VALIDATION_FAILED", "host: no", details),
            &["VALIDATION_FAILED: host: no", "\\u001b[2J", "a host"][..],
        ),
        (
            Answer::error(401, "UNAUTHENTICATED", "not known", json!({})),
            &["not known", "SLUICE_TOKEN", "token_file"],
        ),
        (
            Answer::error(403, "FORBIDDEN", "may not", json!({})),
            &["may not", "sluice token create"],
        ),
        (
            Answer::error(500, "INTERNAL", "a defect", json!({})).with("x-request-id", "req-7"),
            &["INTERNAL: a defect", "req-7"],
        ),
    ] {
        collector.answers("GET /egress/allowlist", vec![answer]);
        let ran = collector.sluice(&["rules"]).ended(2);
        ran.complains_of(parts);
        assert!(
            ran.stdout.is_empty() && !ran.stderr.contains('\u{1b}'),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn being_asked_to_wait_is_no_refusal() {
    let collector = Collector::new();
    let wait = json!({"error": {"code": "RATE_LIMITED", "message": "later", "details": {}, "retryable": true, "retry_after_ms": 5}});
    let answers = vec![
        Answer::of(429, &wait),
        Answer::of(429, &wait),
        Answer::of(200, &json!({"data": []})),
    ];
    collector.answers("GET /egress/allowlist", answers);
    collector
        .sluice(&["rules"])
        .ended(0)
        .complains_of(&["RATE_LIMITED", "5ms"]);
    assert_eq!(collector.lines().len(), 3);

    collector.answers("GET /egress/allowlist", vec![Answer::of(429, &wait)]);
    collector
        .sluice(&["rules"])
        .ended(2)
        .complains_of(&["RATE_LIMITED: later"]);
    assert_eq!(collector.lines().len(), 8);
}

#[test]
fn bad_arguments_say_what_would_be_right() {
    let collector = Collector::new();
    for (arguments, parts) in [
        (&["rules", "--url", "127.0.0.1"][..], &["--url", "http or https"][..]),
        (&["rules", "--resource", "sandbox"], &["TYPE/ID"]),
        (&["rules", "--resource", "sandbox/.."], &["TYPE/ID"]),
        (
            &["rules", "--resource", "sandbox/a", "--tenant"],
            &["--tenant", "--resource"],
        ),
        (&["observe", "--tenant", "--for", "soon"], &["30s, 15m, 2h or 7d"]),
        (&["audit", "--since", "yesterday"], &["RFC 3339", "7d"]),
        (&["remove", "a/b"], &["an id"]),
        (
            &["allow", "a.example.com", "--tenant", "--expires", "soon"],
            &["RFC 3339"],
        ),
        (
            &["allow", "https://a.example.com", "--tenant"],
            &["https://a.example.com", "without scheme"],
        ),
        (&["observe"], &["--resource", "--tenant"]),
        (&["rules", "--client-cert", "x"], &["--client-key"]),
        (&["rules", "--ca", "/nonexistent"], &["/nonexistent", "cannot be read"]),
        (&["rules", "--token", "a b"], &["sluice token create"]),
        (&["audit", "--follow", "--format", "csv"], &["--follow", "jsonl"]),
        (&["simulate", "--tenant"], &["FILE"]),
        (&["token", "create", "x", "--role", "root"], &["viewer", "relay"]),
        (
            &["token", "create", "x", "--role", "filter", "--scope", "all"],
            &["TYPE/PREFIX*"],
        ),
    ] {
        let ran = collector.sluice(arguments).ended(2);
        ran.complains_of(parts);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(collector.lines(), Vec::<String>::new());
}
