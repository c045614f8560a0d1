//! `allow`, `deny` and `remove`.

use serde_json::{Value, json};

use super::collector::{Answer, Collector};
use super::samples::{rule, stocked};
use crate::schema;

fn created(host: &str) -> Answer {
    Answer::of(201, &json!({"data": rule("rul_9", host)}))
}

#[test]
fn a_rule_is_what_the_arguments_say() {
    let collector = Collector::new();
    collector.answers("POST /egress/allowlist", vec![created("git.example.com")]);
    collector
        .sluice(&[
            "allow",
            "git.example.com",
            "--port",
            "443",
            "--port",
            "8443",
            "--method",
            "GET",
            "--path",
            "/repos/**",
            "--warn-only",
            "--expires",
            "2027-01-01T01:00:00+01:00",
            "--note",
            "why",
            "--resource",
            "sandbox/sb_1",
        ])
        .ended(0);
    assert_eq!(
        collector.body("POST /egress/allowlist"),
        json!({"resource_type": "sandbox", "resource_id": "sb_1", "host": "git.example.com", "effect": "allow",
               "ports": [443, 8443], "methods": ["GET"], "path_glob": "/repos/**", "warn_only": true,
               "expires_at": "2027-01-01T00:00:00.000000Z", "note": "why"})
    );
    let inside = [
        "db.example.com",
        "--resolves-to",
        "10.2.0.0/16",
        "--resolves-to",
        "fd00::/64",
        "--tenant",
    ];
    collector.sluice(&[&["allow"][..], &inside].concat()).ended(0);
    assert_eq!(
        collector.body("POST /egress/allowlist"),
        json!({"resource_type": "tenant", "host": "db.example.com", "effect": "allow", "ports": [], "methods": [],
               "resolves_to": ["10.2.0.0/16", "fd00::/64"]})
    );
    let deny =
        json!({"resource_type": "tenant", "host": "169.254.169.254", "effect": "deny", "ports": [], "methods": []});
    collector.sluice(&["deny", "169.254.169.254", "--tenant"]).ended(0);
    assert_eq!(collector.body("POST /egress/allowlist"), deny);
    collector
        .sluice(&["allow", "169.254.169.254", "--effect", "deny", "--tenant"])
        .ended(0);
    assert_eq!(collector.body("POST /egress/allowlist"), deny);
    collector
        .sluice(&["allow", "a.example.com", "--for", "2h", "--tenant"])
        .ended(0);
    let expires = collector.body("POST /egress/allowlist")["expires_at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(expires.ends_with('Z') && expires.len() == 27, "{expires}");
}

#[test]
fn each_host_goes_to_each_resource_and_each_result_is_told() {
    let collector = stocked();
    let shadowed = Answer::error(
        409,
        "SHADOWED_BY_DENY",
        "rule rul_2 denies it",
        json!({"rule_id": "rul_2"}),
    );
    let exists = Answer::of(200, &json!({"data": rule("rul_1", "a.example.com")}));
    collector.answers(
        "POST /egress/allowlist",
        vec![created("a.example.com"), shadowed, exists],
    );
    let ran = collector
        .sluice(&[
            "allow",
            "a.example.com",
            "b.example.com",
            "--resource",
            "sandbox/*",
            "--format",
            "json",
        ])
        .ended(1);
    let document = ran.json();
    schema::valid("added", &document);
    let results = document["data"]["results"].as_array().unwrap();
    let told: Vec<String> = results
        .iter()
        .map(|row| format!("{} {} {}", row["resource_id"], row["host"], row["status"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "sb_1 a.example.com created",
            "sb_1 b.example.com failed",
            "ci-1 a.example.com exists",
            "ci-1 b.example.com exists"
        ]
    );
    assert_eq!(results[1]["error"]["code"], "SHADOWED_BY_DENY");
    // Of one rule, a refusal is the command's own.
    let refused = Answer::error(403, "FORBIDDEN", "may not", json!({}));
    collector.answers("POST /egress/allowlist", vec![refused]);
    collector
        .sluice(&["allow", "a.example.com", "--tenant"])
        .ended(2)
        .complains_of(&["FORBIDDEN: may not"]);
}

#[test]
fn patterns_of_resources_are_matched_on_what_the_collector_knows() {
    let collector = stocked();
    collector.answers("POST /egress/allowlist", vec![created("a.example.com")]);
    let arguments = [
        "allow",
        "a.example.com",
        "--resource",
        "*/?i-*",
        "--resource",
        "computer/*",
        "--resource",
        "sandbox/new",
    ];
    collector.sluice(&arguments).ended(0);
    let bodies: Vec<Value> = collector
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.body["resource_id"].clone())
        .collect();
    assert_eq!(bodies, ["ci-1", "c_1", "new"]);
    let before = collector.lines().len();
    collector
        .sluice(&["allow", "a.example.com", "--resource", "sandbox/x*"])
        .ended(2)
        .complains_of(&["sandbox/x*", "no such resource", "sandbox/sb_1"]);
    assert_eq!(collector.lines().len(), before + 1);
}

#[test]
fn removing_names_what_never_was() {
    let collector = Collector::new();
    collector.answers("DELETE /egress/allowlist/rul_1", vec![Answer::text(204, "")]);
    let ran = collector.sluice(&["remove", "rul_1"]).ended(0);
    assert_eq!(ran.stdout, "removed 1 of 1 rule\n");
    collector
        .sluice(&["remove", "rul_2"])
        .ended(2)
        .complains_of(&["NOT_FOUND"]);
    let ran = collector
        .sluice(&["remove", "rul_2", "rul_1", "--format", "json"])
        .ended(1);
    schema::valid("removed", &ran.json());
    assert_eq!(ran.json()["data"]["results"][1]["status"], "removed");
    ran.complains_of(&["rul_2: NOT_FOUND"]);
}
