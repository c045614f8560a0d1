//! What is said against policies and plugin configurations.

use serde_json::{Value, json};

use crate::run::{Ran, Scratch, sluice};
use crate::schema;

/// Lints a text as a file of this name, in both formats, which must agree.
#[track_caller]
fn lint(scratch: &Scratch, text: &str, more: &[&str], code: i32) -> (Ran, Value) {
    let file = scratch.file("file.json", text);
    let arguments = [&["lint", file.as_str()], more].concat();
    let json = sluice(&[&arguments[..], &["--format", "json"]].concat())
        .ended(code)
        .json();
    schema::check_complete("lint", &json);
    let ran = sluice(&arguments).ended(code);
    assert_eq!(ran.stderr, "");
    for finding in json["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        assert!(ran.stdout.contains(message), "{message:?} is not in:\n{}", ran.stdout);
    }
    assert!(
        ran.stdout.lines().all(|line| line.contains("file.json: ")),
        "{}",
        ran.stdout
    );
    (ran, json)
}

/// Rule and kind of each finding.
fn kinds(json: &Value) -> Vec<(Option<&str>, &str)> {
    let list = json["findings"].as_array().unwrap();
    list.iter()
        .map(|finding| (finding["rule"].as_str(), finding["kind"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_clean_policy_has_no_findings() {
    let scratch = Scratch::new();
    let policy = r#"{"mode": "enforce", "rules": [{"id": "meta", "effect": "deny", "host": "169.254.169.254"}]}"#;
    let (ran, json) = lint(&scratch, policy, &[], 0);
    assert_eq!(json, json!({"summary": {"errors": 0, "warnings": 0}, "findings": []}));
    assert!(
        ran.stdout.ends_with("file.json: 0 errors, 0 warnings\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn errors_make_the_answer_no_and_warnings_do_not() {
    let scratch = Scratch::new();
    let wide = r#"{"rules": [{"id": "wide", "effect": "allow", "host": "*.co.uk"}]}"#;
    let (_, json) = lint(&scratch, wide, &[], 1);
    assert!(kinds(&json).contains(&(Some("wide"), "public_suffix")), "{json:#}");
    let over =
        r#"{"rules": [{"id": "old", "effect": "allow", "host": "192.0.2.1", "expires_at": "2020-01-01T00:00:00Z"}]}"#;
    let (_, json) = lint(&scratch, over, &[], 0);
    assert_eq!(kinds(&json), [(Some("old"), "expired")]);
    assert_eq!(json["summary"], json!({"errors": 0, "warnings": 1}));
}

#[test]
fn a_policy_that_does_not_load_is_an_error_with_every_problem() {
    let scratch = Scratch::new();
    let bad = r#"{"mode": "observe", "rules": [{"id": "a", "effect": "allow", "host": "a:1"}, {"effect": "deny"}]}"#;
    let (_, json) = lint(&scratch, bad, &[], 1);
    assert_eq!(
        kinds(&json),
        [
            (None, "invalid"),
            (Some("#1"), "invalid"),
            (Some("#1"), "invalid"),
            (Some("a"), "invalid")
        ]
    );
    for text in ["", "{", "[]", "nonsense"] {
        let (_, json) = lint(&scratch, text, &[], 1);
        assert_eq!(kinds(&json), [(None, "invalid")], "{text:?}");
    }
}

#[test]
fn a_plugin_configuration_is_read_by_the_filters_own_code() {
    let scratch = Scratch::new();
    let plugin = |text: &str, code| lint(&scratch, text, &["--plugin-config"], code).1;
    let clean = r#"{"resource": {"type": "sandbox", "id": "sb_1"}, "default_port": 80,
                    "policy": {"mode": "enforce", "rules": [{"id": "a", "effect": "allow", "host": "192.0.2.1"}]}}"#;
    assert_eq!(plugin(clean, 0)["findings"], json!([]));
    let live = r#"{"resource": {"type": "sandbox", "id_from": {"node_id": true}},
                   "policy_service": {"cluster": "sluice", "token_env": "TOKEN"}, "events": {"cluster": "sluice"}}"#;
    assert_eq!(plugin(live, 0)["findings"], json!([]));
    for (text, part) in [
        ("{", "EOF"),
        (r#"{"polcy": {}}"#, "polcy: unknown field"),
        (r#"{"default_port": 0}"#, "1 to 65535"),
        (r#"{"resource": {"type": "", "id": "x"}}"#, "a type such as"),
        (r#"{"policy_service": {"cluster": "sluice"}}"#, "asked for by resource"),
        // The configuration of a filter is no policy, nor the other way round.
        (r#"{"mode": "enforce", "rules": []}"#, "mode: unknown field"),
        // The filter takes no names outside ASCII; policy files may have them.
        (
            r#"{"policy": {"rules": [{"id": "b", "effect": "allow", "host": "bücher.example"}]}}"#,
            "ASCII form",
        ),
    ] {
        let json = plugin(text, 1);
        let (_, kind) = kinds(&json)[0];
        assert_eq!(kind, "invalid");
        let message = json["findings"][0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{text}: {part:?} is not in {message:?}");
    }
    let wide = r#"{"policy": {"rules": [{"id": "wide", "effect": "allow", "host": "*.co.uk"}]}}"#;
    assert!(kinds(&plugin(wide, 1)).contains(&(Some("wide"), "public_suffix")));
    let bad = r#"{"policy": {"rules": [{"id": "a", "effect": "allow", "host": "a:1"}, {"id": "b", "effect": "block", "host": "b"}]}}"#;
    assert_eq!(kinds(&plugin(bad, 1)).len(), 2);
    // Where names may lead at all.
    let inside = r#"{"resolves_to": ["10.0.0.0/8"]}"#;
    assert_eq!(plugin(inside, 0)["findings"], json!([]));
    let everywhere = r#"{"resolves_to": ["0.0.0.0/0"]}"#;
    assert_eq!(
        kinds(&plugin(everywhere, 1)),
        [(None, "resolves_to"), (None, "resolves_to")]
    );
    lint(&scratch, clean, &[], 1);
    lint(
        &scratch,
        "{\"rules\": [{\"id\": \"b\", \"effect\": \"allow\", \"host\": \"bücher.example\"}]}",
        &[],
        0,
    );
}
