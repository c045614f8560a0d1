//! Destinations known in all, and hosts that were too many to be kept apart.

use sluice_policy::Policy;

use super::super::{Class, Destination, LedTo, Many, Recommendation, Services, Total, neighbourhood, policy_of};
use super::*;

fn total(count: u64, days: std::ops::Range<i32>) -> Total {
    Total {
        count,
        days: days.collect(),
        ..Total::default()
    }
}

fn opaque(host: &str, count: u64, days: i32) -> Destination<'_> {
    Destination {
        host: host.into(),
        port: 443,
        total: total(count, 0..days),
        inside: None,
        led_to: LedTo::default(),
    }
}

/// The suggestions, which are the same however the neighbourhoods were shared out.
fn suggest_of(destinations: &[Destination<'_>], crowds: &[Many<'_>]) -> Vec<Suggestion> {
    let catalogue = catalogue();
    let observe = |is_meant: &dyn Fn(&str) -> bool| {
        let mut observed = Observed::new(&catalogue, Options::default());
        let hosts = destinations.iter().filter(|one| is_meant(neighbourhood(&one.host)));
        hosts.for_each(|one| observed.add_destination(one));
        let crowds = crowds.iter().filter(|many| is_meant(neighbourhood(many.of)));
        crowds.for_each(|many| observed.add_many(many));
        observed
    };
    let found = observe(&|_| true).suggestions();
    for one in destinations {
        let apart = neighbourhood(&one.host);
        let parts = [observe(&|other| other == apart), observe(&|other| other != apart)];
        let mut seen = Services::default();
        parts.iter().for_each(|part| seen.add(part.services()));
        let mut all: Vec<Suggestion> = parts
            .into_iter()
            .flat_map(|part| part.suggestions_beside(&seen).suggestions)
            .collect();
        all.sort_by(Suggestion::before);
        assert_eq!(all, found.suggestions, "with {apart} apart");
    }
    found.suggestions
}

#[test]
fn hosts_of_one_domain_are_neighbours() {
    for (name, expected) in [
        ("a.b.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.example.co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
    ] {
        assert_eq!(neighbourhood(name), expected, "{name}");
    }
}

#[test]
fn in_all_or_one_by_one_the_suggestions_are_the_same() {
    let one_by_one = [
        http("GET", "plain.example.org", "/v1/a"),
        times(http("POST", "plain.example.org", "/v1/b"), 4),
        times(connect("a.example.com:443"), 5),
        connect("b.example.com:443"),
        connect("c.example.com:8443"),
        connect("192.0.2.1:443"),
        connect("[2001:db8::1]:443"),
        connect("myip.example.org:443"),
        connect("localhost:443"),
    ];
    let seen = |host, port, count| Destination {
        port,
        total: total(count, 0..0),
        ..opaque(host, 0, 0)
    };
    let in_all = [
        Destination {
            inside: Some(&[("GET", Some("/v1/a")), ("POST", Some("/v1/b"))]),
            ..seen("plain.example.org", 80, 5)
        },
        seen("a.example.com", 443, 5),
        seen("b.example.com", 443, 1),
        seen("c.example.com", 8443, 1),
        seen("192.0.2.1", 443, 1),
        seen("2001:db8::1", 443, 1),
        seen("myip.example.org", 443, 1),
        seen("localhost", 443, 1),
    ];
    assert_eq!(suggest_of(&in_all, &[]), suggest(&one_by_one));
}

#[test]
fn a_path_that_is_not_known_makes_no_glob_and_hides_no_method() {
    let found = suggest_of(
        &[Destination {
            inside: Some(&[("GET", Some("/v1/a")), ("PUT", None)]),
            ..opaque("plain.example.org", 2, 1)
        }],
        &[],
    );
    assert_eq!(lines(&found), ["plain.example.org [443] GET+PUT - x2"]);
}

#[test]
fn names_beyond_counting_are_a_question_and_never_kept() {
    let samples = ["x1.flood.example.com".to_owned(), "x2.flood.example.com".to_owned()];
    let many = |of, port, count| Many {
        of,
        port,
        samples: &samples,
        total: total(count, 0..7),
        led_to: LedTo::default(),
    };
    // Alone; the busy neighbour stays a suggestion of its own, and is no more regular for it.
    let found = suggest_of(
        &[opaque("api.example.com", 900, 7)],
        &[many("example.com", 443, 50_000)],
    );
    assert_eq!(
        lines(&found),
        ["*.example.com [443] any - x50000", "api.example.com [443] any - x900"]
    );
    for suggestion in &found {
        assert_eq!(suggestion.recommendation, Recommendation::Question, "{suggestion:?}");
    }
    assert_eq!(found[0].members, samples);
    assert!(found[0].reason.contains("50000 requests"), "{}", found[0].reason);

    // With a wildcard of the same name they are one suggestion.
    let names: Vec<String> = (0..5).map(|n| format!("n{n}.example.com")).collect();
    let hosts: Vec<Destination<'_>> = names.iter().map(|name| opaque(name, 100, 7)).collect();
    let found = suggest_of(&hosts, &[many("example.com", 0, 50)]);
    assert_eq!(lines(&found), ["*.example.com [] any - x550"]);
    assert_eq!(found[0].recommendation, Recommendation::Question);
    assert_eq!(found[0].members.len(), 7);

    // Without a domain in common no rule is made, a public suffix included.
    for of in ["*", "0.0.0.0/0", "com", "co.uk", "db", ""] {
        let found = suggest_of(&[], &[many(of, 443, 9)]);
        assert_eq!((&found[0].host, &found[0].pattern), (&None, &None), "{of}");
        assert_eq!(found[0].recommendation, Recommendation::Question, "{of}");
        assert!(policy_of(&found).rules.is_empty(), "{of}");
    }
    // What is to be denied is so whatever its names are.
    let deny = suggest_of(&[], &[many("ipify.org", 443, 9)]);
    assert_eq!(deny[0].recommendation, Recommendation::Deny);
    let policy = Policy::compile(&policy_of(&deny)).unwrap();
    assert_eq!(policy.rules().len(), 1);
}

#[test]
fn an_outer_name_is_a_question_that_says_what_it_hides() {
    let found = suggest_of(&[opaque("cloudflare-ech.com", 500, 7)], &[]);
    assert_eq!(found[0].class, Class::EchOuterName);
    assert_eq!(found[0].recommendation, Recommendation::Question);
    assert!(found[0].reason.contains("hides"), "{}", found[0].reason);
    assert_eq!(found[0].days_active, 7);
}
