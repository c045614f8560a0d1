//! Walks the table of `policy/tables/precedence.md`, and what a table of
//! requests cannot show: scopes, resolved addresses, exceptions, connections.

mod names;

use super::*;
use crate::document::PolicyDocument;
use crate::tables::{self, Row};
use crate::words::{Action, Mode};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TABLES: &str = include_str!("../../tables/precedence.md");

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn request<'a>(method: &'a str, authority: &'a str, path: &'a str) -> Seen<'a> {
    Seen::Request {
        authority: authority.as_bytes(),
        method: method.as_bytes(),
        path: Some(path.as_bytes()),
    }
}

fn policy(json: &str) -> Policy {
    Policy::from_json(json.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_row_of_the_table_holds_in_both_modes() {
    let around = Surroundings::new(80);
    let now = at("2026-06-01T00:00:00Z");
    let enforce = tables::json_block(TABLES);
    let observe = enforce.replace("\"enforce\"", "\"audit_only\"");
    let policies = [policy(enforce), policy(&observe)];
    let rows = tables::rows(TABLES, "Requests");
    assert!(rows.len() > 40, "{} rows", rows.len());
    for Row { line, cells } in rows {
        let [method, authority, path, verdict, by, nearest] = cells.as_slice() else {
            panic!("line {line}: six cells, not {cells:?}");
        };
        for policy in &policies {
            let decision = policy.decide(&request(method, authority, path), &around, now);
            let record = decision.record();
            let rejected = verdict == "reject";
            let named = if rejected { &record.rejected_by } else { &record.rule_id };
            assert_eq!(named.as_deref(), Some(by.as_str()), "line {line}: {record:?}");
            assert_eq!(record.would_reject, rejected, "line {line}");
            let expected = match (policy.mode(), verdict.as_str()) {
                (Mode::Enforce, "reject") => Action::Reject,
                (Mode::AuditOnly, "reject") if by == "self" => Action::Reject,
                (_, "warn") => Action::Warn,
                _ => Action::Allow,
            };
            assert_eq!(record.action, expected, "line {line}");
            let near = record
                .nearest
                .map(|near| format!("{} {}", near.rule_id, near.why))
                .unwrap_or_default();
            assert_eq!(near, *nearest, "line {line}");
        }
    }
}

#[test]
fn tenant_rules_guard_and_widen() {
    let document = |json: &str| PolicyDocument::from_json(json.as_bytes()).unwrap();
    let tenant = document(
        r#"{"mode": "enforce", "rules": [
            {"id": "no", "effect": "deny", "host": "*.no.example.com"},
            {"id": "t", "effect": "allow", "host": "a.example.com"},
            {"id": "same", "effect": "allow", "host": "b.example.com", "warn_only": true}]}"#,
    );
    let resource = document(
        r#"{"rules": [
            {"id": "yes", "effect": "allow", "host": "x.no.example.com"},
            {"id": "r", "effect": "allow", "host": "a.example.com"},
            {"id": "same", "effect": "allow", "host": "b.example.com"}]}"#,
    );
    let merged = Policy::merge(Some(&tenant), Some(&resource)).unwrap();
    assert_eq!(
        merged.mode(),
        Mode::Enforce,
        "the tenant's, where the resource has none"
    );
    let around = Surroundings::new(80);
    let by = |authority| {
        let decision = merged.decide(&request("GET", authority, "/"), &around, at("2026-06-01T00:00:00Z"));
        let rule = decision.verdict().rule().unwrap();
        (rule.id().to_owned(), rule.scope().as_str())
    };
    assert_eq!(by("x.no.example.com"), ("no".to_owned(), "tenant"));
    assert_eq!(by("a.example.com"), ("t".to_owned(), "tenant"));
    assert_eq!(
        by("b.example.com"),
        ("same".to_owned(), "resource"),
        "not on trial beats scope"
    );

    let observing = document(r#"{"mode": "audit_only", "default_effect": "allow"}"#);
    let merged = Policy::merge(Some(&tenant), Some(&observing)).unwrap();
    assert_eq!(
        (merged.mode(), merged.default_effect()),
        (Mode::AuditOnly, Effect::Allow)
    );
    let nothing = Policy::merge(None, None).unwrap();
    assert_eq!(
        (nothing.mode(), nothing.default_effect()),
        (Mode::AuditOnly, Effect::Deny)
    );
}

#[test]
fn stars_mean_names_to_allow_and_everything_to_deny() {
    let around = Surroundings::new(80);
    let now = at("2026-06-01T00:00:00Z");
    let allow = policy(r#"{"mode": "enforce", "rules": [{"id": "all", "effect": "allow", "host": "*"}]}"#);
    let deny = policy(
        r#"{"mode": "enforce", "default_effect": "allow", "rules": [{"id": "all", "effect": "deny", "host": "*"}]}"#,
    );
    for (authority, is_name) in [("a.example.com", true), ("192.0.2.1", false), ("[2001:db8::1]", false)] {
        let seen = request("GET", authority, "/");
        assert_eq!(
            allow.decide(&seen, &around, now).would_reject(),
            !is_name,
            "{authority}"
        );
        let decision = deny.decide(&seen, &around, now);
        assert_eq!(decision.rejection().unwrap().rejected_by(), "all", "{authority}");
    }
}

#[test]
fn a_rule_ends_at_its_time_and_not_before() {
    let policy = policy(
        r#"{"mode": "enforce", "rules": [{"id": "r", "effect": "allow", "host": "a.example.com", "expires_at": "2027-01-01T00:00:00+01:00"}]}"#,
    );
    assert!(policy.depends_on_time());
    let end = at("2026-12-31T23:00:00Z").micros();
    let rejected = |micros| {
        let seen = request("GET", "a.example.com", "/");
        policy
            .decide(&seen, &Surroundings::new(80), Timestamp::from_micros(micros))
            .would_reject()
    };
    assert!(!rejected(end - 1));
    assert!(rejected(end));
}

#[test]
fn a_clock_that_cannot_be_read_widens_nothing() {
    let policy = policy(
        r#"{"mode": "enforce", "rules": [
            {"id": "on", "effect": "allow", "host": "a.example.com", "expires_at": "2999-01-01T00:00:00Z"},
            {"id": "all", "effect": "allow", "host": "b.example.com"},
            {"id": "no", "effect": "deny", "host": "b.example.com", "expires_at": "2000-01-01T00:00:00Z"}]}"#,
    );
    let by = |authority| {
        let seen = request("GET", authority, "/");
        let decision = policy.decide(&seen, &Surroundings::new(80), Timestamp::UNKNOWN);
        decision.rejection().map(|rejection| rejection.rejected_by().to_owned())
    };
    assert_eq!(by("a.example.com").as_deref(), Some("default_deny"));
    assert_eq!(by("b.example.com").as_deref(), Some("no"));
}

#[test]
fn every_resolved_address_counts() {
    let policy = policy(
        r#"{"mode": "enforce", "rules": [
            {"id": "pub", "effect": "allow", "host": "pub.example.com"},
            {"id": "db", "effect": "allow", "host": "db.example.com", "resolves_to": ["10.2.0.0/16"]},
            {"id": "bad", "effect": "deny", "host": "203.0.113.0/24"}]}"#,
    );
    let decide = |authority, addresses: &[&str]| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        let seen = request("GET", authority, "/");
        let decision = policy.decide_resolved(&seen, &Surroundings::new(80), &addresses, at("2026-06-01T00:00:00Z"));
        decision.rejection().map(|rejection| rejection.rejected_by().to_owned())
    };
    let by = |word: &str| Some(word.to_owned());
    assert_eq!(decide("pub.example.com", &["198.51.100.1"]), None);
    assert_eq!(
        decide("pub.example.com", &["198.51.100.1", "10.2.0.1"]),
        by("private_address")
    );
    assert_eq!(
        decide("pub.example.com", &["198.51.100.1", "127.0.0.1"]),
        by("private_address")
    );
    assert_eq!(decide("pub.example.com", &["169.254.169.254"]), by("private_address"));
    assert_eq!(decide("pub.example.com", &["::ffff:10.2.0.1"]), by("private_address"));
    assert_eq!(decide("pub.example.com", &["198.51.100.1", "203.0.113.9"]), by("bad"));
    assert_eq!(decide("db.example.com", &["10.2.3.4"]), None);
    assert_eq!(decide("db.example.com", &["::ffff:10.2.3.4"]), None);
    assert_eq!(
        decide("db.example.com", &["10.2.3.4", "10.3.0.1"]),
        by("private_address")
    );
    assert_eq!(decide("unlisted.example.com", &["10.2.3.4"]), by("default_deny"));
}

#[test]
fn guarding_metadata_is_the_one_exception_to_observing() {
    let policy = policy(r#"{"mode": "audit_only"}"#);
    let mut around = Surroundings::new(80);
    let action = |around: &Surroundings, authority| {
        policy
            .decide(&request("GET", authority, "/"), around, at("2026-06-01T00:00:00Z"))
            .action()
    };
    let metadata = ["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"];
    for authority in metadata {
        assert_eq!(action(&around, authority), Action::Allow, "{authority}");
    }
    around.guard_metadata = true;
    for authority in metadata {
        assert_eq!(action(&around, authority), Action::Reject, "{authority}");
    }
    assert_eq!(action(&around, "192.0.2.1"), Action::Allow);
}

#[test]
fn a_connection_without_a_name_is_rejected_as_such() {
    let policy = policy(r#"{"mode": "enforce", "default_effect": "allow"}"#);
    let by = |server_name: &str| {
        let seen = Seen::Connection {
            server_name: server_name.as_bytes(),
            port: 443,
        };
        let decision = policy.decide(&seen, &Surroundings::new(443), at("2026-06-01T00:00:00Z"));
        decision.rejection().map(|rejection| rejection.rejected_by().to_owned())
    };
    assert_eq!(by("a.example.com."), None);
    assert_eq!(by("").as_deref(), Some("sni_missing"));
    assert_eq!(by("192.0.2.1").as_deref(), Some("invalid_authority"));
}

#[test]
fn what_stands_in_says_why_there_is_no_policy() {
    let seen = Seen::Request {
        authority: b"a.example.com",
        method: b"GET",
        path: Some(b"/"),
    };
    let at = Timestamp::from_micros(0);
    for (mode, action) in [(Mode::Enforce, Action::Reject), (Mode::AuditOnly, Action::Allow)] {
        let policy = Policy::standing_in(Reason::NoPolicy, mode);
        assert_eq!(policy.missing(), Some(Reason::NoPolicy));
        let decision = policy.decide(&seen, &Surroundings::new(80), at);
        assert_eq!((decision.action(), decision.would_reject()), (action, true));
        assert_eq!(decision.record().rejected_by.as_deref(), Some("no_policy"));
    }
}

#[test]
fn who_is_not_known_is_decided_by_the_tenant_and_told_so() {
    let tenant = PolicyDocument::from_json(
        br#"{"mode": "audit_only", "rules": [
            {"id": "ok", "effect": "allow", "host": "a.example.com"},
            {"id": "no", "effect": "deny", "host": "b.example.com"}]}"#,
    )
    .unwrap();
    let policy = Policy::merge(Some(&tenant), None).unwrap();
    let circumstances = Circumstances {
        now: Timestamp::from_micros(0),
        mode: Some(Mode::Enforce),
        unresolved: true,
        destination: None,
    };
    for (authority, action, by) in [
        (&b"a.example.com"[..], Action::Allow, None),
        (b"b.example.com", Action::Reject, Some("no")),
        (b"c.example.com", Action::Reject, Some("no_resource")),
    ] {
        let seen = Seen::Request {
            authority,
            method: b"GET",
            path: Some(b"/"),
        };
        let decision = policy.decide(&seen, &Surroundings::new(80), circumstances);
        let record = decision.record();
        // The override beats the policy's own mode.
        assert_eq!((record.action, record.mode), (action, Mode::Enforce));
        assert_eq!(record.rejected_by.as_deref(), by);
    }
}
