//! What is recommended, and the policy that follows from it.

use std::collections::BTreeSet;

use sluice_policy::{Effect, Policy, PolicyDocument, Reason};

use super::super::{Class, FREQUENT, Omission, Recommendation, policy_of};
use super::*;

fn only(recorded: Recorded) -> Suggestion {
    let mut suggestions = suggest(&[recorded]);
    assert_eq!(suggestions.len(), 1);
    suggestions.remove(0)
}

#[test]
fn each_class_has_its_recommendation() {
    for (target, class, recommendation, reason) in [
        (
            "index.example.net:443",
            Class::PackageIndex,
            Recommendation::Keep,
            "Example Packages is a package index",
        ),
        (
            "files.example.net:443",
            Class::PackageFiles,
            Recommendation::Keep,
            "Example Packages files serves the files",
        ),
        (
            "a.fonts.example.org:443",
            Class::Fonts,
            Recommendation::Question,
            "keep it only if it serves a browser app",
        ),
        (
            "a.cdn.example.org:443",
            Class::Cdn,
            Recommendation::Question,
            "keep it only if it serves a browser app",
        ),
        (
            "myip.example.org:443",
            Class::IpLookup,
            Recommendation::Deny,
            "tells a client its public address",
        ),
        (
            "metadata.internal:80",
            Class::CloudMetadata,
            Recommendation::Deny,
            "credentials",
        ),
        (
            "192.0.2.254:80",
            Class::CloudMetadata,
            Recommendation::Deny,
            "credentials",
        ),
        (
            "198.51.100.9:443",
            Class::RawIp,
            Recommendation::Question,
            "An address without a name",
        ),
        (
            "[2001:db8::9]:443",
            Class::RawIp,
            Recommendation::Question,
            "An address without a name",
        ),
        (
            "10.1.2.3:5432",
            Class::RawIp,
            Recommendation::Question,
            "A private address without a name",
        ),
        (
            "www.example.com:443",
            Class::Unknown,
            Recommendation::Question,
            "not in the catalogue (1 request to this domain)",
        ),
    ] {
        let found = only(connect(target));
        assert_eq!((found.class, found.recommendation), (class, recommendation), "{target}");
        assert!(found.reason.contains(reason), "{target}: {}", found.reason);
        assert!(
            found.reason.ends_with('.') && found.reason.matches(". ").count() == 0,
            "{}",
            found.reason
        );
    }
}

#[test]
fn names_that_are_hardly_asked_for_twice_are_never_regular() {
    let seen: Vec<_> = (0..100)
        .map(|number| {
            let day = format!("2026-03-{:02}T08:00:00Z", 1 + number % 7);
            at(connect(&format!("u{number}.exfil.example:443")), &day)
        })
        .collect();
    let found = suggest(&seen);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].recommendation, Recommendation::Question);
    assert!(
        found[0].reason.contains("100 requests to 100 hosts"),
        "{}",
        found[0].reason
    );
}

#[test]
fn a_denied_host_is_denied_on_every_port_and_once() {
    let found = suggest(&[
        http("GET", "169.254.169.254", "/"),
        connect("169.254.169.254:8080"),
        http("GET", "[::ffff:169.254.169.254]", "/"),
    ]);
    let denies: Vec<_> = policy_of(&found)
        .rules
        .into_iter()
        .filter(|rule| rule.host.contains("169.254.169.254"))
        .collect();
    assert_eq!(denies.len(), 1, "{denies:?}");
    assert!(denies[0].ports.is_empty());
}

#[test]
fn what_is_frequent_is_kept_whatever_port_it_goes_to() {
    let seen = |count, day: &str| {
        suggest(&[
            at(times(connect("www.example.com:443"), count), "2026-03-02T08:00:00Z"),
            at(http("GET", "www.example.com", "/"), day),
        ])
    };
    for (count, day, expected) in [
        (FREQUENT - 2, "2026-03-03T08:00:00Z", Recommendation::Question),
        (FREQUENT - 1, "2026-03-03T08:00:00Z", Recommendation::Keep),
        (1000, "2026-03-02T09:00:00Z", Recommendation::Question),
    ] {
        let found = seen(count, day);
        assert_eq!(found.len(), 2);
        assert!(
            found.iter().all(|suggestion| suggestion.recommendation == expected),
            "{found:?}"
        );
    }
    // A domain is regular as a whole; strangers beside each other are not.
    let pair = |one: &str, other: &str| {
        let seen = [
            at(times(connect(&format!("{one}:443")), FREQUENT), "2026-03-02T08:00:00Z"),
            at(connect(&format!("{one}:443")), "2026-03-03T08:00:00Z"),
            at(connect(&format!("{other}:443")), "2026-03-03T08:00:00Z"),
        ];
        suggest(&seen)
            .iter()
            .filter(|found| found.recommendation == Recommendation::Keep)
            .count()
    };
    assert_eq!(pair("www.example.com", "example.com"), 2);
    assert_eq!(pair("www.example.com", "www.example.org"), 1);
    assert_eq!(pair("a.hosting.example", "b.hosting.example"), 1);
    assert_eq!(pair("a.co.uk", "b.co.uk"), 1);
    // Often is no reason for what should not be there at all.
    assert_eq!(
        only(times(connect("myip.example.org:443"), 1000)).recommendation,
        Recommendation::Deny
    );
    assert_eq!(
        only(times(connect("198.51.100.9:443"), 1000)).recommendation,
        Recommendation::Question
    );
}

#[test]
fn companions_are_named_when_they_were_not_seen() {
    for (seen, host, companions) in [
        (
            &["index.example.net"][..],
            "index.example.net",
            &["files.example.net", "keys.example.net"][..],
        ),
        (
            &["files.example.net"],
            "files.example.net",
            &["index.example.net", "keys.example.net"],
        ),
        // A role is seen by any of its patterns.
        (
            &["index.example.net", "a.files.example.net"],
            "index.example.net",
            &["keys.example.net"],
        ),
        (
            &["index.example.net", "files.example.net", "keys.example.net"],
            "index.example.net",
            &[],
        ),
        (&["myip.example.org"], "myip.example.org", &[]),
    ] {
        let recorded: Vec<Recorded> = seen.iter().map(|host| connect(&format!("{host}:443"))).collect();
        let suggestions = suggest(&recorded);
        let found = suggestions
            .iter()
            .find(|suggestion| suggestion.subject() == host)
            .unwrap();
        assert_eq!(found.companions, companions, "{seen:?}");
        let note = policy_of(std::slice::from_ref(found)).rules[0]
            .note
            .clone()
            .unwrap_or_default();
        assert_eq!(note.contains("Usually comes with"), !companions.is_empty(), "{note}");
    }
}

#[test]
fn targets_that_no_rule_should_name_are_left_out() {
    let found = suggest_with(
        Options::default(),
        &[
            connect("127.0.0.1:8080"),
            times(connect("[::1]:8080"), 4),
            http("GET", "localhost:3000", "/"),
            http("GET", "user@example.com", "/"),
            http("GET", "USER@example.com", "/"),
            connect("noport.example.com"),
            recorded(Traffic::Connection {
                server_name: Vec::new(),
                port: 443,
            }),
            recorded(Traffic::Connection {
                server_name: b"192.0.2.1".to_vec(),
                port: 443,
            }),
            connect("[::ffff:192.0.2.1]:443"),
        ],
    );
    assert_eq!(found.suggestions, []);
    let left_out: Vec<String> = found
        .left_out
        .iter()
        .map(|left| format!("{:?} {} x{}", left.reason, left.target, left.request_count))
        .collect();
    assert_eq!(
        left_out,
        [
            "InvalidTarget  x1",
            "InvalidTarget 192.0.2.1 x1",
            "InvalidTarget USER@example.com x1",
            "InvalidTarget noport.example.com x1",
            "InvalidTarget user@example.com x1",
            "SelfAddress 127.0.0.1:8080 x1",
            "SelfAddress [::1]:8080 x4",
            "SelfAddress localhost:3000 x1",
            "MappedAddress [::ffff:192.0.2.1]:443 x1",
        ]
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["left_out"][5]["reason"], "self");
    assert!(Omission::SelfAddress.to_string().contains("no destination"));
}

#[test]
fn a_policy_has_a_rule_for_each_suggestion() {
    let suggestions = suggest(&[
        http("GET", "www.example.com", "/a"),
        connect("index.example.net:443"),
        connect("files.example.net:443"),
        connect("keys.example.net:443"),
        http("GET", "169.254.169.254", "/latest/meta-data"),
    ]);
    let document = policy_of(&suggestions);
    let json = serde_json::to_value(&document).unwrap();
    let rule = |id: &str| {
        json["rules"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rule| rule["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(json["mode"], "enforce");
    assert_eq!(json["default_effect"], "deny");
    assert_eq!(document.rules.len(), 5);
    assert_eq!(
        rule("index.example.net"),
        serde_json::json!({"id": "index.example.net", "effect": "allow", "host": "index.example.net", "ports": [443]})
    );
    let question = rule("www.example.com");
    assert_eq!(question["methods"], serde_json::json!(["GET"]));
    assert_eq!(question["path_glob"], "/a");
    assert!(
        question["note"].as_str().unwrap().starts_with("Question: "),
        "{question}"
    );
    let denied = rule("169.254.169.254");
    assert_eq!(denied["effect"], "deny");
    assert_eq!(denied.get("ports"), None, "on every port");
    assert!(
        denied.get("methods").is_none(),
        "a deny that looks inside lets tunnels pass: {denied}"
    );
    assert!(denied["note"].as_str().unwrap().contains("credentials"), "{denied}");
    let bytes = serde_json::to_vec(&document).unwrap();
    assert_eq!(PolicyDocument::from_json(&bytes).unwrap(), document);
}

#[test]
fn ids_are_readable_unique_and_valid() {
    let long = format!("{}.example.com", vec!["abcdefghi"; 20].join("."));
    let twin = format!("{}.example.net", vec!["abcdefghi"; 20].join("."));
    let mut seen = vec![
        http("GET", "both.example.com", "/"),
        connect("both.example.com:443"),
        connect("[2001:db8::9]:443"),
        connect(&format!("{long}:443")),
        connect(&format!("{twin}:443")),
        connect("any.example.org:443"),
    ];
    seen.extend(["a", "b", "c"].map(|host| connect(&format!("{host}.example.org:443"))));
    // Names of one label that are words of the audit trail.
    seen.extend(Reason::ALL.iter().map(|reason| connect(&format!("{reason}:443"))));
    let document = policy_of(&suggest(&seen));
    let ids: BTreeSet<&str> = document.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), document.rules.len());
    for expected in [
        "both.example.com",
        "both.example.com:443",
        "2001:db8::9",
        "any.example.org",
        "self:443",
    ] {
        assert!(ids.contains(expected), "{expected} in {ids:?}");
    }
    assert!(ids.iter().all(|id| id.len() <= 64));
    Policy::compile(&document).unwrap();
    assert!(
        document
            .rules
            .iter()
            .all(|rule| rule.effect == Effect::Allow && !rule.ports.is_empty())
    );
}

#[test]
fn where_a_name_leads_matters_more_than_its_class() {
    let led = |target: &str, address: &str| Recorded {
        address: Some(address.parse().unwrap()),
        ..connect(target)
    };
    for (target, recommendation, blocks, reason) in [
        (
            "index.example.net:443",
            Recommendation::Question,
            &["10.2.3.4/32"][..],
            "Example Packages leads to 10.2.3.4, which is not public",
        ),
        (
            "inside.example.com:443",
            Recommendation::Question,
            &["10.2.3.4/32"],
            "This name leads to 10.2.3.4, which is not public",
        ),
        (
            "myip.example.org:443",
            Recommendation::Deny,
            &[],
            "tells a client its public address",
        ),
        (
            "10.2.3.4:443",
            Recommendation::Question,
            &[],
            "A private address without a name",
        ),
    ] {
        let found = only(led(target, "10.2.3.4"));
        assert_eq!(
            (found.recommendation, &*found.resolves_to),
            (
                recommendation,
                &blocks.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
            ),
            "{target}"
        );
        assert!(found.reason.contains(reason), "{target}: {}", found.reason);
    }
    let metadata = only(led("inside.example.com:443", "169.254.169.254"));
    assert_eq!(metadata.recommendation, Recommendation::Deny);
    let public = only(led("inside.example.com:443", "203.0.113.1"));
    assert_eq!(public, only(connect("inside.example.com:443")));
}

#[test]
fn a_wildcard_leads_where_its_hosts_led_and_never_to_metadata() {
    let led = |host: &str, address: &str| Recorded {
        address: Some(address.parse().unwrap()),
        ..connect(&format!("{host}.inside.example.com:443"))
    };
    let recorded = [
        led("a", "10.2.3.4"),
        led("b", "10.2.3.5"),
        led("c", "203.0.113.1"),
        led("d", "169.254.169.254"),
    ];
    let found = suggest(&recorded);
    assert_eq!(
        lines(&found),
        [
            "*.inside.example.com [443] any - x3",
            "d.inside.example.com [443] any - x1"
        ]
    );
    let document = policy_of(&found);
    let rules: Vec<_> = document
        .rules
        .iter()
        .map(|rule| (rule.host.as_str(), rule.effect, rule.resolves_to.join(" ")))
        .collect();
    assert!(rules.contains(&(
        "*.inside.example.com",
        Effect::Allow,
        "10.2.3.4/32 10.2.3.5/32".to_owned()
    )));
    assert!(rules.contains(&("d.inside.example.com", Effect::Deny, String::new())));
    Policy::compile(&document).unwrap();
}
