//! From a new sandbox to one that is locked down.

use serde_json::{Value, json};
use sluice_tests::playbook::{Database, Playbook};
use sluice_tests::wait;

fn observe_review_lock_down_operate(database: Database) {
    let book = Playbook::start(database);
    let sandbox = book.sandbox("sb_1");

    // Observe: a new sandbox is watched and nothing is blocked.
    for _ in 0..3 {
        assert_eq!(sandbox.curl.get(&book.plain("api.github.com")).http_code, 200);
        assert_eq!(sandbox.curl.get(&book.tls("api.openai.com")).http_code, 200);
    }
    assert_eq!(sandbox.curl.get(&book.tls("unlisted.example.com")).http_code, 200);
    let rows = wait::until("seven rows of audit", || {
        let answer = book
            .api
            .get("/egress/audit?resource_type=sandbox&resource_id=sb_1")
            .ok();
        (answer["data"].as_array()?.len() == 7).then(|| answer["data"].clone())
    });
    for row in rows.as_array().unwrap() {
        assert_eq!(
            (&row["action"], &row["would_reject"], &row["mode"]),
            (&json!("allow"), &json!(true), &json!("audit_only")),
            "{row}"
        );
        assert_eq!(row["rejected_by"], "default_deny");
    }

    // Lock down what was reviewed.
    for host in ["api.github.com", "api.openai.com"] {
        let rule = json!({"host": host, "resource_type": "sandbox", "resource_id": "sb_1"});
        assert_eq!(book.api.post("/egress/allowlist", &rule).status, 201);
    }
    let locked = book.does("sb_1", "lockdown", &json!({"note": "reviewed"}));
    assert_eq!(locked["mode"], "enforce");
    assert_eq!(sandbox.curl.get(&book.tls("api.openai.com")).http_code, 200);
    assert_eq!(sandbox.curl.get(&book.plain("api.github.com")).http_code, 200);
    let refused = sandbox.curl.get(&book.tls("unlisted.example.com"));
    assert_eq!((refused.http_code, refused.http_connect), (0, 403));

    // Operate: what was blocked waits in the queue, with the reason; approved, it passes.
    let pending = book.pending("sb_1", "unlisted.example.com");
    assert_eq!(
        (&pending["rejected_by"], &pending["state"]),
        (&json!("default_deny"), &json!("pending")),
        "{pending}"
    );
    assert!(
        pending["last_allowed_at"].is_string(),
        "it passed while it was observed: {pending}"
    );
    let id = pending["id"].as_str().unwrap();
    let stale = book
        .api
        .post(&format!("/egress/pending/{id}/approve"), &json!({"revision": 1}));
    assert_eq!((stale.status, stale.code()), (409, "STALE_REVISION"));
    let approved = book
        .api
        .post(
            &format!("/egress/pending/{id}/approve"),
            &json!({"revision": locked["revision"]}),
        )
        .ok();
    book.in_force("sb_1", approved["data"]["revision"].as_i64().unwrap());
    assert_eq!(sandbox.curl.get(&book.tls("unlisted.example.com")).http_code, 200);

    // Rolled back, the rule is gone and the mode stays.
    let back = book.does("sb_1", "rollback", &json!({}));
    assert_eq!(
        (&back["mode"], back["rules"].as_array().unwrap().len()),
        (&json!("enforce"), 2)
    );
    assert_eq!(sandbox.curl.get(&book.tls("unlisted.example.com")).http_connect, 403);
    let history = book
        .api
        .get(&format!("/egress/policies/{}/revisions", back["id"].as_str().unwrap()))
        .ok();
    let operations: Vec<&Value> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| &revision["operation"])
        .collect();
    assert_eq!(
        operations[..3],
        [&json!("rollback"), &json!("allow"), &json!("lockdown")]
    );
}

#[test]
fn the_loop_on_sqlite() {
    observe_review_lock_down_operate(Database::Sqlite);
}

#[test]
fn the_loop_on_postgres() {
    observe_review_lock_down_operate(Database::Postgres);
}
