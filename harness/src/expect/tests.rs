//! Which expectations a replay meets, and what is said about the others.

use sluice_policy::Action;

use super::*;
use crate::replay::Summary;

fn decision(source: &str, host: &str, method: Option<&str>, action: Action) -> ReplayedDecision {
    ReplayedDecision {
        source: source.to_owned(),
        host: Some(host.to_owned()),
        port: Some(443),
        method: method.map(str::to_owned),
        path: None,
        sni: None,
        action,
        would_reject: action == Action::Reject,
        rule_id: (action != Action::Reject).then(|| "gh".to_owned()),
        rejected_by: (action == Action::Reject).then(|| "default_deny".to_owned()),
        nearest: None,
        raw: None,
        count: 1,
    }
}

fn replay() -> Replay {
    Replay {
        summary: Summary::default(),
        decisions: vec![
            decision("a.har#0", "api.github.com", None, Action::Allow),
            decision("a.har#1", "api.github.com", Some("GET"), Action::Allow),
            decision("a.har#2", "cdn.example.com", None, Action::Reject),
        ],
        skipped: Vec::new(),
    }
}

fn unmet(expectation: &str) -> Vec<String> {
    let json = format!(r#"{{"expect": [{expectation}]}}"#);
    let expectations = Expectations::from_json(json.as_bytes()).unwrap();
    expectations
        .unmet_by(&replay())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn met_expectations() {
    for met in [
        r#"{"host": "api.github.com", "action": "allow", "rule_id": "gh", "count": 2}"#,
        r#"{"source": "a.har#2", "would_reject": true, "rejected_by": "default_deny"}"#,
        r#"{"method": null, "port": 443, "count": 2}"#,
        r#"{"action": "reject", "host": "cdn.example.com", "rule_id": null}"#,
        r#"{"host": "other.example.com", "count": 0}"#,
        r#"{"count": 3}"#,
    ] {
        assert_eq!(unmet(met), [""; 0], "{met}");
    }
}

#[test]
fn unmet_expectations_say_what_was_seen() {
    for (expectation, said) in [
        (
            r#"{"host": "other.example.com", "action": "allow"}"#,
            "expectation 0: no decision is selected by it",
        ),
        (
            r#"{"sni": "api.github.com", "action": "allow"}"#,
            "expectation 0: no decision is selected by it",
        ),
        (
            r#"{"method": "GET", "count": 2}"#,
            "expectation 0: expected 2 decisions, saw 1",
        ),
        (
            r#"{"action": "allow"}"#,
            "expectation 0: does not hold for 1 entries; saw\n  a.har#2: cdn.example.com:443 reject, rejected by default_deny",
        ),
        (
            r#"{"method": "GET", "rule_id": null}"#,
            "expectation 0: does not hold for 1 entries; saw\n  a.har#1: api.github.com:443 allow, rule gh",
        ),
    ] {
        assert_eq!(unmet(expectation), [said], "{expectation}");
    }
    assert_eq!(
        unmet(r#"{"host": "cdn.example.com", "action": "allow", "count": 9}"#).len(),
        2
    );
}

#[test]
fn a_long_list_of_what_was_seen_is_cut_and_counted() {
    let mut replay = replay();
    replay.decisions = (0..12)
        .map(|at| decision(&format!("a.har#{at}"), "cdn.example.com", None, Action::Reject))
        .collect();
    let expectations = Expectations::from_json(br#"{"expect": [{"action": "allow"}]}"#).unwrap();
    let said = expectations.unmet_by(&replay)[0].to_string();
    assert!(
        said.starts_with("expectation 0: does not hold for 12 entries"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1 + SHOWN + 1, "{said}");
    assert!(said.ends_with("and 7 more"), "{said}");
}

#[test]
fn what_every_replay_would_meet_or_no_one_understands_is_refused() {
    for (json, said) in [
        (r#"{"expect": []}"#, "expects nothing"),
        (
            r#"{"expect": [{"count": 1}, {"host": "a.example.com"}]}"#,
            "expectation 1 says nothing",
        ),
        (
            r#"{"expect": [{"hots": "a.example.com", "action": "allow"}]}"#,
            "unknown field `hots`",
        ),
        (r#"{"expect": [{"action": "allowed"}]}"#, "unknown variant `allowed`"),
        (r#"{"expected": []}"#, "unknown field `expected`"),
        (r#"[]"#, "not a list of expectations"),
        ("", "EOF"),
    ] {
        let error = Expectations::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{json}: {error}");
    }
}
