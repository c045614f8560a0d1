//! `approve`, `block` and `dismiss`.

use serde_json::json;

use super::collector::{Answer, Collector};
use super::samples::{pending, stocked};
use crate::schema;

fn queue() -> Collector {
    let collector = Collector::new();
    collector.list(
        "GET /egress/pending",
        &[
            pending("pen_1", "api.example.com", "sb_1"),
            pending("pen_2", "cdn.example.com", "sb_1"),
            pending("pen_3", "api.example.com", "sb_2"),
        ],
    );
    for id in ["pen_1", "pen_2", "pen_3"] {
        for verb in ["approve", "block", "dismiss"] {
            let decided = json!({"id": id, "host": "x", "warnings": []});
            collector.object(&format!("POST /egress/pending/{id}/{verb}"), decided);
        }
    }
    collector
}

fn posts(collector: &Collector) -> Vec<String> {
    collector
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("POST"))
        .collect()
}

#[test]
fn a_host_means_its_rows_and_an_id_means_one() {
    let collector = queue();
    collector.sluice(&["approve", "API.example.com"]).ended(0);
    assert_eq!(
        posts(&collector),
        [
            "POST /egress/pending/pen_1/approve",
            "POST /egress/pending/pen_3/approve"
        ]
    );
    assert_eq!(
        collector.body("POST /egress/pending/pen_1/approve"),
        json!({"scope": "resource"})
    );

    let collector = queue();
    collector
        .sluice(&["block", "api.example.com", "--resource", "sandbox/sb_2"])
        .ended(0);
    collector.sluice(&["dismiss", "pen_2", "cdn.example.com"]).ended(0);
    assert_eq!(
        posts(&collector),
        ["POST /egress/pending/pen_3/block", "POST /egress/pending/pen_2/dismiss"]
    );

    let collector = queue();
    collector
        .sluice(&["approve", "api.example.com", "--scope", "tenant"])
        .ended(0);
    assert_eq!(posts(&collector), ["POST /egress/pending/pen_1/approve"]);

    let ran = collector.sluice(&["approve", "pen_9", "api.example.com"]).ended(2);
    ran.complains_of(&["nothing is pending for pen_9", "sluice pending", "sluice allow"]);
    assert_eq!(posts(&collector).len(), 1);
}

#[test]
fn an_approval_is_what_the_arguments_say() {
    let collector = queue();
    collector
        .sluice(&[
            "approve",
            "pen_1",
            "--pattern",
            "*.example.com",
            "--warn-only",
            "--for",
            "2h",
            "--scope",
            "template",
            "--force",
            "--note",
            "why",
        ])
        .ended(0);
    let mut body = collector.body("POST /egress/pending/pen_1/approve");
    let expires = body.as_object_mut().unwrap().remove("expires_at").unwrap();
    assert!(expires.as_str().unwrap().ends_with('Z'), "{expires}");
    assert_eq!(
        body,
        json!({"pattern": "*.example.com", "warn_only": true, "scope": "template", "force": true, "note": "why"})
    );
}

#[test]
fn a_refusal_of_one_does_not_stop_the_others() {
    let collector = queue();
    let shadowed = Answer::error(
        409,
        "SHADOWED_BY_DENY",
        "rule rul_2 denies it",
        json!({"rule_id": "rul_2"}),
    );
    collector.answers("POST /egress/pending/pen_1/approve", vec![shadowed]);
    let ran = collector
        .sluice(&["approve", "api.example.com", "--format", "json"])
        .ended(1);
    schema::valid("decided", &ran.json());
    let statuses: Vec<_> = ran.json()["data"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(statuses, ["failed", "approved"]);
    collector
        .sluice(&["approve", "pen_1"])
        .ended(2)
        .complains_of(&["SHADOWED_BY_DENY", "rul_2", "--force"]);
}

#[test]
fn the_queue_is_listed_whole_or_by_host() {
    let collector = stocked();
    let mut group = pending("pen_1", "api.example.com", "sb_1");
    group["seen_in"] = json!(4);
    group["of"] = json!(50);
    group["resources"] = (1..=4)
        .map(|n| json!({"resource_type": "sandbox", "resource_id": format!("sb_{n}")}))
        .collect();
    collector.list("GET /egress/pending?group=host", &[group]);
    collector.sluice(&["pending", "--all"]).ended(0);
    let by_host = collector.sluice(&["pending", "--by-host"]).ended(0).stdout;
    for part in ["4 of 50", "sandbox/sb_3 and 1 more", "443 8443"] {
        assert!(by_host.contains(part), "{part}: {by_host}");
    }
    assert_eq!(
        collector.lines(),
        ["GET /egress/pending?state=all", "GET /egress/pending?group=host"]
    );
    let ran = collector.sluice(&["pending", "--resource", "sandbox/other"]).ended(0);
    assert_eq!(ran.stdout, "");
    ran.complains_of(&["nothing is pending"]);
}
