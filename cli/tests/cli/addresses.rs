//! Recordings that say where names led.

use serde_json::{Value, json};

use crate::run::{Scratch, sluice};
use crate::schema;

/// A host inside, one outside, and a name that leads to cloud metadata; a connection to the first as well.
const LOG: &str = r#"{"authority":"db.example.com:5432","method":"CONNECT","resolved_address":"10.2.3.4:5432","verdict":"{}"}
{"authority":"api.example.com:443","method":"CONNECT","resolved_address":"203.0.113.1:443","verdict":"{}"}
{"authority":"odd.example.com:80","method":"GET","path":"/","resolved_address":"169.254.169.254:80","verdict":"{}"}
{"requested_server_name":"db.example.com","method":null,"upstream_host":"10.2.3.4:443","verdict":"{\"port\":443}"}
"#;

const BY_NAME: &str = r#"{"mode": "enforce", "rules": [
    {"id": "all", "effect": "allow", "host": "*.example.com"}]}"#;

fn rejected(replayed: &Value) -> Vec<(&str, &str)> {
    let decisions = replayed["decisions"].as_array().unwrap();
    let rejected = decisions.iter().filter(|one| one["action"] == "reject");
    rejected
        .map(|one| (one["host"].as_str().unwrap(), one["rejected_by"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_replay_foresees_what_addresses_are_rejected() {
    let scratch = Scratch::new();
    let (log, policy) = (scratch.file("access.log", LOG), scratch.file("policy.json", BY_NAME));
    for engine in [&[][..], &["--native"]] {
        let replay = |more: &[&str]| {
            let fixed = ["replay", &log, "--policy", &policy, "--format", "json"];
            sluice(&[&fixed[..], engine, more].concat()).ended(0).json()
        };
        let private = |host| (host, "private_address");
        assert_eq!(
            rejected(&replay(&[])),
            [
                private("db.example.com"),
                private("odd.example.com"),
                private("db.example.com")
            ],
            "{engine:?}"
        );
        // Where the configuration of the filter lets any name lead there.
        let expected = replay(&["--resolves-to", "10.0.0.0/8"]);
        assert_eq!(rejected(&expected), [private("odd.example.com")], "{engine:?}");
    }
    let ran = sluice(&["replay", &log, "--policy", &policy, "--resolves-to", "10.0.0.1/8"]);
    ran.ended(2).complains_of(&["--resolves-to", "10.0.0.0/8"]);
}

#[test]
fn a_diff_shows_what_a_rule_permits_less() {
    let scratch = Scratch::new();
    let log = scratch.file("access.log", LOG);
    let to = scratch.file("to.json", BY_NAME);
    let from = BY_NAME.replace(
        "\"*.example.com\"",
        "\"*.example.com\", \"resolves_to\": [\"10.2.3.4/32\"]",
    );
    let from = scratch.file("from.json", &from);
    let diff = sluice(&["diff", "--from", &from, "--to", &to, &log, "--format", "json"])
        .ended(0)
        .json();
    let changes: Vec<(&Value, &Value)> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (&change["host"], &change["to"]["rejected_by"]))
        .collect();
    let private = (&json!("db.example.com"), &json!("private_address"));
    assert_eq!(changes, [private, private]);
}

#[test]
fn suggestions_permit_where_names_led_but_not_metadata() {
    let scratch = Scratch::new();
    let log = scratch.file("access.log", LOG);
    let suggest = |more: &[&str]| sluice(&[&["suggest", &log][..], more].concat()).ended(0);
    let json = suggest(&["--format", "json"]).json();
    schema::check_complete("suggest", &json);
    let find = |json: &Value, host: &str| {
        let list = json["suggestions"].as_array().unwrap();
        list.iter().find(|one| one["host"] == host).unwrap().clone()
    };
    let db = find(&json, "db.example.com");
    assert_eq!(
        (&db["recommendation"], &db["resolves_to"]),
        (&json!("question"), &json!(["10.2.3.4/32"]))
    );
    assert_eq!(find(&json, "odd.example.com")["recommendation"], "deny");
    let expected = suggest(&["--format", "json", "--resolves-to", "10.2.0.0/16"]).json();
    assert_eq!(find(&expected, "db.example.com")["resolves_to"], json!([]));
    let table = suggest(&[]);
    assert!(
        table
            .stdout
            .contains("This name leads to 10.2.3.4, which is not public"),
        "{}",
        table.stdout
    );
    assert!(table.stdout.contains("Resolves to: 10.2.3.4/32."), "{}", table.stdout);

    let policy = suggest(&["--format", "policy"]);
    schema::check("policy", &policy.json());
    let policy = scratch.file("policy.json", &policy.stdout);
    let replayed = sluice(&["replay", &log, "--policy", &policy, "--format", "json"])
        .ended(0)
        .json();
    assert_eq!(rejected(&replayed), [("odd.example.com", "odd.example.com")]);
}
