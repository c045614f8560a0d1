//! What a replay decides, and when it says no.

use serde_json::{Value, json};

use crate::run::{AT, Ran, Scratch, sluice};

/// Replays the recordings under a policy, natively, and ends so: where the
/// engine is not the question, compiling the filter is spared.
#[track_caller]
fn replay(policy: &str, more: &[&str], code: i32) -> Ran {
    replay_by_default(policy, &[&["--native"], more].concat(), code)
}

/// The same through the filter.
#[track_caller]
fn replay_by_default(policy: &str, more: &[&str], code: i32) -> Ran {
    let fixed = ["replay", "sandbox.har", "access.jsonl", "--policy", policy, "--at", AT];
    sluice(&[&fixed, more].concat()).ended(code)
}

fn decision(source: &str, host: Option<&str>, port: Option<u16>) -> Value {
    json!({
        "source": source, "host": host, "port": port, "method": null, "path": null, "sni": null, "action": "allow",
        "would_reject": false, "rule_id": null, "rejected_by": null, "nearest": null, "raw": null, "count": 1
    })
}

fn with(mut decision: Value, members: Value) -> Value {
    let members = members.as_object().unwrap().clone();
    decision.as_object_mut().unwrap().extend(members);
    decision
}

/// What `enforce.json` says of the recordings, worked out by hand.
fn expected() -> Value {
    let reject = |by: &str| json!({"action": "reject", "would_reject": true, "rejected_by": by});
    let by_app = json!({"nearest": {"rule_id": "app", "why": "opaque"}});
    let cdn = |source| {
        with(
            with(
                decision(source, Some("cdn.example.net"), Some(443)),
                reject("default_deny"),
            ),
            by_app.clone(),
        )
    };
    let api = |source| {
        with(
            decision(source, Some("api.example.com"), Some(443)),
            json!({"rule_id": "api"}),
        )
    };
    json!({
        "summary": {"total": 11, "allow": 4, "warn": 1, "reject": 6, "would_reject": 6, "skipped": 2},
        "decisions": [
            api("sandbox.har#0"),
            api("sandbox.har#1"),
            with(
                decision("sandbox.har#2", Some("docs.example.com"), Some(80)),
                json!({"method": "GET", "path": "/start", "rule_id": "docs"})
            ),
            cdn("sandbox.har#3"),
            cdn("sandbox.har#4"),
            with(
                decision("sandbox.har#5", Some("trial.example.org"), Some(8443)),
                json!({"action": "warn", "rule_id": "trial"})
            ),
            with(
                with(decision("sandbox.har#6", Some("169.254.169.254"), Some(80)), reject("meta")),
                json!({"method": "GET", "path": "/latest/meta-data/", "rule_id": "meta"})
            ),
            with(decision("sandbox.har#7", Some("2001:db8::1"), Some(8443)), reject("default_deny")),
            api("access.jsonl:1"),
            with(
                with(decision("access.jsonl:2", None, None), reject("invalid_authority")),
                json!({"method": "GET", "path": "/", "raw": "user@api.example.com"})
            ),
            with(
                with(decision("access.jsonl:3", Some("db.example.com"), Some(5432)), reject("default_deny")),
                json!({"sni": "db.example.com"})
            ),
        ]
    })
}

#[test]
fn every_decision_is_as_worked_out_by_hand() {
    let ran = replay_by_default("enforce.json", &["--format", "json"], 0);
    assert_eq!(ran.json(), expected());
    ran.complains_of(&["2 entries were skipped", "sandbox.har#8", "access.jsonl:4"]);
}

#[test]
fn the_filter_and_the_native_code_print_the_same() {
    for policy in ["enforce.json", "audit.json"] {
        for visibility in ["proxy", "terminated"] {
            let more = ["--format", "json", "--visibility", visibility];
            let through_filter = replay_by_default(policy, &more, 0);
            let native = replay(policy, &more, 0);
            assert_eq!(through_filter.stdout, native.stdout, "{policy} {visibility}");
        }
    }
}

#[test]
fn audit_only_passes_everything_and_says_what_it_would_reject() {
    let mut audited = expected();
    audited["summary"]["allow"] = 10.into();
    audited["summary"]["reject"] = 0.into();
    for decision in audited["decisions"].as_array_mut().unwrap() {
        if decision["action"] == "reject" {
            decision["action"] = "allow".into();
        }
    }
    assert_eq!(replay("audit.json", &["--format", "json"], 0).json(), audited);
}

#[test]
fn a_filter_of_ones_own_can_be_given() {
    let scratch = Scratch::new();
    let text = scratch.file("filter.wasm", "not a module");
    let ran = replay_by_default("enforce.json", &["--wasm", &text], 2);
    assert_eq!(ran.stdout, "");
    ran.complains_of(&["not a proxy-wasm 0.2 plugin"]);
}

#[test]
fn fail_on_names_what_makes_the_answer_no() {
    for (policy, fail_on, code, said) in [
        ("enforce.json", "none", 0, ""),
        ("enforce.json", "reject", 1, "--fail-on reject: 6 of 11 decisions"),
        ("enforce.json", "warn", 1, "--fail-on warn: 7 of 11 decisions"),
        // Nothing is rejected in audit_only; what would be counts.
        ("audit.json", "reject", 1, "--fail-on reject: 6 of 11 decisions"),
    ] {
        let ran = replay(policy, &["--fail-on", fail_on], code);
        ran.complains_of(&[said]);
        assert_eq!(
            ran.stderr.is_empty(),
            said.is_empty(),
            "{policy} {fail_on}: {}",
            ran.stderr
        );
        assert!(
            ran.stdout.contains("total 11"),
            "the result is there whatever the answer"
        );
    }
    let only_warned = [
        "replay",
        "--native",
        "sandbox.har",
        "--policy",
        "allow.json",
        "--at",
        AT,
    ];
    let with_fail_on = |fail_on| sluice(&[&only_warned[..], &["--fail-on", fail_on]].concat());
    with_fail_on("reject").ended(0);
    with_fail_on("warn").ended(1).complains_of(&["1 of 8 decisions"]);
}

#[test]
fn expectations_are_met_or_listed() {
    let scratch = Scratch::new();
    let met = scratch.file(
        "met.json",
        r#"{"expect": [{"host": "api.example.com", "action": "allow", "rule_id": "api", "count": 3},
                       {"source": "access.jsonl:2", "rejected_by": "invalid_authority"},
                       {"host": "evil.example.com", "count": 0}]}"#,
    );
    assert_eq!(replay("enforce.json", &["--expect", &met], 0).stderr, "");
    let unmet = scratch.file(
        "unmet.json",
        r#"{"expect": [{"host": "api.example.com", "action": "allow"},
                       {"host": "cdn.example.net", "action": "allow"},
                       {"host": "elsewhere.example.com", "action": "reject"}]}"#,
    );
    let ran = replay("enforce.json", &["--expect", &unmet], 1);
    ran.complains_of(&[
        "--expect: not met, of 3 expectations:",
        "expectation 1: does not hold for 2 entries",
        "sandbox.har#3: cdn.example.net:443 reject, rejected by default_deny",
        "expectation 2: no decision is selected by it",
    ]);
    assert!(!ran.stderr.contains("expectation 0"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("total 11"),
        "the result is there whatever the answer"
    );
}

#[test]
fn expectations_that_expect_nothing_are_refused() {
    let scratch = Scratch::new();
    for (text, part) in [
        ("", "EOF"),
        (r#"{"expect": []}"#, "expects nothing"),
        (r#"{"expect": [{"host": "api.example.com"}]}"#, "says nothing"),
        (r#"{"expect": [{"hots": "api.example.com", "count": 1}]}"#, "hots"),
    ] {
        let file = scratch.file("expect.json", text);
        let ran = replay("enforce.json", &["--expect", &file], 2);
        assert_eq!(ran.stdout, "");
        ran.complains_of(&["expect.json", part]);
    }
}

#[test]
fn visibility_decides_what_rules_can_look_at() {
    let json = replay("enforce.json", &["--format", "json", "--visibility", "terminated"], 0).json();
    let cdn: Vec<_> = json["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["host"] == "cdn.example.net")
        .collect();
    let said = |one: &Value| {
        (
            one["path"].clone(),
            one["action"].clone(),
            one["nearest"]["why"].clone(),
        )
    };
    assert_eq!(said(cdn[0]), (json!("/app.js"), json!("allow"), Value::Null));
    assert_eq!(said(cdn[1]), (json!("/app.css"), json!("reject"), json!("path")));
    let chat = &json["decisions"][1];
    assert_eq!(
        (&chat["method"], &chat["path"]),
        (&json!("POST"), &json!("/v1/chat")),
        "never the query"
    );
}

#[test]
fn time_ends_rules() {
    let action = |at: &str| {
        let arguments = [
            "replay",
            "--native",
            "sandbox.har",
            "--policy",
            "enforce.json",
            "--format",
            "json",
            "--at",
            at,
        ];
        let trial = sluice(&arguments).ended(0).json()["decisions"][5].clone();
        (trial["action"].clone(), trial["nearest"]["why"].clone())
    };
    assert_eq!(action("2026-05-31T23:59:59Z"), (json!("warn"), Value::Null));
    assert_eq!(action("2026-06-01T00:00:00Z"), (json!("reject"), json!("expired")));
    assert_eq!(action("recorded"), (json!("warn"), Value::Null));
}

#[test]
fn what_has_no_time_is_not_decided_as_recorded() {
    let scratch = Scratch::new();
    let line = r#"{"authority": "api.example.com:443", "method": "CONNECT"}"#;
    let log = scratch.file("log.jsonl", line);
    let ran = sluice(&[
        "replay",
        "--native",
        &log,
        "--policy",
        "enforce.json",
        "--at",
        "recorded",
        "--format",
        "json",
    ])
    .ended(0);
    assert_eq!(ran.json()["summary"]["skipped"], 1);
    ran.complains_of(&["log.jsonl:1: no time was recorded", "nothing was decided"]);
}

/// The filter has no tables for such names; what it gets has been converted.
#[test]
fn internationalised_patterns_reach_the_filter_in_ascii() {
    let scratch = Scratch::new();
    let policy = scratch.file(
        "policy.json",
        r#"{"mode": "enforce", "rules": [{"id": "b", "effect": "allow", "host": "*.Bücher.example"}]}"#,
    );
    let log = scratch.file(
        "log.jsonl",
        r#"{"authority": "www.xn--bcher-kva.example:443", "method": "CONNECT"}"#,
    );
    for engine in [&[][..], &["--native"]] {
        let arguments = [&["replay", &log, "--policy", &policy, "--format", "json"], engine].concat();
        assert_eq!(sluice(&arguments).ended(0).json()["decisions"][0]["rule_id"], "b");
    }
}

#[test]
fn the_resource_is_part_of_the_configuration_and_of_no_decision() {
    let plain = replay("enforce.json", &["--format", "json"], 0);
    let named = replay_by_default("enforce.json", &["--format", "json", "--resource", "sandbox/sb_1"], 0);
    assert_eq!(plain.stdout, named.stdout);
}

/// More entries than one VM takes at a time, so that there is work for several.
#[test]
fn several_vms_decide_as_one_does() {
    let scratch = Scratch::new();
    let line = |number: usize| match number % 3 {
        0 => format!("{{\"authority\": \"h{number}.example.com:443\", \"method\": \"CONNECT\"}}\n"),
        1 => "{\"authority\": \"docs.example.com\", \"method\": \"GET\", \"path\": \"/start\"}\n".to_owned(),
        _ => "{\"authority\": \"api.example.com:443\", \"method\": \"CONNECT\"}\n".to_owned(),
    };
    let log = scratch.file("log.jsonl", &(0..2000).map(line).collect::<String>());
    let replayed = |vms| {
        let arguments = [
            "replay",
            &log,
            "--policy",
            "enforce.json",
            "--format",
            "json",
            "--at",
            AT,
            "--vms",
            vms,
        ];
        sluice(&arguments).ended(0)
    };
    let one = replayed("1");
    let summary = json!({"total": 2000, "allow": 1333, "warn": 0, "reject": 667, "would_reject": 667, "skipped": 0});
    assert_eq!(one.json()["summary"], summary);
    assert_eq!(one.stdout, replayed("4").stdout);
}
