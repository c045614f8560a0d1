//! Commands that look: what they ask for, and how they show it.

use serde_json::{Value, json};

use super::collector::{Answer, Collector};
use super::samples::{HOSTILE, decision, pending, resource, rule, simulation, stocked, suggestion};
use crate::schema;

#[test]
fn what_the_api_lists_is_what_json_prints() {
    let collector = stocked();
    for (arguments, schema, needed) in [
        (&["resource", "list"][..], "resources", "resource_id"),
        (&["resource", "show", "sandbox/sb_2"], "resource", "template"),
        (
            &["policy", "show", "--resource", "sandbox/sb_1"],
            "policies",
            "revision",
        ),
        (
            &["policy", "history", "--resource", "sandbox/sb_1"],
            "history",
            "author",
        ),
        (&["rules"], "rules", "host"),
        (&["suggestions"], "suggestions", "reason"),
        (&["pending"], "pending", "attempts"),
        (&["audit"], "audit", "inserted_at"),
        (&["proxies"], "proxies", "live"),
        (&["token", "list"], "tokens", "role"),
        (&["user", "list"], "users", "changed_at"),
        (&["operator-log"], "operator-log", "actor"),
    ] {
        let ran = collector.sluice(&[arguments, &["--format", "json"]].concat()).ended(0);
        schema::check_rows(schema, &ran.json(), needed);
    }
    for (arguments, name) in [
        (&["status"][..], "status"),
        (&["policy", "diff", "--resource", "sandbox/sb_1"], "policy-diff"),
        (&["simulate", "--lockdown", "--resource", "sandbox/sb_1"], "simulate"),
        (&["coverage"], "coverage"),
    ] {
        let ran = collector.sluice(&[arguments, &["--format", "json"]].concat()).ended(0);
        schema::valid(name, &ran.json());
    }
}

#[test]
fn hostile_names_steer_no_terminal() {
    let collector = stocked();
    let mut overridden = super::samples::proxy("sb_1", HOSTILE, 7, 7);
    overridden["override"] = json!({"mode": "audit_only", "until": null, "reason": HOSTILE});
    let mut noted = rule("rul_1", HOSTILE);
    noted["note"] = json!(HOSTILE);
    let mut named = resource("sandbox", "sb_1");
    named["name"] = json!(HOSTILE);
    let mut seen = decision(1, HOSTILE);
    seen["path"] = json!(HOSTILE);
    collector
        .list("GET /egress/resources", &[named])
        .list("GET /egress/allowlist", &[noted])
        .list("GET /egress/pending", &[pending("pen_1", HOSTILE, "sb_1")])
        .list("GET /egress/pending?group=host", &[pending("pen_1", HOSTILE, "sb_1")])
        .list("GET /egress/audit", &[seen])
        .list("GET /egress/proxies", &[overridden])
        .list("GET /egress/audit/suggestions", &[suggestion(HOSTILE, "question")])
        .object("GET /egress/coverage", json!({HOSTILE: HOSTILE}))
        .object("POST /egress/simulate", simulation(HOSTILE, false))
        .object(
            "POST /egress/explain",
            json!({"action": "reject", "host": HOSTILE, "port": 443, "rejected_by": HOSTILE}),
        );
    for arguments in [
        &["resource", "list"][..],
        &["status"],
        &["rules"],
        &["pending"],
        &["pending", "--by-host"],
        &["audit"],
        &["proxies"],
        &["suggestions"],
        &["coverage"],
        &["simulate", "--lockdown", "--resource", "sandbox/sb_1"],
        &["lockdown", "--resource", "sandbox/sb_1", "--yes"],
        &["explain", "a.example.com", "--resource", "sandbox/sb_1"],
    ] {
        for format in [&[][..], &["--format", "json"]] {
            if arguments[0] == "explain" && !format.is_empty() {
                continue;
            }
            let ran = collector.sluice(&[arguments, format].concat()).ended(0);
            let text = format!("{}{}", ran.stdout, ran.stderr);
            let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(steers), "{arguments:?}: {text:?}");
            assert!(text.contains("2J"), "{arguments:?} {text}");
            // No row is broken in two by the name's own line break.
            assert!(!text.lines().any(|line| line.starts_with(".example.com")), "{text}");
        }
    }
}

#[test]
fn all_pages_of_a_list_are_asked_for() {
    let collector = Collector::new();
    let page = |row: Value, next: Value| Answer::of(200, &json!({"data": [row], "next_cursor": next}));
    collector.answers(
        "GET /egress/allowlist",
        vec![
            page(rule("rul_1", "a.example.com"), json!("c 1")),
            page(rule("rul_2", "b.example.com"), json!("c2")),
            page(rule("rul_3", "c.example.com"), Value::Null),
        ],
    );
    let ran = collector.sluice(&["rules", "--tenant", "--format", "json"]).ended(0);
    assert_eq!(ran.json()["data"].as_array().unwrap().len(), 3);
    let expected =
        ["", "&cursor=c+1", "&cursor=c2"].map(|cursor| format!("GET /egress/allowlist?resource_type=tenant{cursor}"));
    assert_eq!(collector.lines(), expected);
    // A collector that never ends its list keeps nobody.
    collector.answers(
        "GET /egress/allowlist",
        vec![Answer::of(200, &json!({"data": [], "next_cursor": "again"}))],
    );
    collector.sluice(&["rules"]).ended(0).complains_of(&["no rules"]);
}

#[test]
fn audit_asks_for_what_its_filters_say() {
    let collector = stocked();
    collector.sluice(&["audit"]).ended(0);
    collector
        .sluice(&[
            "audit",
            "--host",
            "api.example.com",
            "--action",
            "reject",
            "--would-reject",
            "--mode",
            "audit_only",
            "--method",
            "GET",
            "--rule",
            "rul_1",
            "--rejected-by",
            "default_deny",
            "--since",
            "7d",
            "--until",
            "1h",
        ])
        .ended(0);
    collector
        .sluice(&["audit", "--limit", "5", "--resource", "sandbox/*"])
        .ended(0);
    assert_eq!(
        collector.lines(),
        [
            "GET /egress/audit?limit=100",
            "GET /egress/audit?host=api.example.com&action=reject&would_reject=true&mode=audit_only&method=GET&rule_id=rul_1\
             &rejected_by=default_deny&since=7d&until=1h",
            "GET /egress/resources",
            "GET /egress/audit?resource_type=sandbox&resource_id=sb_1&limit=5",
            "GET /egress/audit?resource_type=sandbox&resource_id=ci-1&limit=5",
        ]
    );
}

#[test]
fn rows_of_many_resources_are_in_one_order_and_the_newest() {
    let collector = stocked();
    collector
        .list(
            "GET /egress/audit?resource_type=sandbox&resource_id=sb_1&limit=3",
            &[decision(1, "a.example.com"), decision(4, "d.example.com")],
        )
        .list(
            "GET /egress/audit?resource_type=sandbox&resource_id=ci-1&limit=3",
            &[decision(2, "b.example.com"), decision(3, "c.example.com")],
        );
    let ran = collector
        .sluice(&["audit", "--limit", "3", "--resource", "sandbox/*", "--format", "json"])
        .ended(0);
    let ids: Vec<Value> = ran.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].clone())
        .collect();
    assert_eq!(ids, ["aud_2", "aud_3", "aud_4"]);
}

#[test]
fn exports_are_passed_on_byte_for_byte() {
    let collector = Collector::new();
    let sheet = "id,host\r\naud_1,'=cmd\r\n";
    collector.answers("GET /egress/audit/export", vec![Answer::text(200, sheet)]);
    let ran = collector
        .sluice(&["audit", "--format", "csv", "--since", "7d"])
        .ended(0);
    assert_eq!(ran.stdout, sheet);
    collector
        .sluice(&["audit", "--format", "jsonl", "--resource", "sandbox/sb_1"])
        .ended(0);
    assert_eq!(
        collector.lines(),
        [
            "GET /egress/audit/export?since=7d&format=csv",
            "GET /egress/audit/export?resource_type=sandbox&resource_id=sb_1&format=jsonl",
        ]
    );
}

/// Late rows, a page that repeats its first row, and a collector that is away for a while.
#[test]
fn following_misses_and_repeats_nothing() {
    use std::io::{BufRead, BufReader};
    let collector = Collector::new();
    let rows = |numbers: &[u64]| {
        let rows: Vec<Value> = numbers
            .iter()
            .map(|number| decision(*number, "a.example.com"))
            .collect();
        Answer::of(200, &json!({"data": rows, "next_cursor": null}))
    };
    collector.answers(
        "GET /egress/audit",
        vec![
            rows(&[1, 2]),
            rows(&[2]),
            Answer::text(502, "gone"),
            rows(&[2, 3, 5]),
            rows(&[5, 6]),
            rows(&[6]),
        ],
    );
    let mut command = collector.command(&["audit", "--follow", "--format", "jsonl"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ids: Vec<Value> = lines
        .take(5)
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["id"].clone())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ids, ["aud_1", "aud_2", "aud_3", "aud_5", "aud_6"]);
    let lines = collector.lines();
    assert_eq!(lines[0], "GET /egress/audit?limit=10");
    assert_eq!(
        lines[1],
        "GET /egress/audit?since=2026-03-02T08%3A00%3A00.000002Z&limit=1000"
    );
    assert_eq!(
        lines[4],
        "GET /egress/audit?since=2026-03-02T08%3A00%3A00.000005Z&limit=1000"
    );
}

#[test]
fn suggestions_come_as_a_table_or_as_a_policy() {
    let collector = stocked();
    collector.list(
        "GET /egress/audit/suggestions",
        &[
            suggestion("api.example.com", "keep"),
            suggestion("169.254.169.254", "deny"),
            suggestion("x.example.net", "question"),
        ],
    );
    let table = collector.sluice(&["suggestions", "--since", "14d"]).ended(0).stdout;
    let place = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text}: {table}"));
    assert!(place("169.254.169.254") < place("x.example.net") && place("x.example.net") < place("api.example.com"));
    assert!(table.contains("3 suggestions: deny 1, question 1, keep 1"), "{table}");
    let policy = json!({"mode": "enforce", "default_effect": "deny", "rules": []});
    collector.on("GET /egress/audit/suggestions", policy.clone());
    let ran = collector
        .sluice(&["suggestions", "--format", "policy", "--resource", "sandbox/sb_1"])
        .ended(0);
    assert_eq!(ran.json(), policy);
    assert_eq!(
        collector.lines()[1],
        "GET /egress/audit/suggestions?resource_type=sandbox&resource_id=sb_1&format=policy"
    );
    collector
        .sluice(&["suggestions", "--format", "policy", "--resource", "sandbox/*"])
        .ended(2)
        .complains_of(&["one resource", "sandbox/ci-1"]);
}

#[test]
fn status_brings_everything_together() {
    let collector = stocked();
    collector.list(
        "GET /egress/proxies",
        &[
            super::samples::proxy("sb_1", "p/0", 7, 7),
            super::samples::proxy("sb_1", "p/1", 7, 6),
        ],
    );
    let ran = collector.sluice(&["status", "--format", "json"]).ended(0);
    let document = ran.json();
    schema::check_complete("status", &document);
    let rows = document["data"]["resources"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let row = rows.iter().find(|row| row["resource_id"] == "sb_1").unwrap();
    assert_eq!(
        [
            &row["mode"],
            &row["rules"],
            &row["proxies"],
            &row["behind"],
            &row["pending"]
        ],
        [&json!("enforce"), &json!(1), &json!(2), &json!(1), &json!(1)]
    );
    let some = collector
        .sluice(&["status", "--resource", "sandbox/ci-*"])
        .ended(0)
        .stdout;
    assert!(
        some.contains("sandbox/ci-1") && some.contains("(tenant's)") && !some.contains("sb_1"),
        "{some}"
    );
}
