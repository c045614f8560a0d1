//! Which changes are shown, and how far requests are told apart for it.

use std::num::NonZeroUsize;

use sluice_policy::{PolicyDocument, Timestamp};

use super::*;
use crate::engine::Setup;
use crate::progress::Silent;
use crate::recording::{Traffic, Visibility};
use crate::replay::Clock;

fn request(method: &str, authority: &str, path: &str, count: u64) -> Recorded {
    Recorded {
        source: "a.jsonl:1".to_owned(),
        at: None,
        count,
        traffic: Traffic::Exchange {
            tls: false,
            authority: authority.into(),
            method: method.into(),
            path: Some(path.into()),
        },
        address: None,
    }
}

fn between(recorded: &[Recorded], from: &str, to: &str) -> Diff {
    let backend = |json: &str| {
        let policy = PolicyDocument::from_json(json.as_bytes()).unwrap();
        Backend::native(&Setup::new(policy)).unwrap()
    };
    let options = Options {
        visibility: Visibility::Proxy,
        clock: Clock::Fixed(Timestamp::from_micros(0)),
        vms: NonZeroUsize::MIN,
    };
    diff(recorded, Vec::new(), &backend(from), &backend(to), &options, &Silent).unwrap()
}

/// Host, method, path, and how often: what a reader tells the rows apart by.
fn rows(diff: &Diff) -> Vec<(&str, Option<&str>, Option<&str>, u64)> {
    diff.changes
        .iter()
        .map(
            |Change {
                 host,
                 method,
                 path,
                 count,
                 ..
             }| {
                (
                    host.as_deref().unwrap_or("-"),
                    method.as_deref(),
                    path.as_deref(),
                    *count,
                )
            },
        )
        .collect()
}

const EMPTY: &str = r#"{"mode": "enforce", "rules": []}"#;

#[test]
fn the_same_policy_changes_nothing() {
    let recorded = [request("GET", "a.example.com", "/", 2), request("GET", "a,b", "/", 1)];
    let diff = between(&recorded, EMPTY, EMPTY);
    assert_eq!(diff.changes, []);
    let expected = DiffSummary {
        destinations: 2,
        decisions: 3,
        ..DiffSummary::default()
    };
    assert_eq!(diff.summary, expected);
}

#[test]
fn a_destination_whose_requests_change_alike_is_one_row() {
    let recorded = [
        request("GET", "a.example.com", "/1", 2),
        request("PUT", "A.example.com", "/2", 3),
        request("GET", "a.example.com:8080", "/", 1),
        request("GET", "b.example.com", "/", 1),
    ];
    let policy = r#"{"mode": "enforce", "rules": [
        {"id": "a", "effect": "allow", "host": "a.example.com", "ports": [80]}]}"#;
    let diff = between(&recorded, EMPTY, policy);
    // The other port of the same host now has a nearest rule, but the same verdict.
    assert_eq!(rows(&diff), [("a.example.com", None, None, 5)]);
    let change = &diff.changes[0];
    assert_eq!((change.from.action, change.to.action), (Action::Reject, Action::Allow));
    assert_eq!(change.from.rejected_by.as_deref(), Some("default_deny"));
    assert_eq!(change.to.rule_id.as_deref(), Some("a"));
    let expected = DiffSummary {
        destinations: 3,
        changed_destinations: 1,
        decisions: 7,
        changed_decisions: 5,
        skipped: 0,
    };
    assert_eq!(diff.summary, expected);
}

#[test]
fn requests_are_told_apart_as_far_as_it_matters() {
    let recorded = [
        request("GET", "a.example.com", "/x/1", 1),
        request("GET", "a.example.com", "/x/2", 1),
        request("POST", "a.example.com", "/x/1", 1),
        request("POST", "a.example.com", "/y", 4),
        request("PUT", "a.example.com", "/x/1", 1),
    ];
    let policy = r#"{"mode": "enforce", "rules": [
        {"id": "get", "effect": "allow", "host": "a.example.com", "methods": ["GET"]},
        {"id": "y", "effect": "allow", "host": "a.example.com", "methods": ["POST"], "path_glob": "/y"}]}"#;
    let diff = between(&recorded, EMPTY, policy);
    assert_eq!(
        rows(&diff),
        [
            ("a.example.com", Some("GET"), None, 2),
            ("a.example.com", Some("POST"), Some("/y"), 4)
        ]
    );
}

#[test]
fn a_mode_or_a_rule_changes_a_destination_even_if_it_stays_open() {
    let recorded = [request("GET", "a.example.com", "/", 1)];
    let audit = r#"{"mode": "audit_only", "rules": []}"#;
    let allow = r#"{"mode": "audit_only", "default_effect": "allow", "rules": []}"#;
    let by_rule = r#"{"mode": "audit_only", "rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}"#;
    for (from, to) in [(audit, EMPTY), (audit, allow), (allow, by_rule)] {
        assert_eq!(
            between(&recorded, from, to).summary.changed_destinations,
            1,
            "{from} {to}"
        );
    }
}
