//! What operators do with many sandboxes, on trial, and for a time.

use serde_json::json;
use sluice_tests::playbook::{Database, Playbook, Sandbox};
use sluice_tests::wait;

const SPAN: i64 = 3;

fn passes(sandbox: &Sandbox, url: &str) -> bool {
    sandbox.curl.get(url).http_code == 200
}

#[test]
fn a_host_on_trial_passes_with_a_warning() {
    let book = Playbook::start(Database::Sqlite);
    let sandbox = book.sandbox("sb_1");
    let rule = json!({"host": "new.example.com", "warn_only": true, "resource_type": "sandbox", "resource_id": "sb_1"});
    let made = book.api.post("/egress/allowlist", &rule).ok();
    book.does("sb_1", "lockdown", &json!({}));
    assert!(passes(&sandbox, &book.tls("new.example.com")));
    let row = wait::until("the warning in the audit trail", || {
        book.api.get("/egress/audit?action=warn").ok()["data"].get(0).cloned()
    });
    assert_eq!(
        (&row["rule_id"], &row["rule_host"]),
        (&made["data"]["id"], &json!("new.example.com")),
        "{row}"
    );
    assert_eq!(
        (&row["would_reject"], &row["policy_id"]),
        (&json!(false), &made["data"]["policy_id"])
    );
}

#[test]
fn what_expires_and_what_is_observed_for_a_time_ends_by_itself() {
    let book = Playbook::start(Database::Sqlite);
    let sandbox = book.sandbox("sb_1");
    let locked = book.does("sb_1", "lockdown", &json!({}));
    assert!(!passes(&sandbox, &book.plain("unlisted.example.com")));
    let observed = book.does("sb_1", "observe", &json!({"for": format!("{SPAN}s")}));
    assert_eq!(observed["mode"], "audit_only");
    assert!(passes(&sandbox, &book.plain("unlisted.example.com")));
    wait::until("it to lock again by itself", || {
        (book.policy("sb_1")["mode"] == "enforce").then_some(())
    });
    let again = book.policy("sb_1");
    assert!(again["revision"].as_i64() > locked["revision"].as_i64() && again["relock_at"].is_null());
    book.in_force("sb_1", again["revision"].as_i64().unwrap());
    assert!(!passes(&sandbox, &book.plain("unlisted.example.com")));
}

#[test]
fn one_policy_goes_to_many_sandboxes_and_to_what_is_made_of_a_template() {
    let book = Playbook::start(Database::Sqlite);
    let others: Vec<Sandbox> = ["sb_2", "sb_3"].map(|id| book.sandbox(id)).into();
    let first = book.sandbox("sb_1");
    let rule = json!({"host": "api.github.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    assert_eq!(book.api.post("/egress/allowlist", &rule).status, 201);
    let locked = book.does("sb_1", "lockdown", &json!({}));
    let cloned = book.api.post(
        &format!("/egress/policies/{}/clone", locked["id"].as_str().unwrap()),
        &json!({"targets": [{"glob": "sandbox/sb_?"}, {"resource_type": "template", "resource_id": "py"}]}),
    );
    let targets = cloned.data("targets");
    assert_eq!(targets.as_array().unwrap().len(), 3, "{targets}");
    for target in targets
        .as_array()
        .unwrap()
        .iter()
        .filter(|target| target["resource_type"] == "sandbox")
    {
        book.in_force(
            target["resource_id"].as_str().unwrap(),
            target["revision"].as_i64().unwrap(),
        );
    }
    for sandbox in others.iter().chain([&first]) {
        assert!(passes(sandbox, &book.plain("api.github.com")), "{}", sandbox.id);
        assert!(!passes(sandbox, &book.plain("unlisted.example.com")), "{}", sandbox.id);
    }

    // A sandbox that is registered with the template begins locked down.
    assert_eq!(
        book.api
            .put("/egress/resources/sandbox/sb_4", &json!({"template": "py"}))
            .status,
        201
    );
    let fourth = book.sandbox("sb_4");
    book.in_force("sb_4", book.policy("sb_4")["revision"].as_i64().unwrap());
    assert!(passes(&fourth, &book.plain("api.github.com")) && !passes(&fourth, &book.plain("unlisted.example.com")));

    // The tenant's rule reaches all of them.
    let tenant = json!({"host": "unlisted.example.com", "resource_type": "tenant"});
    assert_eq!(book.api.post("/egress/allowlist", &tenant).status, 201);
    for sandbox in others.iter().chain([&first, &fourth]) {
        wait::until("the tenant's rule to be in force", || {
            passes(sandbox, &book.plain("unlisted.example.com")).then_some(())
        });
    }
}
