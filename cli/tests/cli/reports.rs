//! The table, the JUnit XML and the JSON of a replay.

use quick_junit::{Report, TestCaseStatus};

use crate::run::{AT, Scratch, sluice};
use crate::schema;

/// Replays natively, which spares compiling the filter and reports the same.
fn replay(more: &[&str]) -> crate::run::Ran {
    sluice(&[&["replay", "--native", "sandbox.har", "access.jsonl", "--at", AT], more].concat())
}

#[test]
fn the_json_is_of_its_schema() {
    for policy in ["enforce.json", "audit.json", "allow.json"] {
        for visibility in ["proxy", "terminated"] {
            let ran = replay(&["--policy", policy, "--visibility", visibility, "--format", "json"]).ended(0);
            schema::check_complete("replay", &ran.json());
        }
    }
}

#[test]
fn the_table_has_rejections_first_and_sums_last() {
    let expected = r#"ACTION  COUNT  HOST                    PORT  BY                 NEAREST RULE
reject      2  cdn.example.net          443  default_deny       app (opaque)
reject      1  "user@api.example.com"        invalid_authority
reject      1  169.254.169.254           80  meta
reject      1  2001:db8::1             8443  default_deny
reject      1  db.example.com          5432  default_deny
warn        1  trial.example.org       8443  trial
allow       3  api.example.com          443  api
allow       1  docs.example.com          80  docs

total 11: allow 4, warn 1, reject 6; would_reject 6; skipped 2

skipped:
  sandbox.har#8: no traffic for a proxy: the URL's scheme is about, expected http, https, ws or wss
  access.jsonl:4: not a readable JSON line: expected ident at line 1 column 2
"#;
    let ran = replay(&["--policy", "enforce.json"]).ended(0);
    assert_eq!(ran.stdout, expected);
    assert_eq!(ran.stderr, "", "no progress where nobody looks");
}

#[test]
fn what_audit_only_would_reject_is_said_in_the_table() {
    let table = replay(&["--policy", "audit.json"]).ended(0).stdout;
    assert_eq!(
        table
            .lines()
            .filter(|line| line.starts_with("allow, would reject"))
            .count(),
        5
    );
    assert!(
        table.contains("total 11: allow 10, warn 1, reject 0; would_reject 6; skipped 2"),
        "{table}"
    );
}

#[test]
fn hostile_bytes_reach_neither_terminal_nor_xml() {
    let scratch = Scratch::new();
    let log = scratch.file(
        "log.jsonl",
        r#"{"authority": "a\u001b[2J\u009b\u202e<x>&\"", "method": "GET", "path": "/\u001b]0;x\u0007"}"#,
    );
    for format in ["table", "junit"] {
        let ran = sluice(&[
            "replay",
            "--native",
            &log,
            "--policy",
            "enforce.json",
            "--format",
            format,
        ])
        .ended(0);
        let harmless = |character: char| character == '\n' || character == '×' || (' '..='~').contains(&character);
        assert!(ran.stdout.chars().all(harmless), "{:?}", ran.stdout);
        assert!(ran.stdout.contains(r"a\x1b[2J\xc2\x9b"), "{}", ran.stdout);
    }
}

fn junit(more: &[&str], code: i32) -> Report {
    let ran = replay(&[&["--format", "junit"], more].concat()).ended(code);
    Report::deserialize_from_str(&ran.stdout).unwrap()
}

/// The names of a suite's test cases, and of those that failed.
fn cases<'a>(report: &'a Report, suite: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let suite = report
        .test_suites
        .iter()
        .find(|one| one.name.as_str() == suite)
        .unwrap();
    let failed = suite
        .test_cases
        .iter()
        .filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. }));
    let names = |case: &'a quick_junit::TestCase| case.name.as_str();
    (
        suite.test_cases.iter().map(names).collect(),
        failed.map(names).collect(),
    )
}

#[test]
fn junit_has_a_case_for_each_destination() {
    let rejected = [
        "\"user@api.example.com\"",
        "169.254.169.254:80",
        "[2001:db8::1]:8443",
        "cdn.example.net:443",
        "db.example.com:5432",
    ];
    let passed = ["api.example.com:443", "docs.example.com:80"];
    for policy in ["enforce.json", "audit.json"] {
        for (fail_on, code, failed) in [
            ("none", 0, Vec::new()),
            ("reject", 1, rejected.to_vec()),
            ("warn", 1, [&rejected[..], &["trial.example.org:8443"]].concat()),
        ] {
            let report = junit(&["--policy", policy, "--fail-on", fail_on], code);
            let (names, failures) = cases(&report, "destinations");
            assert_eq!(failures, failed, "{policy} {fail_on}");
            assert_eq!(names.len(), rejected.len() + passed.len() + 1);
            assert_eq!(report.failures, failed.len());
            assert_eq!(report.skipped, 2);
        }
    }
    let report = junit(&["--policy", "enforce.json", "--fail-on", "reject"], 1);
    let suite = &report.test_suites[0];
    let cdn = suite
        .test_cases
        .iter()
        .find(|case| case.name.as_str() == "cdn.example.net:443")
        .unwrap();
    let TestCaseStatus::NonSuccess {
        message, description, ..
    } = &cdn.status
    else {
        panic!("it failed: {cdn:?}");
    };
    assert_eq!(message.as_ref().unwrap().as_str(), "reject by default_deny");
    assert_eq!(
        description.as_ref().unwrap().as_str().trim(),
        "2 × reject by default_deny, nearest rule app (opaque): sandbox.har#3, sandbox.har#4"
    );
}

#[test]
fn junit_has_a_case_for_each_expectation() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "expect.json",
        r#"{"expect": [{"host": "api.example.com", "action": "allow"}, {"host": "cdn.example.net", "action": "allow"}]}"#,
    );
    let report = junit(&["--policy", "enforce.json", "--expect", &file], 1);
    let (names, failures) = cases(&report, "expectations");
    assert_eq!(
        (names, failures),
        (vec!["expectation 0", "expectation 1"], vec!["expectation 1"])
    );
}
