//! What changes between two policies.

use serde_json::{Value, json};

use crate::run::{AT, Scratch, sluice};
use crate::schema;

/// Compares natively, which spares compiling the filter.
fn diff(from: &str, to: &str, more: &[&str]) -> crate::run::Ran {
    sluice(&[&["diff", "--native"], &arguments(from, to)[..], more].concat()).ended(0)
}

fn arguments<'a>(from: &'a str, to: &'a str) -> [&'a str; 8] {
    ["--from", from, "--to", to, "sandbox.har", "access.jsonl", "--at", AT]
}

/// Host, action before, action after, count.
fn changes(json: &Value) -> Vec<(String, String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = json["changes"].as_array().unwrap();
    list.iter()
        .map(|change| {
            let actions = (text(&change["from"]["action"]), text(&change["to"]["action"]));
            (
                text(&change["host"]),
                actions.0,
                actions.1,
                change["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn against_an_empty_policy_everything_changes() {
    let scratch = Scratch::new();
    let empty = scratch.file("empty.json", r#"{"mode": "enforce", "rules": []}"#);
    let json = diff("allow.json", &empty, &["--format", "json"]).json();
    schema::check_complete("diff", &json);
    let expected =
        json!({"destinations": 8, "changed_destinations": 7, "decisions": 11, "changed_decisions": 10, "skipped": 2});
    // What is no target is rejected by both.
    assert_eq!(json["summary"], expected);
    let mut hosts: Vec<String> = changes(&json).into_iter().map(|(host, ..)| host).collect();
    hosts.sort();
    assert_eq!(
        hosts,
        [
            "169.254.169.254",
            "2001:db8::1",
            "api.example.com",
            "cdn.example.net",
            "db.example.com",
            "docs.example.com",
            "trial.example.org"
        ]
    );
}

#[test]
fn the_same_policy_changes_nothing() {
    let ran = diff("enforce.json", "enforce.json", &[]);
    assert_eq!(ran.stdout, "0 of 8 destinations change, 0 of 11 decisions; skipped 2\n");
    ran.complains_of(&["2 entries were skipped"]);
    let json = diff("enforce.json", "enforce.json", &["--format", "json"]).json();
    assert_eq!(json["changes"], json!([]));
}

#[test]
fn a_change_of_mode_is_a_change_of_what_is_done() {
    let json = diff("audit.json", "enforce.json", &["--format", "json"]).json();
    schema::check_complete("diff", &json);
    let changes = changes(&json);
    assert_eq!(changes.len(), 5);
    assert!(
        changes.iter().all(|(_, from, to, _)| from == "allow" && to == "reject"),
        "{changes:?}"
    );
    assert!(changes.contains(&("cdn.example.net".to_owned(), "allow".to_owned(), "reject".to_owned(), 2)));
}

#[test]
fn requests_that_change_differently_are_told_apart() {
    let scratch = Scratch::new();
    let empty = scratch.file("empty.json", r#"{"mode": "enforce", "rules": []}"#);
    let more = ["--visibility", "terminated"];
    let json = diff("enforce.json", &empty, &[&more[..], &["--format", "json"]].concat()).json();
    schema::check_complete("diff", &json);
    let list = json["changes"].as_array().unwrap();
    let cdn = list.iter().find(|change| change["host"] == "cdn.example.net").unwrap();
    assert_eq!((&cdn["method"], &cdn["path"]), (&json!("GET"), &json!("/app.js")));
    let table = diff("enforce.json", &empty, &more).stdout;
    assert!(table.lines().next().unwrap().contains("REQUEST"), "{table}");
    assert!(table.contains("GET /app.js"), "{table}");
}

#[test]
fn the_table_shows_what_would_be_rejected_first() {
    let table = diff("allow.json", "enforce.json", &[]).stdout;
    let expected = "\
COUNT  HOST              PORT  FROM                     TO
    2  cdn.example.net    443  allow by default_effect  reject by default_deny
    1  169.254.169.254     80  allow by default_effect  reject by meta
    1  2001:db8::1       8443  allow by default_effect  reject by default_deny
    1  db.example.com    5432  allow by default_effect  reject by default_deny
    3  api.example.com    443  allow by default_effect  allow by api
    1  docs.example.com    80  allow by default_effect  allow by docs

6 of 8 destinations change, 9 of 11 decisions; skipped 2
";
    assert_eq!(table, expected);
}

#[test]
fn the_filter_and_the_native_code_differ_in_nothing() {
    let more = ["--format", "json", "--visibility", "terminated"];
    let arguments = arguments("audit.json", "enforce.json");
    let through_filter = sluice(&[&["diff"], &arguments[..], &more].concat()).ended(0);
    assert_eq!(through_filter.stdout, diff("audit.json", "enforce.json", &more).stdout);
}
