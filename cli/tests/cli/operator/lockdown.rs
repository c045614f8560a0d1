//! `lockdown` and `observe`.

use serde_json::{Value, json};

use super::collector::{Answer, Collector};
use super::samples::{policy, proxy, simulation, stocked};
use crate::schema;

fn breaking(recent: bool) -> Collector {
    let collector = stocked();
    collector.object("POST /egress/simulate", simulation("cdn.example.com", recent));
    collector
}

fn changes(collector: &Collector) -> Vec<String> {
    let changes = collector.lines().into_iter();
    changes
        .filter(|line| line.contains("/policies/") && !line.starts_with("GET"))
        .collect()
}

#[test]
fn what_would_break_is_simulated_and_shown_first() {
    let collector = breaking(false);
    let ran = collector
        .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--note", "why"])
        .ended(0);
    ran.complains_of(&[
        "sandbox/sb_1: 1 recorded destination would be rejected",
        "cdn.example.com",
        "default_deny",
    ]);
    assert!(
        ran.stdout.contains("sandbox/sb_1") && ran.stdout.contains("enforce"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        collector.body("POST /egress/simulate"),
        json!({"lockdown": true, "resource_type": "sandbox", "resource_id": "sb_1"})
    );
    assert_eq!(
        collector.body("POST /egress/policies/pol_1/lockdown"),
        json!({"note": "why", "expected_revision": 7})
    );
    collector.sluice(&["lockdown", "--tenant"]).ended(0);
    assert_eq!(
        collector.body("POST /egress/simulate"),
        json!({"lockdown": true, "resource_type": "tenant"})
    );
}

#[test]
fn where_names_may_lead_is_asked_along() {
    let collector = breaking(false);
    let asked = ["simulate", "--lockdown", "--tenant", "--resolves-to", "10.0.0.0/8"];
    collector
        .sluice(&[&asked[..], &["--resolves-to", "fd00::/8"]].concat())
        .ended(0);
    assert_eq!(
        collector.body("POST /egress/simulate"),
        json!({"lockdown": true, "resource_type": "tenant", "resolves_to": ["10.0.0.0/8", "fd00::/8"]})
    );
    let ran = collector.sluice(&[&asked[..], &["--resolves-to", "10.0.0.1"]].concat());
    ran.ended(2).complains_of(&["--resolves-to", "10.0.0.1"]);
}

/// Where nobody can be asked, nothing is broken unasked.
#[test]
fn nothing_recent_is_broken_without_a_yes() {
    let collector = breaking(true);
    let ran = collector.sluice(&["lockdown", "--resource", "sandbox/sb_1"]).ended(1);
    ran.complains_of(&[
        "1 destination seen in the last day",
        "nothing was changed",
        "--yes",
        "cdn.example.com",
    ]);
    assert_eq!((ran.stdout.as_str(), changes(&collector)), ("", Vec::new()));
    collector
        .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--yes"])
        .ended(0);
    assert_eq!(changes(&collector), ["POST /egress/policies/pol_1/lockdown"]);
}

/// What a collector leaves out is not taken for nothing to break.
#[test]
fn an_answer_without_its_lists_locks_nothing() {
    for missing in ["destinations", "breaks"] {
        let collector = stocked();
        let mut partial = simulation("cdn.example.com", true);
        partial.as_object_mut().unwrap().remove(missing);
        collector.object("POST /egress/simulate", partial);
        let ran = collector
            .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--yes"])
            .ended(2);
        ran.complains_of(&[missing, "different versions"]);
        assert_eq!(changes(&collector), Vec::<String>::new());
    }
}

#[test]
fn suggestions_are_listed_and_locked_in_one_revision() {
    let collector = breaking(false);
    let suggested = json!({"mode": "enforce", "default_effect": "deny", "rules": [
        {"id": "api", "effect": "allow", "host": "api.example.com", "ports": [443]},
        {"id": "api", "effect": "allow", "host": "new.example.com"}]});
    collector.on("GET /egress/audit/suggestions", suggested);
    let ran = collector
        .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--from-suggestions"])
        .ended(0);
    ran.complains_of(&["1 rule of the suggestions"]);
    let rules = json!([{"id": "api", "effect": "allow", "host": "api.example.com", "ports": [443]},
                       {"id": "api-2", "effect": "allow", "host": "new.example.com"}]);
    assert_eq!(
        collector.body("POST /egress/simulate"),
        json!({"resource_type": "sandbox", "resource_id": "sb_1",
               "policy": {"mode": "enforce", "default_effect": "deny", "rules": rules}})
    );
    assert_eq!(
        collector.body("PATCH /egress/policies/pol_1"),
        json!({"mode": "enforce", "rules": rules, "expected_revision": 7})
    );
    assert_eq!(changes(&collector), ["PATCH /egress/policies/pol_1"]);
}

#[test]
fn waiting_ends_when_every_proxy_has_it() {
    let collector = stocked();
    let rows = |live: u64| {
        let rows = [proxy("sb_1", "p/0", 9, live), proxy("other", "p/9", 9, 1)];
        Answer::of(200, &json!({"data": rows, "next_cursor": null}))
    };
    collector
        .object(
            "POST /egress/policies/pol_1/lockdown",
            policy("pol_1", ("sandbox", "sb_1"), "enforce", 9),
        )
        .answers("GET /egress/proxies", vec![rows(7), rows(8), rows(9)]);
    let ran = collector
        .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--wait"])
        .ended(0);
    ran.complains_of(&["1 proxy has the policy"]);
    let asked = collector
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("GET /egress/proxies"));
    assert_eq!(asked.count(), 3);
}

#[test]
fn laggards_are_listed_and_the_answer_is_no() {
    let collector = stocked();
    let mut gone = proxy("sb_1", "p/2", 9, 1);
    gone["state"] = json!("stale");
    collector
        .object(
            "POST /egress/policies/pol_1/lockdown",
            policy("pol_1", ("sandbox", "sb_1"), "enforce", 9),
        )
        // What the collector intends is older than what was just changed.
        .list(
            "GET /egress/proxies",
            &[proxy("sb_1", "p/0", 7, 7), proxy("sb_1", "p/1", 9, 9)],
        );
    let ran = collector
        .sluice(&["lockdown", "--resource", "sandbox/sb_1", "--wait", "--timeout", "1s"])
        .ended(1);
    ran.complains_of(&["1 proxy does not have the policy", "p/0", "revision 7", "sluice doctor"]);
    assert!(
        !ran.stderr.contains("p/1") && !ran.stderr.contains("p/2"),
        "{}",
        ran.stderr
    );
    // The tenant's policy reaches everybody.
    collector
        .list(
            "GET /egress/policies",
            &[policy("pol_1", ("tenant", ""), "audit_only", 8)],
        )
        .list("GET /egress/proxies", &[proxy("other", "p/7", 9, 8)]);
    let ran = collector
        .sluice(&["lockdown", "--tenant", "--wait", "--timeout", "1s"])
        .ended(1);
    ran.complains_of(&["p/7"]);
    collector.list("GET /egress/proxies", &[]);
    collector
        .sluice(&["lockdown", "--tenant", "--wait"])
        .ended(0)
        .complains_of(&["no proxy"]);
}

#[test]
fn each_of_many_resources_is_told_of() {
    let collector = stocked();
    let stale = Answer::error(
        409,
        "STALE_REVISION",
        "revision 7 is not the latest",
        json!({"latest": 8}),
    );
    let row = |mode, revision| policy("pol_1", ("sandbox", "sb_1"), mode, revision);
    collector.list("GET /egress/policies", &[row("audit_only", 7)]).answers(
        "POST /egress/policies/pol_1/observe",
        vec![
            Answer::of(200, &json!({"data": row("audit_only", 7)})),
            stale,
            Answer::of(200, &json!({"data": row("audit_only", 9)})),
        ],
    );
    let arguments = [
        "observe",
        "--resource",
        "*/*",
        "--for",
        "2h",
        "--note",
        "incident 42",
        "--format",
        "json",
    ];
    let ran = collector.sluice(&arguments).ended(1);
    let document = ran.json();
    schema::valid("targets", &document);
    let statuses: Vec<Value> = document["data"]["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(statuses, ["unchanged", "failed", "changed"]);
    assert_eq!(
        collector.body("POST /egress/policies/pol_1/observe"),
        json!({"for": "2h", "note": "incident 42"})
    );
    ran.complains_of(&["locks again by itself in 2h"]);
    let table = collector.sluice(&["observe", "--resource", "*/*"]).ended(0);
    assert!(
        table.stdout.contains("3 targets; changed 3; unchanged 0"),
        "{}",
        table.stdout
    );
    table.complains_of(&["until 'sluice lockdown'"]);
}
