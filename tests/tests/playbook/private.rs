//! A host inside: what it takes is seen while observing, so that locking down does not break it.

use std::fs;

use serde_json::{Value, json};
use sluice_harness::engine::{CompiledFilter, Engine, Setup, WasmEngine};
use sluice_harness::recording::{self, Recorded, Sighting, Visibility};
use sluice_harness::suggest::{Catalogue, Observed, Options, policy_of};
use sluice_policy::{PolicyDocument, Timestamp};
use sluice_tests::playbook::{Database, Playbook};
use sluice_tests::sluice::Sluice;
use sluice_tests::wait;

const OF_SANDBOX: &str = "resource_type=sandbox&resource_id=sb_1";

fn simulated(book: &Playbook, policy: &Value) -> Value {
    let question = json!({"policy": policy, "resource_type": "sandbox", "resource_id": "sb_1"});
    book.api.post("/egress/simulate", &question).ok()["data"].clone()
}

/// What the filter would do to a recording: the reason of each rejection.
fn replayed(recorded: &[Recorded], policy: PolicyDocument) -> Vec<Option<String>> {
    let filter = CompiledFilter::embedded().unwrap();
    let mut engine = WasmEngine::new(&filter, &Setup::new(policy)).unwrap();
    let mut decide = |one: &Recorded| {
        let sighting = Sighting::of(&one.traffic, Visibility::Proxy);
        let at = Timestamp::from_micros(0);
        let decided = engine.decide_resolved(&sighting, one.address.as_slice(), at);
        decided.unwrap().rejected_by.map(String::from)
    };
    recorded.iter().map(&mut decide).collect()
}

fn a_name_that_leads_inside(database: Database) {
    let book = Playbook::with(Sluice::expecting_nothing(database));
    let sandbox = book.guarded_sandbox("sb_1");
    let (inside, other) = (book.tls("api.openai.com"), book.plain("new.example.com"));

    // Observe: both lead to this machine, which is no public address.
    assert_eq!(sandbox.curl.get(&inside).http_code, 200);
    assert_eq!(sandbox.curl.get(&other).http_code, 200);
    let rows = wait::until("both decisions", || {
        let answer = book.api.get(&format!("/egress/audit?{OF_SANDBOX}")).ok();
        (answer["data"].as_array()?.len() == 2).then(|| answer["data"].clone())
    });
    for row in rows.as_array().unwrap() {
        assert_eq!(
            (&row["rejected_by"], &row["metadata"]["peer"]),
            (&json!("default_deny"), &json!("127.0.0.1"))
        );
    }

    // Review: by the names alone it would be rejected, and that is foreseen.
    let rule = |host: &str, resolves_to: Value| json!({"id": host, "effect": "allow", "host": host, "resolves_to": resolves_to});
    let by_name = json!({"rules": [rule("api.openai.com", json!([])), rule("new.example.com", json!([]))]});
    let foreseen = simulated(&book, &by_name);
    assert_eq!(foreseen["totals"]["rejected"], 2, "{foreseen}");
    assert_eq!(foreseen["destinations"][0]["rejected_by"], "private_address");
    let suggestions = book.api.get(&format!("/egress/audit/suggestions?{OF_SANDBOX}")).ok();
    for suggestion in suggestions["data"].as_array().unwrap() {
        assert_eq!(suggestion["resolves_to"], json!(["127.0.0.1/32"]), "{suggestion}");
        assert_eq!(suggestion["recommendation"], "question", "{suggestion}");
    }
    let policy = book
        .api
        .get(&format!("/egress/audit/suggestions?{OF_SANDBOX}&format=policy"))
        .ok();
    let foreseen = simulated(&book, &policy);
    assert_eq!(
        (&foreseen["totals"]["allowed"], &foreseen["totals"]["rejected"]),
        (&json!(2), &json!(0)),
        "{foreseen}"
    );

    // The proxy's own recording says the same, without a collector.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.log");
    fs::write(&file, sandbox.envoy.recording(2)).unwrap();
    let recorded = recording::read(&file).unwrap().recorded;
    let named = PolicyDocument::from_json(
        json!({"mode": "enforce", "rules": by_name["rules"]})
            .to_string()
            .as_bytes(),
    );
    let private = Some("private_address".to_owned());
    assert_eq!(replayed(&recorded, named.unwrap()), [private.clone(), private]);
    let catalogue = Catalogue::built_in();
    let mut observed = Observed::new(&catalogue, Options::default());
    recorded.iter().for_each(|one| observed.add(one));
    let suggested = policy_of(&observed.suggestions().suggestions);
    assert_eq!(replayed(&recorded, suggested), [None, None]);

    // Lock down: what was suggested lets it pass, and its name alone does not.
    let rules: Vec<Value> = policy["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| match &rule["host"] {
            host if host == "new.example.com" => json!({"effect": "allow", "host": host}),
            _ => rule.clone(),
        })
        .collect();
    let id = book.policy("sb_1")["id"].as_str().unwrap().to_owned();
    let narrowed = json!({"policy": {"rules": rules}});
    assert_eq!(
        book.api.post(&format!("/egress/policies/{id}/apply"), &narrowed).status,
        200
    );
    let locked = book.does("sb_1", "lockdown", &json!({}));
    let warnings = locked["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{locked}");
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.starts_with("new.example.com") && warning.contains("private_address"),
        "{warning}"
    );
    assert_eq!(sandbox.curl.get(&inside).http_code, 200);
    assert_eq!(sandbox.curl.get(&other).http_code, 403);

    // Operate: approved, it may lead where it led.
    let pending = book.pending("sb_1", "new.example.com");
    assert_eq!(pending["rejected_by"], "private_address");
    let approve = format!("/egress/pending/{}/approve", pending["id"].as_str().unwrap());
    let approved = book.api.post(&approve, &json!({})).ok()["data"].clone();
    assert_eq!(approved["rule"]["resolves_to"], json!(["127.0.0.1/32"]));
    book.in_force("sb_1", approved["revision"].as_i64().unwrap());
    assert_eq!(sandbox.curl.get(&other).http_code, 200);
}

#[test]
fn a_name_that_leads_inside_on_sqlite() {
    a_name_that_leads_inside(Database::Sqlite);
}

#[test]
fn a_name_that_leads_inside_on_postgres() {
    a_name_that_leads_inside(Database::Postgres);
}
