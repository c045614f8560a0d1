//! From a recording to a policy under which it replays.

use serde_json::{Value, json};

use crate::run::{Scratch, sluice};
use crate::schema;

const RECORDINGS: [&str; 2] = ["sandbox.har", "access.jsonl"];

fn suggest(more: &[&str]) -> crate::run::Ran {
    sluice(&[&["suggest"], &RECORDINGS[..], more].concat()).ended(0)
}

#[test]
fn the_json_is_of_its_schema_and_counts_everything() {
    for visibility in ["proxy", "terminated"] {
        let ran = suggest(&["--format", "json", "--visibility", visibility]);
        let json = ran.json();
        schema::check_complete("suggest", &json);
        ran.complains_of(&["2 entries were skipped"]);
        let sum = |list: &Value| {
            list.as_array()
                .unwrap()
                .iter()
                .map(|one| one["request_count"].as_u64().unwrap())
                .sum::<u64>()
        };
        assert_eq!(sum(&json["suggestions"]) + sum(&json["left_out"]), 11);
        assert_eq!(
            json["left_out"],
            json!([{"target": "user@api.example.com", "request_count": 1, "reason": "invalid_target"}])
        );
    }
}

#[test]
fn methods_and_paths_are_suggested_for_what_is_in_clear() {
    let of = |visibility: &str, host: &str| {
        let json = suggest(&["--format", "json", "--visibility", visibility]).json();
        let list = json["suggestions"].as_array().unwrap();
        let about = |one: &&Value| one["members"].as_array().unwrap().contains(&json!(host));
        list.iter()
            .find(about)
            .unwrap_or_else(|| panic!("{host}: {json:#}"))
            .clone()
    };
    assert_eq!(of("proxy", "cdn.example.net")["methods"], json!([]));
    assert_eq!(of("terminated", "cdn.example.net")["methods"], json!(["GET"]));
    assert_eq!(of("proxy", "docs.example.com")["methods"], json!(["GET"]));
}

#[test]
fn the_policy_rejects_exactly_what_is_recommended_to_be_denied() {
    let scratch = Scratch::new();
    for visibility in ["proxy", "terminated"] {
        let ran = suggest(&["--format", "policy", "--visibility", visibility]);
        schema::check("policy", &ran.json());
        ran.complains_of(&["user@api.example.com", "no rule is suggested"]);
        let policy = scratch.file("policy.json", &ran.stdout);
        let denied: Vec<Value> = {
            let json = suggest(&["--format", "json", "--visibility", visibility]).json();
            let list = json["suggestions"].as_array().unwrap();
            list.iter()
                .filter(|one| one["recommendation"] == "deny")
                .map(|one| one["host"].clone())
                .collect()
        };
        assert_eq!(denied, [json!("169.254.169.254")]);

        let fixed = ["--policy", &policy, "--format", "json", "--visibility", visibility];
        let replayed = sluice(&[&["replay", "--native"], &RECORDINGS[..], &fixed[..]].concat())
            .ended(0)
            .json();
        let decisions = replayed["decisions"].as_array().unwrap();
        let rejected: Vec<(&Value, &Value)> = decisions
            .iter()
            .filter(|one| one["action"] == "reject")
            .map(|one| (&one["host"], &one["rejected_by"]))
            .collect();
        let metadata = (&json!("169.254.169.254"), &json!("169.254.169.254"));
        assert_eq!(rejected, [metadata, (&Value::Null, &json!("invalid_authority"))]);
        sluice(&["lint", &policy]).ended(0);
    }
}

#[test]
fn the_table_has_a_part_for_each_recommendation() {
    let ran = suggest(&[]);
    assert_eq!(ran.stderr, "");
    let at = |text: &str| {
        ran.stdout
            .find(text)
            .unwrap_or_else(|| panic!("{text:?} is not in:\n{}", ran.stdout))
    };
    let order = [
        at("deny\n\n"),
        at("169.254.169.254"),
        at("question: allowed until you have found out\n\n"),
        at("cdn.example.net"),
        at("no suggestion for:\n  \"user@api.example.com\", 1 time"),
        at("skipped:\n"),
    ];
    assert!(order.is_sorted(), "{}", ran.stdout);
    at("HOST");
    at("credentials");
}

#[test]
fn a_catalogue_adds_what_only_its_author_knows() {
    let scratch = Scratch::new();
    let of = |more: &[&str]| {
        let json = suggest(&[&["--format", "json"], more].concat()).json();
        let list = json["suggestions"].as_array().unwrap();
        let cdn = list.iter().find(|one| one["host"] == "cdn.example.net").unwrap();
        (cdn["class"].clone(), cdn["recommendation"].clone())
    };
    let ours = scratch.file(
        "ours.json",
        r#"{"entries": [{"name": "Our files", "class": "package_files", "patterns": ["cdn.example.net"]}]}"#,
    );
    assert_eq!(of(&[]), (json!("unknown"), json!("question")));
    assert_eq!(of(&["--catalogue", &ours]), (json!("package_files"), json!("keep")));

    for (text, parts) in [
        ("{", &["ours.json", "EOF"][..]),
        (r#"{"entires": []}"#, &["ours.json", "entires"]),
        (
            r#"{"entries": [{"name": "Ours", "class": "cdn", "patterns": ["https://x"]}]}"#,
            &["Ours", "https://x", "scheme"],
        ),
    ] {
        let file = scratch.file("ours.json", text);
        let ran = sluice(&["suggest", "sandbox.har", "--catalogue", &file]).ended(2);
        assert_eq!(ran.stdout, "");
        ran.complains_of(parts);
    }
}
