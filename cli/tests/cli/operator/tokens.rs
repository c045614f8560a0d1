//! `token`, `resource register` and `operator-log`.

use serde_json::json;

use super::collector::{Answer, Collector};
use super::samples::{operation, stocked, token};
use crate::schema;

#[test]
fn a_new_token_is_printed_alone() {
    let collector = Collector::new();
    let mut made = token("tok_9");
    made["token"] = json!("sluice_abc");
    collector.answers("POST /tokens", vec![Answer::of(201, &json!({"data": made}))]);
    let ran = collector
        .sluice(&[
            "token",
            "create",
            "ci",
            "--role",
            "filter",
            "--scope",
            "sandbox/ci-*",
            "--expires",
            "2027-01-01T00:00:00Z",
        ])
        .ended(0);
    assert_eq!(ran.stdout, "sluice_abc\n");
    ran.complains_of(&["shown once", "tok_9"]);
    assert_eq!(
        collector.body("POST /tokens"),
        json!({"name": "ci", "role": "filter", "scope": "sandbox/ci-*", "expires_at": "2027-01-01T00:00:00.000000Z"})
    );
    let ran = collector
        .sluice(&["token", "create", "anna", "--role", "operator", "--format", "json"])
        .ended(0);
    schema::check_rows("token", &ran.json(), "token");
    assert_eq!(
        collector.body("POST /tokens"),
        json!({"name": "anna", "role": "operator", "scope": "tenant"})
    );
}

#[test]
fn tokens_are_listed_and_revoked() {
    let collector = stocked();
    let table = collector.sluice(&["token", "list"]).ended(0).stdout;
    assert!(
        table.contains("tok_1") && table.contains("anna") && table.contains("operator"),
        "{table}"
    );
    collector.answers("DELETE /tokens/tok_1", vec![Answer::text(204, "")]);
    let ran = collector
        .sluice(&["token", "revoke", "tok_1", "--format", "json"])
        .ended(0);
    schema::check_complete("revoked", &ran.json());
    collector
        .sluice(&["token", "revoke", "tok_2"])
        .ended(2)
        .complains_of(&["NOT_FOUND"]);
}

#[test]
fn a_resource_is_registered_with_what_is_given() {
    let collector = stocked();
    collector.sluice(&["resource", "register", "sandbox/sb_2"]).ended(0);
    assert_eq!(collector.body("PUT /egress/resources/sandbox/sb_2"), json!({}));
    let arguments = [
        "resource",
        "register",
        "sandbox/sb_2",
        "--template",
        "python",
        "--name",
        "build",
    ];
    let ran = collector
        .sluice(&[&arguments[..], &["--format", "json"]].concat())
        .ended(0);
    schema::check_rows("resource", &ran.json(), "template");
    assert_eq!(
        collector.body("PUT /egress/resources/sandbox/sb_2"),
        json!({"template": "python", "name": "build"})
    );
}

#[test]
fn the_log_is_cut_where_it_was_asked_to_be() {
    let collector = stocked();
    let mut recent = operation();
    recent["at"] = json!("2036-03-02T08:00:00.000001Z");
    recent["actor"] = json!("bob");
    collector.list("GET /operator-log", &[recent, operation()]);
    let all = collector.sluice(&["operator-log"]).ended(0).stdout;
    let place = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text}: {all}"));
    assert!(place("anna") < place("bob"), "{all}");
    let some = collector
        .sluice(&["operator-log", "--since", "24h", "--limit", "5000"])
        .ended(0)
        .stdout;
    assert!(some.contains("bob") && !some.contains("anna"), "{some}");
    assert_eq!(
        collector.lines(),
        ["GET /operator-log?limit=100", "GET /operator-log?limit=1000"]
    );
}
