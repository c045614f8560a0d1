//! Which hosts are put under a wildcard, and what is said of methods and paths.

use super::super::WILDCARD_FROM;
use super::*;
use crate::recording::Visibility;

fn tunnels(hosts: &[&str]) -> Vec<Recorded> {
    hosts.iter().map(|host| connect(&format!("{host}:443"))).collect()
}

fn subjects(hosts: &[&str]) -> Vec<String> {
    let mut subjects: Vec<String> = suggest(&tunnels(hosts))
        .iter()
        .map(|suggestion| suggestion.subject().to_owned())
        .collect();
    subjects.sort();
    subjects
}

#[test]
fn a_wildcard_needs_three_hosts_below_its_name() {
    assert_eq!(WILDCARD_FROM, 3);
    for (hosts, expected) in [
        (
            &["a.example.com", "b.example.com"][..],
            &["a.example.com", "b.example.com"][..],
        ),
        (&["a.example.com", "b.example.com", "c.example.com"], &["*.example.com"]),
        // The name itself is not below itself, and not matched by the wildcard.
        (
            &["a.example.com", "b.example.com", "example.com"],
            &["a.example.com", "b.example.com", "example.com"],
        ),
        (
            &["a.example.com", "b.example.com", "c.example.com", "example.com"],
            &["*.example.com", "example.com"],
        ),
        // The same host seen again is no further host.
        (
            &["a.example.com", "A.example.com.", "b.example.com"],
            &["a.example.com", "b.example.com"],
        ),
        // The wildcard goes no higher than it must.
        (
            &["a.x.example.com", "b.x.example.com", "c.d.x.example.com"],
            &["*.x.example.com"],
        ),
        (
            &["x.example.com", "a.x.example.com", "b.x.example.com", "c.x.example.com"],
            &["*.x.example.com", "x.example.com"],
        ),
        (
            &["x.example.com", "a.x.example.com", "b.x.example.com"],
            &["a.x.example.com", "b.x.example.com", "x.example.com"],
        ),
        (
            &["a.x.example.com", "b.x.example.com", "c.yx.example.com"],
            &["*.example.com"],
        ),
        (
            &["a.example.com", "b.example.com", "c.example.org"],
            &["a.example.com", "b.example.com", "c.example.org"],
        ),
    ] {
        assert_eq!(subjects(hosts), expected, "{hosts:?}");
    }
}

#[test]
fn a_wildcard_is_never_over_a_public_suffix() {
    for hosts in [
        ["a.co.uk", "b.co.uk", "c.co.uk"],
        ["a.com", "b.com", "c.com"],
        // The private section of the list.
        ["a.github.io", "b.github.io", "c.github.io"],
        ["a", "b", "c"],
    ] {
        assert_eq!(subjects(&hosts), hosts);
    }
    assert_eq!(
        subjects(&["a.example.co.uk", "b.example.co.uk", "c.example.co.uk"]),
        ["*.example.co.uk"]
    );
    assert_eq!(
        subjects(&["a.me.github.io", "b.me.github.io", "c.me.github.io"]),
        ["*.me.github.io"]
    );
}

#[test]
fn addresses_and_neighbours_of_strangers_stay_by_themselves() {
    for hosts in [
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
        ["a.hosting.example", "b.hosting.example", "c.hosting.example"],
        // Listed one by one in the catalogue.
        ["r1.registry.example", "r2.registry.example", "r3.registry.example"],
        // To be denied.
        ["a.myip.example.org", "b.myip.example.org", "c.myip.example.org"],
        // A wildcard would take in what the catalogue knows by name,
        ["a.example.net", "b.example.net", "c.example.net"],
        // or what belongs to strangers.
        ["a.strangers.example", "b.strangers.example", "c.strangers.example"],
    ] {
        assert_eq!(subjects(&hosts), hosts);
    }
}

#[test]
fn groups_are_made_within_one_service() {
    assert_eq!(
        subjects(&[
            "a.fonts.example.org",
            "b.fonts.example.org",
            "a.cdn.example.org",
            "b.cdn.example.org",
            "a.other.example.org",
        ]),
        [
            "a.cdn.example.org",
            "a.fonts.example.org",
            "a.other.example.org",
            "b.cdn.example.org",
            "b.fonts.example.org"
        ]
    );
    assert_eq!(
        subjects(&[
            "a.fonts.example.org",
            "b.fonts.example.org",
            "c.fonts.example.org",
            "a.cdn.example.org"
        ]),
        ["*.fonts.example.org", "a.cdn.example.org"]
    );
}

#[test]
fn the_threshold_is_an_option() {
    let options = Options {
        wildcard_from: 2,
        ..Options::default()
    };
    let suggestions = suggest_with(options, &tunnels(&["a.example.com", "b.example.com"])).suggestions;
    assert_eq!(suggestions[0].pattern.as_deref(), Some("*.example.com"));
    assert_eq!(suggestions[0].host, None);
    assert_eq!(suggestions[0].members, ["a.example.com", "b.example.com"]);
}

#[test]
fn methods_and_paths_need_every_sighting_in_clear() {
    let suggestions = suggest(&[
        http("GET", "clear.example.com", "/v1/items?page=1"),
        http("HEAD", "clear.example.com:80", "/v1/models"),
        http("GET", "mixed.example.net:8080", "/v1/items"),
        connect("mixed.example.net:8080"),
        http("GET", "ports.example.org", "/only"),
        connect("ports.example.org:443"),
    ]);
    assert_eq!(
        lines(&suggestions),
        [
            "clear.example.com [80] GET+HEAD /v1/** x2",
            "mixed.example.net [8080] any - x2",
            "ports.example.org [443] any - x1",
            "ports.example.org [80] GET /only x1",
        ]
    );
}

#[test]
fn https_shows_methods_only_where_tls_ends_at_the_filter() {
    let https = recorded(Traffic::Exchange {
        tls: true,
        authority: b"api.example.com:443".to_vec(),
        method: b"POST".to_vec(),
        path: Some(b"/v1/items".to_vec()),
    });
    let under = |visibility| {
        let options = Options {
            visibility,
            ..Options::default()
        };
        lines(&suggest_with(options, std::slice::from_ref(&https)).suggestions)
    };
    assert_eq!(under(Visibility::Proxy), ["api.example.com [443] any - x1"]);
    assert_eq!(
        under(Visibility::Terminated),
        ["api.example.com [443] POST /v1/items x1"]
    );
}

#[test]
fn a_group_has_methods_but_no_path() {
    let mut seen: Vec<Recorded> = ["a", "b", "c"]
        .iter()
        .map(|host| http("GET", &format!("{host}.example.com"), "/same"))
        .collect();
    assert_eq!(lines(&suggest(&seen)), ["*.example.com [80] GET - x3"]);
    seen.push(connect("d.example.com:443"));
    seen.push(http("POST", "d.example.com:8080", "/same"));
    assert_eq!(
        lines(&suggest(&seen)),
        ["*.example.com [443] any - x1", "*.example.com [80, 8080] GET+POST - x4"]
    );
    seen.push(connect("d.example.com:80"));
    assert_eq!(
        lines(&suggest(&seen)),
        ["*.example.com [80, 443] any - x5", "*.example.com [8080] POST - x1"]
    );
}

#[test]
fn methods_that_no_policy_accepts_are_not_listed() {
    let many: Vec<Recorded> = (0..40)
        .map(|n| http(&format!("M{n}"), "many.example.com", "/"))
        .collect();
    assert_eq!(lines(&suggest(&many)), ["many.example.com [80] any / x40"]);
    let odd = [http("GET", "odd.example.com", "/"), http("G T", "odd.example.com", "/")];
    assert_eq!(lines(&suggest(&odd)), ["odd.example.com [80] any / x2"]);
}

#[test]
fn an_ambiguous_or_unrecorded_path_leaves_the_glob_out() {
    let unrecorded = recorded(Traffic::Exchange {
        tls: false,
        authority: b"a.example.com".to_vec(),
        method: b"GET".to_vec(),
        path: None,
    });
    for odd in [
        http("GET", "a.example.com", "/v1/a%2fb"),
        http("OPTIONS", "a.example.com", "*"),
        unrecorded,
    ] {
        let suggestions = suggest(&[http("GET", "a.example.com", "/v1/a"), odd]);
        assert_eq!(suggestions.len(), 1);
        assert_eq!(suggestions[0].path_glob, None);
        assert!(!suggestions[0].methods.is_empty());
    }
}

#[test]
fn counts_and_times_are_kept() {
    let suggestions = suggest(&[
        at(times(connect("a.example.com:443"), 5), "2026-03-02T08:00:00Z"),
        at(connect("a.example.com:443"), "2026-03-02T09:00:00Z"),
        at(connect("a.example.com:8443"), "2026-03-04T01:00:00+02:00"),
        at(connect("a.example.com:443"), "2026-03-01T23:59:59.999999Z"),
        connect("a.example.com:443"),
    ]);
    assert_eq!(suggestions.len(), 1);
    let found = &suggestions[0];
    assert_eq!(found.ports, [443, 8443]);
    assert_eq!(found.request_count, 9);
    assert_eq!(found.first_seen.unwrap().to_string(), "2026-03-01T23:59:59.999999Z");
    assert_eq!(found.last_seen.unwrap().to_string(), "2026-03-03T23:00:00.000000Z");
    assert_eq!(found.days_active, 3);
}
