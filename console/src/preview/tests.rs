use serde_json::{Value, json};

use super::*;
use crate::draft::{Draft, THIS_RULE};
use crate::model::Rule;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: &str = "2026-12-01T00:00:00Z";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339(NOW).unwrap()
}

fn policy(kind: &str, default_effect: &str, rules: Value) -> Policy {
    serde_json::from_value(json!({
        "id": "p", "mode": "enforce", "default_effect": default_effect, "resource_type": kind, "resource_id": "sb_1",
        "rules": rules,
    }))
    .unwrap()
}

fn own(rules: Value) -> Policy {
    policy("sandbox", "deny", rules)
}

fn ground(rules: Value) -> Ground {
    Ground::new(&own(rules), None, now())
}

fn rule(rule: Value) -> RuleDocument {
    rule_document(&serde_json::from_value::<Rule>(rule).unwrap(), THIS_RULE)
}

fn opaque(host: &str, port: u16, count: u64) -> Destination {
    Destination {
        host: host.to_owned(),
        port,
        requests: count,
        opaque: count,
        ..Destination::default()
    }
}

fn in_clear(host: &str, seen: Value) -> Destination {
    let mut destination: Destination = serde_json::from_value(json!({"host": host, "port": 80, "seen": seen})).unwrap();
    destination.requests = destination.seen.iter().map(|seen| seen.count).sum();
    destination
}

/// `word by`, with `?` where it is uncertain.
fn told(outcome: &Outcome) -> String {
    let by = outcome
        .rejected_by
        .as_deref()
        .or(outcome.rule_id.as_deref())
        .unwrap_or("-");
    let doubt = if outcome.is_uncertain { "?" } else { "" };
    format!("{}{doubt} {by}", outcome.word.as_str())
}

fn rows(preview: &Preview) -> Vec<(String, u64, Matched, String, String)> {
    let row = |row: &Row| {
        let target = format!("{}:{}", row.host, row.port);
        (target, row.count, row.matched, told(&row.before), told(&row.after))
    };
    preview.rows.iter().map(row).collect()
}

fn row(
    target: &str,
    count: u64,
    matched: Matched,
    before: &str,
    after: &str,
) -> (String, u64, Matched, String, String) {
    (target.to_owned(), count, matched, before.to_owned(), after.to_owned())
}

#[test]
fn a_new_allow_opens_what_it_matches_and_nothing_else() {
    let ground = ground(json!([{"id": "git", "effect": "allow", "host": "git.example.com"}]));
    let destinations = [
        opaque("api.example.com", 443, 5),
        opaque("git.example.com", 443, 7),
        opaque("example.com", 443, 2),
        opaque("api.example.com", 8080, 1),
    ];
    let new = rule(json!({"effect": "allow", "host": "*.example.com", "ports": [443]}));
    let preview = ground.preview(&Edit::Add(new), &destinations).unwrap();
    assert_eq!(
        rows(&preview),
        [
            row(
                "api.example.com:443",
                5,
                Matched::Yes,
                "reject default_deny",
                "allow this-rule"
            ),
            row("git.example.com:443", 7, Matched::Yes, "allow git", "allow git"),
        ]
    );
    let expected = Counts {
        destinations: 2,
        requests: 12,
        opened: 5,
        ..Counts::default()
    };
    assert_eq!(preview.counts, expected);
}

#[test]
fn denies_of_the_tenant_stand_above() {
    let tenant = policy(
        "tenant",
        "deny",
        json!([{"id": "guard", "effect": "deny", "host": "*.example.com"}, {"id": "pass", "effect": "allow", "host": "mirror.example.org"}]),
    );
    let ground = Ground::new(&own(json!([])), Some(&tenant), now());
    let destinations = [opaque("api.example.com", 443, 5), opaque("mirror.example.org", 443, 1)];
    let new = rule(json!({"effect": "allow", "host": "api.example.com"}));
    let preview = ground.preview(&Edit::Add(new), &destinations).unwrap();
    assert_eq!(
        rows(&preview),
        [row(
            "api.example.com:443",
            5,
            Matched::Yes,
            "reject guard",
            "reject guard"
        )]
    );
    assert!(preview.rows[0].after.of_tenant);
    let deny = rule(json!({"effect": "deny", "host": "mirror.example.org"}));
    let preview = ground.preview(&Edit::Add(deny), &destinations).unwrap();
    assert_eq!(
        rows(&preview),
        [row(
            "mirror.example.org:443",
            1,
            Matched::Yes,
            "allow pass",
            "reject this-rule"
        )]
    );
    assert_eq!(preview.counts.stopped, 1);
}

#[test]
fn the_policy_of_the_tenant_is_not_merged_with_itself() {
    let tenant = policy(
        "tenant",
        "deny",
        json!([{"id": "guard", "effect": "deny", "host": "a.example.com"}]),
    );
    let ground = Ground::new(&tenant, Some(&tenant), now());
    let preview = ground.preview(&Edit::Remove("guard".to_owned()), &[opaque("a.example.com", 443, 1)]);
    assert_eq!(
        rows(&preview.unwrap()),
        [row(
            "a.example.com:443",
            1,
            Matched::Yes,
            "reject guard",
            "reject default_deny"
        )]
    );
}

#[test]
fn an_edited_rule_is_judged_in_the_place_of_the_old_one() {
    let ground = ground(json!([
        {"id": "old", "effect": "allow", "host": "*.example.com"},
        {"id": "other", "effect": "allow", "host": "cdn.example.com"},
    ]));
    let destinations = [
        opaque("a.example.com", 443, 3),
        opaque("b.example.com", 443, 2),
        opaque("cdn.example.com", 443, 1),
    ];
    let narrower = rule(json!({"effect": "allow", "host": "a.example.com", "warn_only": true}));
    let preview = ground
        .preview(&Edit::Replace("old".to_owned(), narrower), &destinations)
        .unwrap();
    assert_eq!(
        rows(&preview),
        [
            row("a.example.com:443", 3, Matched::Yes, "allow old", "warn this-rule"),
            row("b.example.com:443", 2, Matched::No, "allow old", "reject default_deny"),
        ]
    );
    assert_eq!((preview.counts.rewarned, preview.counts.stopped), (3, 2));
    let removed = ground.preview(&Edit::Remove("old".to_owned()), &destinations).unwrap();
    let of_cdn = removed.rows.iter().find(|row| row.host == "cdn.example.com").unwrap();
    assert_eq!((of_cdn.matched, of_cdn.is_changed()), (Matched::Yes, false));
    assert_eq!(removed.counts.stopped, 5);
}

#[test]
fn requests_are_judged_as_they_were_seen() {
    let mut destination = in_clear(
        "api.example.com",
        json!([
            {"method": "GET", "path": "/v1/a", "count": 4},
            {"method": "POST", "path": "/v1/a", "count": 3},
            {"method": "GET", "count": 2},
            {"count": 1},
        ]),
    );
    destination.opaque = 6;
    destination.requests += 6;
    let new = rule(json!({"effect": "allow", "host": "api.example.com", "methods": ["GET"], "path_glob": "/v1/**"}));
    let preview = ground(json!([])).preview(&Edit::Add(new), &[destination]).unwrap();
    assert_eq!(
        rows(&preview),
        [
            row(
                "api.example.com:80",
                4,
                Matched::Yes,
                "reject default_deny",
                "allow this-rule"
            ),
            // The one whose path is not known, and the one of which nothing is.
            row(
                "api.example.com:80",
                3,
                Matched::Perhaps,
                "reject default_deny",
                "allow? this-rule"
            ),
        ]
    );
    assert_eq!(preview.rows[0].examples, ["GET /v1/a"]);
    assert_eq!(preview.counts.uncertain, 3);
    assert_eq!(preview.counts.requests, 4);
}

#[test]
fn a_constrained_deny_does_not_reach_opaque_connections() {
    let ground = Ground::new(&policy("sandbox", "allow", json!([])), None, now());
    let mut destination = in_clear(
        "api.example.com",
        json!([{"method": "DELETE", "path": "/a", "count": 1}, {"count": 2}]),
    );
    destination.opaque = 9;
    destination.requests += 9;
    let deny =
        rule(json!({"effect": "deny", "host": "api.example.com", "methods": ["DELETE"], "terminated_only": true}));
    let preview = ground.preview(&Edit::Add(deny), &[destination]).unwrap();
    assert_eq!(
        rows(&preview),
        [
            row("api.example.com:80", 1, Matched::Yes, "allow -", "reject this-rule"),
            row("api.example.com:80", 2, Matched::Perhaps, "allow -", "allow? -"),
        ]
    );
}

#[test]
fn rules_that_have_expired_match_nothing() {
    let new = rule(json!({"effect": "allow", "host": "api.example.com", "expires_at": NOW}));
    let preview = ground(json!([])).preview(&Edit::Add(new), &[opaque("api.example.com", 443, 1)]);
    assert_eq!(preview.unwrap(), Preview::default());
}

#[test]
fn destinations_that_stand_for_many_are_as_good_as_the_best_of_them() {
    let many = Destination {
        many: true,
        members: vec!["a.cdn.example.com".to_owned()],
        ..opaque("*.cdn.example.com", 443, 4)
    };
    let one = rule(json!({"effect": "allow", "host": "a.cdn.example.com"}));
    let preview = ground(json!([]))
        .preview(&Edit::Add(one), std::slice::from_ref(&many))
        .unwrap();
    assert_eq!(
        rows(&preview),
        [row(
            "*.cdn.example.com:443",
            4,
            Matched::Perhaps,
            "reject default_deny",
            "allow? this-rule"
        )]
    );
    let all = rule(json!({"effect": "allow", "host": "*.cdn.example.com"}));
    let preview = ground(json!([])).preview(&Edit::Add(all), &[many]).unwrap();
    assert_eq!(
        rows(&preview),
        [row(
            "*.cdn.example.com:443",
            4,
            Matched::Yes,
            "reject default_deny",
            "allow this-rule"
        )]
    );
}

#[test]
fn names_that_led_to_private_addresses_are_foreseen_as_far_as_that_is_known() {
    let destination = Destination {
        addresses: vec!["10.2.0.7".to_owned()],
        ..opaque("db.example.com", 5432, 2)
    };
    let plain = rule(json!({"effect": "allow", "host": "db.example.com"}));
    let told = |rule: RuleDocument| {
        let preview = ground(json!([])).preview(&Edit::Add(rule), std::slice::from_ref(&destination));
        rows(&preview.unwrap()).remove(0)
    };
    let target = "db.example.com:5432";
    assert_eq!(
        told(plain),
        row(
            target,
            2,
            Matched::Yes,
            "reject default_deny",
            "reject? private_address"
        )
    );
    let expected = rule(json!({"effect": "allow", "host": "db.example.com", "resolves_to": ["10.2.0.0/16"]}));
    assert_eq!(
        told(expected),
        row(target, 2, Matched::Yes, "reject default_deny", "allow this-rule")
    );
}

#[test]
fn a_port_of_several_is_judged_by_the_usual_ones_and_addresses_in_brackets() {
    let v6 = opaque("2001:db8::1", 443, 1);
    let new = rule(json!({"effect": "allow", "host": "2001:db8::/32", "ports": [443]}));
    let several = opaque("2001:db8::2", 0, 1);
    let preview = ground(json!([])).preview(&Edit::Add(new), &[v6, several]).unwrap();
    assert_eq!(
        rows(&preview),
        [
            row(
                "2001:db8::1:443",
                1,
                Matched::Yes,
                "reject default_deny",
                "allow this-rule"
            ),
            row(
                "2001:db8::2:0",
                1,
                Matched::Perhaps,
                "reject default_deny",
                "allow? this-rule"
            ),
        ]
    );
}

#[test]
fn audit_only_blocks_nothing_but_the_proxy_itself() {
    let ground = ground(json!([]));
    let destinations = [opaque("api.example.com", 443, 1), opaque("localhost", 443, 1)];
    let deny = rule(json!({"effect": "deny", "host": "*"}));
    let preview = ground.preview(&Edit::Add(deny), &destinations).unwrap();
    let of = |host: &str| &preview.rows.iter().find(|row| row.host == host).unwrap().after;
    let outcome = of("api.example.com");
    assert_eq!(outcome.in_mode(Mode::AuditOnly), ("allow", true));
    assert_eq!(outcome.in_mode(Mode::Enforce), ("reject", true));
    // No rule decides about the proxy itself, so none matches it.
    assert!(!preview.rows.iter().any(|row| row.host == "localhost"));
}

#[test]
fn the_rule_that_nearly_matched_is_named() {
    let ground = ground(json!([{"id": "near", "effect": "allow", "host": "api.example.com", "ports": [8443]}]));
    let new = rule(json!({"effect": "allow", "host": "api.example.com"}));
    let preview = ground
        .preview(&Edit::Add(new), &[opaque("api.example.com", 443, 1)])
        .unwrap();
    let nearest = preview.rows[0].before.nearest().unwrap();
    assert_eq!((nearest.rule_id.as_str(), nearest.why.as_str()), ("near", "port"));
}

#[test]
fn what_is_wrong_with_a_rule_is_said_and_not_judged() {
    let connect = rule(json!({"effect": "allow", "host": "api.example.com", "methods": ["CONNECT"]}));
    let problems = ground(json!([])).preview(&Edit::Add(connect), &[]).unwrap_err();
    assert_eq!(problems.as_slice()[0].field, "methods");
    let draft = Draft {
        host: "10.0.0.1/8".to_owned(),
        ..Draft::new()
    };
    assert!(draft.document().is_err());
}
