//! What is found, and as important, what is not.

use super::*;
use crate::words::{Effect, Mode};
use crate::{Action, RuleDocument, Seen, Surroundings};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()
}

fn document(json: &str) -> PolicyDocument {
    PolicyDocument::from_json(json.as_bytes()).unwrap_or_else(|problems| panic!("{problems}\n{json}"))
}

/// Findings of a list of rules, as `severity rule kind related`.
fn found(rules: &str) -> Vec<String> {
    found_in(&format!(r#"{{"mode": "enforce", "rules": [{rules}]}}"#))
}

fn found_in(json: &str) -> Vec<String> {
    lint(&document(json), now()).iter().map(short).collect()
}

fn short(finding: &Finding) -> String {
    let related = finding.related.as_deref().unwrap_or("-");
    let rule = finding.rule.as_deref().unwrap_or("-");
    format!("{} {rule} {} {related}", finding.severity, finding.kind)
}

fn messages(rules: &str) -> Vec<String> {
    let json = format!(r#"{{"mode": "enforce", "rules": [{rules}]}}"#);
    lint(&document(&json), now())
        .into_iter()
        .map(|finding| finding.message)
        .collect()
}

fn check(cases: &[(&str, &[&str])]) {
    for (rules, expected) in cases {
        assert_eq!(found(rules), *expected, "{rules}");
    }
}

#[test]
fn a_policy_of_plain_rules_has_no_findings() {
    check(&[(
        r#"{"id": "a", "effect": "allow", "host": "api.example.com", "ports": [443]},
           {"id": "b", "effect": "allow", "host": "*.cdn.example.net"},
           {"id": "c", "effect": "allow", "host": "cdn.example.net"},
           {"id": "d", "effect": "deny", "host": "bad.cdn.example.net"},
           {"id": "e", "effect": "allow", "host": "203.0.113.0/24"},
           {"id": "f", "effect": "allow", "host": "x.example.org", "expires_at": "2027-01-01T00:00:00Z", "warn_only": true},
           {"id": "g", "effect": "deny", "host": "169.254.169.254"}"#,
        &[],
    )]);
    assert_eq!(found_in("{}"), [""; 0]);
}

#[test]
fn wildcards_over_public_suffixes() {
    check(&[
        (
            r#"{"id": "a", "effect": "allow", "host": "*.com"}"#,
            &["error a public_suffix -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*.co.uk"}"#,
            &["error a public_suffix -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*.github.io"}"#,
            &["error a public_suffix -"],
        ),
        (
            r#"{"id": "a", "effect": "deny", "host": "*.zip"}"#,
            &["warning a public_suffix -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*.me.github.io"}, {"id": "b", "effect": "allow", "host": "me.github.io"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*.com", "expires_at": "2026-01-01T00:00:00Z"}"#,
            &["warning a expired -"],
        ),
    ]);
}

#[test]
fn rules_that_never_decide() {
    check(&[
        // A deny over all of an allow, by name, wildcard, star, address and block.
        (
            r#"{"id": "a", "effect": "allow", "host": "x.y.example.com"}, {"id": "d", "effect": "deny", "host": "*.y.example.com"}"#,
            &["warning a never_decides d"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*.x.y.example.com"}, {"id": "d", "effect": "deny", "host": "*.y.example.com"}"#,
            &["warning a never_decides d"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "192.0.2.0/25"}, {"id": "d", "effect": "deny", "host": "192.0.2.0/24"}"#,
            &["warning a never_decides d"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "192.0.2.1"}, {"id": "d", "effect": "deny", "host": "*"}"#,
            &["warning a never_decides d"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "64:ff9b::c000:201"}, {"id": "d", "effect": "deny", "host": "192.0.2.0/24"}"#,
            &["warning a never_decides d"],
        ),
        // A deny of part of it, of other ports, for a shorter time: the allow decides elsewhere.
        (
            r#"{"id": "a", "effect": "allow", "host": "192.0.2.0/24"}, {"id": "d", "effect": "deny", "host": "192.0.2.0/25"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "64:ff9b::/112"}, {"id": "d", "effect": "deny", "host": "0.0.255.0/24"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.y.example.com"}, {"id": "d", "effect": "deny", "host": "*.y.example.com", "ports": [25]}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.y.example.com"},
               {"id": "d", "effect": "deny", "host": "*.y.example.com", "expires_at": "2027-01-01T00:00:00Z"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.y.example.com", "ports": [25], "expires_at": "2026-12-01T00:00:00Z"},
               {"id": "d", "effect": "deny", "host": "*.y.example.com", "ports": [25, 26], "expires_at": "2027-01-01T00:00:00Z"}"#,
            &["warning a never_decides d"],
        ),
        // Allows below a wider allow decide: their id is recorded.
        (
            r#"{"id": "a", "effect": "allow", "host": "x.y.example.com"}, {"id": "b", "effect": "allow", "host": "*.y.example.com"}, {"id": "c", "effect": "allow", "host": "y.example.com"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "deny", "host": "x.y.example.com"}, {"id": "b", "effect": "deny", "host": "*.y.example.com"}"#,
            &[],
        ),
        // An address inside another one is denied after the other as written.
        (
            r#"{"id": "d", "effect": "deny", "host": "10.0.0.1"}, {"id": "e", "effect": "deny", "host": "2002:a00:1::"}"#,
            &[],
        ),
        // The same host: the one that ranks first wins.
        (
            r#"{"id": "t", "effect": "allow", "host": "x.example.com", "warn_only": true}, {"id": "a", "effect": "allow", "host": "x.example.com"}"#,
            &["warning t never_decides a"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com"}, {"id": "b", "effect": "allow", "host": "x.example.com", "ports": [443]}"#,
            &["warning b never_decides a"],
        ),
        (
            r#"{"id": "b", "effect": "allow", "host": "x.example.com", "ports": [443]}, {"id": "a", "effect": "allow", "host": "x.example.com"}"#,
            &[],
        ),
        (
            r#"{"id": "n", "effect": "allow", "host": "192.0.2.1/32"}, {"id": "e", "effect": "allow", "host": "192.0.2.1"}"#,
            &["warning n never_decides e"],
        ),
        // A path without wildcards is inside the pattern that matches it.
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "path_glob": "/a/**"}, {"id": "e", "effect": "deny", "host": "x.example.com", "path_glob": "/a/b"}"#,
            &["warning e never_decides d"],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "path_glob": "/a/*"}, {"id": "e", "effect": "deny", "host": "x.example.com", "path_glob": "/a/**"}"#,
            &[],
        ),
        // Said twice.
        (
            r#"{"id": "a", "effect": "allow", "host": "X.example.com.", "ports": [1, 2], "note": "x"}, {"id": "b", "effect": "allow", "host": "x.example.com", "ports": [2, 1, 2]}"#,
            &["warning b duplicate a"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "resolves_to": ["10.1.0.0/16"]}, {"id": "b", "effect": "allow", "host": "x.example.com", "resolves_to": ["10.2.0.0/16"]}"#,
            &["warning b never_decides a"],
        ),
    ]);
}

/// What `never_decides` claims is true of the matcher.
#[test]
fn a_rule_that_never_decides_is_not_missed_by_any_target() {
    let json = r#"{"mode": "enforce", "rules": [
        {"id": "a", "effect": "allow", "host": "*.y.example.com", "ports": [443]},
        {"id": "w", "effect": "allow", "host": "*.y.example.com", "ports": [443], "warn_only": true, "expires_at": "2027-01-01T00:00:00Z"},
        {"id": "n", "effect": "allow", "host": "192.0.2.0/28"},
        {"id": "d", "effect": "deny", "host": "192.0.2.0/24"}]}"#;
    let mut without = document(json);
    let hidden: Vec<String> = lint(&without, now())
        .into_iter()
        .filter(|finding| finding.kind == Kind::NeverDecides)
        .filter_map(|finding| finding.rule)
        .collect();
    assert_eq!(hidden, ["w", "n"]);
    let with = Policy::compile(&without).unwrap();
    without.rules.retain(|rule| !hidden.contains(&rule.id));
    let without = Policy::compile(&without).unwrap();
    for authority in [
        "a.y.example.com:443",
        "a.b.y.example.com:443",
        "y.example.com:443",
        "a.y.example.com:80",
        "192.0.2.3:443",
        "192.0.2.77:1",
    ] {
        let seen = Seen::Request {
            authority: authority.as_bytes(),
            method: b"CONNECT",
            path: None,
        };
        let around = Surroundings::new(443);
        assert_eq!(
            with.decide(&seen, &around, now()).record(),
            without.decide(&seen, &around, now()).record()
        );
    }
}

#[test]
fn constrained_denies_that_opaque_connections_get_past() {
    check(&[
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com"}, {"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com"}, {"id": "d", "effect": "deny", "host": "x.example.com", "path_glob": "/a", "terminated_only": true}"#,
            &[],
        ),
        // The allow is wider, or narrower, or on a port of its own.
        (
            r#"{"id": "a", "effect": "allow", "host": "*"}, {"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"], "ports": [8443]}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "*", "methods": ["POST"]}, {"id": "a", "effect": "allow", "host": "192.0.2.7", "ports": [8443]}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "*.example.com", "methods": ["POST"], "ports": [443, 444]}, {"id": "a", "effect": "allow", "host": "x.example.com", "ports": [444]}"#,
            &["error d opaque_deny a"],
        ),
        // Nothing that the deny is about is reached.
        (
            r#"{"id": "d", "effect": "deny", "host": "*.example.com", "methods": ["POST"], "ports": [443]}, {"id": "a", "effect": "allow", "host": "x.example.com", "ports": [444]}"#,
            &[],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*"}, {"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]},
               {"id": "t", "effect": "deny", "host": "x.example.com", "ports": [443]}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "*", "ports": [443]}, {"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]},
               {"id": "t", "effect": "deny", "host": "x.example.com", "ports": [443]}"#,
            &[],
        ),
        // Of a block, some addresses may be denied for themselves.
        (
            r#"{"id": "d", "effect": "deny", "host": "192.0.0.0/16", "methods": ["GET"]}, {"id": "a", "effect": "allow", "host": "192.0.2.0/30"},
               {"id": "t", "effect": "deny", "host": "192.0.2.2/31"}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "192.0.2.0/30", "methods": ["GET"]}, {"id": "a", "effect": "allow", "host": "192.0.2.0/24"},
               {"id": "t", "effect": "deny", "host": "192.0.2.2/31"}"#,
            &["error d opaque_deny a"],
        ),
        // An IPv6 address leads to the IPv4 address that is denied.
        (
            r#"{"id": "d", "effect": "deny", "host": "203.0.113.7", "methods": ["GET"]}, {"id": "a", "effect": "allow", "host": "64:ff9b::cb00:7100/120"}"#,
            &["error d opaque_deny a"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "expires_at": "2026-01-01T00:00:00Z"}, {"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]}"#,
            &["warning a expired -"],
        ),
    ]);
    let by_default = r#"{"mode": "enforce", "default_effect": "allow", "rules": [{"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"]}]}"#;
    assert_eq!(found_in(by_default), ["error d opaque_deny -"]);
}

#[test]
fn constrained_allows_that_do_not_see_opaque_connections() {
    check(&[
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "methods": ["GET"]}"#,
            &["warning a opaque_allow -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "methods": ["GET"], "ports": [80]}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "methods": ["GET"]}, {"id": "b", "effect": "allow", "host": "x.example.com", "ports": [443]}"#,
            &["warning a opaque_allow b"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "methods": ["GET"]}, {"id": "d", "effect": "deny", "host": "x.example.com", "ports": [443]}"#,
            &[],
        ),
    ]);
}

#[test]
fn apexes_and_what_is_below_them() {
    check(&[
        (
            r#"{"id": "w", "effect": "allow", "host": "*.cdn.example.com"}"#,
            &["warning w missing_apex -"],
        ),
        (
            r#"{"id": "w", "effect": "allow", "host": "*.cdn.example.com"}, {"id": "d", "effect": "deny", "host": "cdn.example.com"}"#,
            &[],
        ),
        (
            r#"{"id": "w", "effect": "allow", "host": "*.cdn.example.com"}, {"id": "v", "effect": "allow", "host": "*.example.com"}, {"id": "x", "effect": "allow", "host": "example.com"}"#,
            &[],
        ),
        (r#"{"id": "d", "effect": "deny", "host": "*.cdn.example.com"}"#, &[]),
        (
            r#"{"id": "d", "effect": "deny", "host": "*.cdn.example.com"}, {"id": "v", "effect": "allow", "host": "*.example.com"}, {"id": "x", "effect": "allow", "host": "example.com"}"#,
            &["warning d missing_apex v"],
        ),
        (
            r#"{"id": "x", "effect": "allow", "host": "example.com"}"#,
            &["warning x missing_subdomains -"],
        ),
        (
            r#"{"id": "x", "effect": "allow", "host": "example.com"}, {"id": "w", "effect": "allow", "host": "www.example.com"}"#,
            &[],
        ),
        (r#"{"id": "x", "effect": "allow", "host": "api.example.com"}"#, &[]),
        (
            r#"{"id": "d", "effect": "deny", "host": "example.com"}, {"id": "v", "effect": "allow", "host": "*"}"#,
            &["warning d missing_subdomains v"],
        ),
    ]);
}

#[test]
fn what_the_end_of_a_rule_opens() {
    let past = r#""expires_at": "2026-05-01T00:00:00Z""#;
    let case = |rules: &str| rules.replace("PAST", past);
    let expired = |rules: &str| {
        found(&case(rules))
            .into_iter()
            .filter(|finding| finding.contains(" expired "))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        expired(r#"{"id": "a", "effect": "allow", "host": "x.example.com", PAST}"#),
        ["warning a expired -"]
    );
    for (rules, expected, part) in [
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", PAST}, {"id": "a", "effect": "allow", "host": "*"}"#,
            "warning d expired a",
            "x.example.com is allowed by rule a;",
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "*", PAST}, {"id": "a", "effect": "allow", "host": "x.example.com"},
               {"id": "b", "effect": "allow", "host": "y.example.com"}, {"id": "c", "effect": "allow", "host": "z.example.com"}"#,
            "warning d expired a",
            "x.example.com is allowed by rule a and 2 other rules' hosts with it;",
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["POST"], PAST},
               {"id": "a", "effect": "allow", "host": "*.example.com", "path_glob": "/v1/**", "ports": [80]}"#,
            "warning d expired a",
            "x.example.com is allowed by rule a;",
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "ports": [25], PAST}, {"id": "a", "effect": "allow", "host": "x.example.com", "ports": [443]}"#,
            "warning d expired -",
            "x.example.com is rejected by default_deny all the same;",
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", PAST}, {"id": "a", "effect": "allow", "host": "x.example.com"}, {"id": "e", "effect": "deny", "host": "*.example.com"}"#,
            "warning d expired e",
            "x.example.com is rejected by rule e all the same;",
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", PAST}, {"id": "b", "effect": "allow", "host": "*.example.com"}, {"id": "c", "effect": "allow", "host": "example.com"}"#,
            "warning a expired b",
            "x.example.com is allowed by rule b now",
        ),
    ] {
        assert_eq!(expired(rules), [expected], "{rules}");
        let said = messages(&case(rules));
        assert!(said.iter().any(|message| message.contains(part)), "{part}: {said:?}");
    }
    let by_default = case(
        r#"{"mode": "enforce", "default_effect": "allow", "rules": [{"id": "d", "effect": "deny", "host": "x.example.com", PAST}]}"#,
    );
    assert_eq!(found_in(&by_default), ["warning d expired -"]);
    assert!(
        lint(&document(&by_default), now())[0]
            .message
            .contains("allowed by default_effect")
    );
}

#[test]
fn near_misses() {
    let near = |first: &str, second: &str| {
        let rules = format!(
            r#"{{"id": "a", "effect": "allow", "host": "{first}"}}, {{"id": "b", "effect": "allow", "host": "{second}"}}"#
        );
        let near: Vec<String> = found(&rules)
            .into_iter()
            .filter(|finding| finding.contains("near_miss"))
            .collect();
        match near.as_slice() {
            [] => false,
            [one] => {
                assert_eq!(one, "warning b near_miss a");
                true
            }
            more => panic!("{more:?}"),
        }
    };
    for (first, second) in [
        ("api.github.com", "api.githb.com"),
        ("api.github.com", "raw.githup.com"),
        ("api.github.com", "api.gihtub.com"),
        ("api.github.com", "*.gitthub.com"),
        ("api.openai.com", "api.open-ai.com"),
        ("uploads.example.com", "uplaods.example.com"),
        ("modern.example.com", "modem.example.com"),
        ("login.example.com", "1ogin.example.com"),
        // Cyrillic а and о.
        ("api.openai.com", "api.оpenаi.com"),
    ] {
        assert!(near(first, second), "{first} {second}");
    }
    for (first, second) in [
        ("api1.example.com", "api2.example.com"),
        ("eu-west-1.example.com", "eu-west-12.example.com"),
        ("cluster01.example", "cluster10.example"),
        ("event.example.com", "events.example.com"),
        ("images.example.com", "image.example.com"),
        ("a.example.com", "b.example.com"),
        ("api.gmail.com", "api.mail.com"),
        ("api.github.com", "api.gitlab.com"),
        ("www.example.de", "www.example.dk"),
        ("api.github.com", "github.com"),
        ("api.github.com", "*.github.com"),
        ("api.github.com", "api.github.com"),
    ] {
        assert!(!near(first, second), "{first} {second}");
    }
    // A deny of a look-alike is a deliberate act.
    check(&[(
        r#"{"id": "a", "effect": "allow", "host": "api.github.com"}, {"id": "d", "effect": "deny", "host": "api.githib.com"}"#,
        &[],
    )]);
}

#[test]
fn metadata_and_loopback_addresses() {
    check(&[
        (
            r#"{"id": "a", "effect": "allow", "host": "169.254.169.254"}"#,
            &["warning a metadata -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "169.254.0.0/16"}"#,
            &["error a metadata -"],
        ),
        // A deny of one port leaves the others.
        (
            r#"{"id": "a", "effect": "allow", "host": "169.254.169.254/31"}, {"id": "d", "effect": "deny", "host": "169.254.169.254", "ports": [80]}"#,
            &["error a metadata -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "64:ff9b::/96"}"#,
            &["error a metadata -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "fd00:ec2::/32", "methods": ["GET"], "ports": [80]}"#,
            &["error a metadata -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "10.0.0.0/8"}, {"id": "b", "effect": "allow", "host": "2001:db8::/32"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "169.254.169.0/24"}, {"id": "d", "effect": "deny", "host": "169.254.169.254"}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "127.0.0.1"}"#,
            &["warning a own_address -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "127.1.0.0/16"}"#,
            &["warning a own_address -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "localhost"}"#,
            &["warning a own_address -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.localhost"}"#,
            &["warning a own_address -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "0.0.0.0/0"}"#,
            &["error a metadata -", "warning a own_address -"],
        ),
        (r#"{"id": "d", "effect": "deny", "host": "127.0.0.0/8"}"#, &[]),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "resolves_to": ["10.0.0.0/8"]}"#,
            &[],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "resolves_to": ["169.254.0.0/16", "127.0.0.1/32"]}"#,
            &["error a resolves_to -", "warning a resolves_to -"],
        ),
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "resolves_to": ["169.254.169.0/24"]}, {"id": "d", "effect": "deny", "host": "169.254.169.254"}"#,
            &[],
        ),
    ]);
    let said = messages(
        r#"{"id": "a", "effect": "allow", "host": "169.254.0.0/16"}, {"id": "d", "effect": "deny", "host": "169.254.169.254"}"#,
    );
    assert!(
        said[0].contains("allows 169.254.170.2, 169.254.170.23, where"),
        "{said:?}"
    );
}

#[test]
fn methods_in_lower_case() {
    check(&[
        (
            r#"{"id": "a", "effect": "allow", "host": "x.example.com", "methods": ["get", "GET", "M-SEARCH", "m-search"], "ports": [80]}"#,
            &["warning a method_case -"],
        ),
        (
            r#"{"id": "d", "effect": "deny", "host": "x.example.com", "methods": ["connect"]}"#,
            &["warning d method_case -"],
        ),
    ]);
}

#[test]
fn a_tenants_and_a_resources_policy_are_looked_at_as_one() {
    let tenant = document(
        r#"{"rules": [{"id": "same", "effect": "deny", "host": "*.bad.example.com"}, {"id": "t", "effect": "allow", "host": "x.example.com"}]}"#,
    );
    let resource = document(
        r#"{"rules": [{"id": "same", "effect": "allow", "host": "x.bad.example.com"}, {"id": "r", "effect": "allow", "host": "x.example.com"}]}"#,
    );
    assert!(lint(&tenant, now()).is_empty() && lint(&resource, now()).is_empty());
    let found = lint_merged(Some(&tenant), Some(&resource), now());
    assert_eq!(
        found.iter().map(short).collect::<Vec<_>>(),
        ["warning same never_decides same", "warning r duplicate t"]
    );
    assert_eq!(
        (found[0].scope, found[0].related_scope),
        (Some(Scope::Resource), Some(Scope::Tenant))
    );
}

#[test]
fn a_document_that_does_not_load_has_its_problems_as_findings() {
    let mut document = PolicyDocument::default();
    document
        .rules
        .push(RuleDocument::new("a b", Effect::Allow, "x.example.com"));
    document
        .rules
        .push(RuleDocument::new("u", Effect::Allow, "https://x.example.com/"));
    let found = lint(&document, now());
    assert_eq!(
        found.iter().map(short).collect::<Vec<_>>(),
        ["error a b invalid -", "error u invalid -"]
    );
    assert_eq!(
        found[1].to_string(),
        "error: rule u: host: \"https://x.example.com/\": expected a host without scheme or path (invalid)"
    );
}

#[test]
fn findings_are_data() {
    let found = lint(
        &document(r#"{"rules": [{"id": "a", "effect": "allow", "host": "*.com"}]}"#),
        now(),
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(json[0]["kind"], "public_suffix");
    assert_eq!(json[0]["related"], serde_json::Value::Null);
    assert!(json[0].get("scope").is_none());
    assert_eq!(serde_json::from_value::<Vec<Finding>>(json).unwrap(), found);
}

/// Many rules about one host are what a careless comparison is quadratic in.
#[test]
fn many_rules_about_one_host_are_looked_at_in_bounded_work() {
    let mut document = PolicyDocument {
        mode: Some(Mode::Enforce),
        ..PolicyDocument::default()
    };
    for at in 0..3_000 {
        for (effect, word) in [(Effect::Allow, "a"), (Effect::Deny, "d")] {
            let mut rule = RuleDocument::new(format!("{word}{at}"), effect, "*.example.com");
            rule.path_glob = Some(format!("/{word}/{at}"));
            document.rules.push(rule);
        }
        let mut rule = RuleDocument::new(format!("o{at}"), Effect::Allow, format!("h{at}.example.com"));
        rule.ports = vec![443];
        document.rules.push(rule);
    }
    document
        .rules
        .push(RuleDocument::new("apex", Effect::Allow, "example.com"));
    document.rules.push(document.rules[0].clone());
    document.rules.last_mut().unwrap().id = "again".to_owned();
    let found = lint(&document, now());
    let of = |kind| found.iter().filter(|finding| finding.kind == kind).count();
    // Every deny is got past, and every constrained allow warned about.
    assert_eq!(of(Kind::OpaqueDeny), 3_000);
    assert_eq!(of(Kind::OpaqueAllow), 3_001);
    assert_eq!(of(Kind::Duplicate), 1);
    assert_eq!(of(Kind::MissingApex), 3_000);
    let others = of(Kind::OpaqueDeny) + of(Kind::OpaqueAllow) + of(Kind::Duplicate) + of(Kind::MissingApex);
    assert_eq!(found.len(), others);
    let policy = Policy::compile(&document).unwrap();
    let seen = Seen::Connection {
        server_name: b"h7.example.com",
        port: 443,
    };
    assert_eq!(
        policy.decide(&seen, &Surroundings::new(443), now()).action(),
        Action::Allow
    );
}
