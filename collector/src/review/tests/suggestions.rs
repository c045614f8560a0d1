//! What is suggested of which destinations.

use sluice_harness::suggest::{Catalogue, Class, Recommendation};
use sluice_policy::{Blocks, Policy};

use super::super::{simulation, suggestions};
use super::fixture::policy;
use super::*;
use crate::access::Scope;

async fn rows_with(
    fixture: &Fixture,
    selection: &Selection,
    infrastructure: &[&str],
    in_force: Option<&Policy>,
) -> Vec<suggestions::Row> {
    let patterns: Vec<String> = infrastructure.iter().map(ToString::to_string).collect();
    let circumstances = suggestions::Circumstances {
        catalogue: &Catalogue::built_in(),
        infrastructure: &Infrastructure::new(&patterns).unwrap(),
        policy: in_force,
        resolves_to: &Blocks::default(),
        now: NOW,
    };
    let since = Moment(NOW.0 - 7 * DAY);
    suggestions::of(&fixture.store, selection, since, &circumstances)
        .await
        .unwrap()
}

async fn rows(fixture: &Fixture) -> Vec<suggestions::Row> {
    rows_with(fixture, &Selection::everything(), &[], None).await
}

fn find<'r>(rows: &'r [suggestions::Row], subject: &str) -> &'r suggestions::Row {
    let found = rows.iter().find(|row| row.suggestion.subject() == subject);
    found.unwrap_or_else(|| panic!("{subject} is not in {rows:#?}"))
}

#[tokio::test]
async fn a_window_is_counted_in_whole_days() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com").on(TODAY - 30).requests(1000),
        // Before the window began, but on its first day.
        Sight::of("gone.example.org").on(TODAY - 7),
        Sight::of("a.example.com").on(TODAY - 6).requests(5),
        Sight::of("a.example.com").on(TODAY).requests(7).rejected(2),
    ])
    .await;
    let rows = rows(&fixture).await;
    assert_eq!(rows.len(), 1);
    let row = find(&rows, "a.example.com");
    assert_eq!(
        (
            row.suggestion.request_count,
            row.suggestion.days_active,
            row.denied_count
        ),
        (12, 2, 2)
    );
    let json = serde_json::to_value(row).unwrap();
    assert_eq!(json["first_seen"], "2024-09-28T08:00:00.000000Z");
    assert_eq!(json["last_seen"], "2024-10-04T08:00:01.000000Z");
    for list in ["methods", "ports", "members", "companions"] {
        assert!(json[list].is_array(), "{list}");
    }
    assert!(json.get("crowd").is_none());
}

#[tokio::test]
async fn each_class_has_its_recommendation() {
    let mut sights = Vec::new();
    for (host, day) in [
        ("pypi.org", 0),
        ("169.254.169.254", 0),
        ("api.ipify.org", 0),
        ("192.0.2.7", 0),
        ("fonts.googleapis.com", 0),
        ("cdn.jsdelivr.net", 0),
        ("cloudflare-ech.com", 0),
        ("once.example.net", 0),
    ] {
        sights.push(Sight::of(host).on(TODAY - day));
    }
    sights.extend((0..4).map(|ago| Sight::of("regular.example.org").on(TODAY - ago)));
    let fixture = Fixture::with(&sights).await;
    let rows = rows(&fixture).await;
    for (host, class, recommendation, word) in [
        ("pypi.org", Class::PackageIndex, Recommendation::Keep, "PyPI"),
        (
            "169.254.169.254",
            Class::CloudMetadata,
            Recommendation::Deny,
            "credentials",
        ),
        ("api.ipify.org", Class::IpLookup, Recommendation::Deny, "public address"),
        ("192.0.2.7", Class::RawIp, Recommendation::Question, "without a name"),
        (
            "fonts.googleapis.com",
            Class::Fonts,
            Recommendation::Question,
            "browser app",
        ),
        ("cdn.jsdelivr.net", Class::Cdn, Recommendation::Question, "browser app"),
        (
            "cloudflare-ech.com",
            Class::EchOuterName,
            Recommendation::Question,
            "hides",
        ),
        (
            "once.example.net",
            Class::Unknown,
            Recommendation::Question,
            "third party",
        ),
        ("regular.example.org", Class::Unknown, Recommendation::Keep, "4 days"),
    ] {
        let suggestion = &find(&rows, host).suggestion;
        assert_eq!(
            (suggestion.class, suggestion.recommendation),
            (class, recommendation),
            "{host}"
        );
        assert!(suggestion.reason.contains(word), "{host}: {}", suggestion.reason);
    }
    assert_eq!(
        find(&rows, "pypi.org").suggestion.companions,
        ["files.pythonhosted.org"]
    );
}

#[tokio::test]
async fn many_hosts_make_a_wildcard_and_only_what_is_all_in_clear_methods() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com"),
        Sight::of("b.example.com"),
        Sight::of("c.example.com").port(8443),
        Sight::of("clear.example.org")
            .port(80)
            .clear(&[("GET", "/v1/a", 6), ("POST", "/v1/b", 4)]),
        Sight::of("some.example.net").port(80).clear(&[("GET", "/v1/a", 9)]),
        Sight::of("cut.example.edu.au")
            .port(80)
            .clear(&[("GET", "/v1/a", 9), ("", "", 1)]),
        Sight::of("pathless.example.co.uk").port(80).clear(&[("GET", "", 10)]),
    ])
    .await;
    let rows = rows(&fixture).await;
    let wildcard = &find(&rows, "*.example.com").suggestion;
    assert_eq!(wildcard.members, ["a.example.com", "b.example.com", "c.example.com"]);
    assert_eq!(wildcard.ports, [443, 8443]);
    let seen = |host| {
        let suggestion = &find(&rows, host).suggestion;
        (suggestion.methods.join("+"), suggestion.path_glob.clone())
    };
    assert_eq!(
        seen("clear.example.org"),
        ("GET+POST".to_owned(), Some("/v1/**".to_owned()))
    );
    assert_eq!(seen("some.example.net"), (String::new(), None));
    assert_eq!(seen("cut.example.edu.au"), (String::new(), None));
    assert_eq!(seen("pathless.example.co.uk"), ("GET".to_owned(), None));
}

#[tokio::test]
async fn rows_for_many_are_questions() {
    let fixture = Fixture::with(&[
        Sight::of("*.example.com")
            .requests(5_000)
            .rejected(7)
            .overflow(&["x1.example.com", "x2.example.com"]),
        Sight::of("*").port(0).requests(9).overflow(&[]),
        Sight::of("0.0.0.0/0").requests(8).overflow(&["192.0.2.1"]),
    ])
    .await;
    let rows = rows(&fixture).await;
    let flood = find(&rows, "*.example.com");
    assert_eq!(flood.suggestion.recommendation, Recommendation::Question);
    assert_eq!(flood.suggestion.members, ["x1.example.com", "x2.example.com"]);
    assert!(
        flood.suggestion.reason.contains("5000 requests"),
        "{}",
        flood.suggestion.reason
    );
    assert_eq!((flood.denied_count, flood.seen_in), (7, 1));
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| row.suggestion.recommendation == Recommendation::Question && row.seen_in == 1)
    );
    // Nothing that a rule could name.
    let hosts: Vec<String> = suggestions::policy(&rows)
        .rules
        .into_iter()
        .map(|rule| rule.host)
        .collect();
    assert_eq!(hosts, ["*.example.com"]);
}

#[tokio::test]
async fn infrastructure_is_never_suggested() {
    let fixture = Fixture::with(&[
        Sight::of("a.corp.example.com"),
        Sight::of("*.corp.example").overflow(&["x.corp.example"]),
        Sight::of("10.0.0.5"),
        Sight::of("example.org"),
    ])
    .await;
    let ours = ["*.corp.example.com", "*.corp.example", "10.0.0.0/8"];
    let rows = rows_with(&fixture, &Selection::everything(), &ours, None).await;
    let subjects: Vec<&str> = rows.iter().map(|row| row.suggestion.subject()).collect();
    assert_eq!(subjects, ["example.org"]);
    let error = Infrastructure::new(&["https://example.com".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("https://example.com"), "{error}");
}

#[tokio::test]
async fn it_is_said_how_many_resources_asked() {
    let mut sights: Vec<Sight<'_>> = ["sb_1", "sb_2", "other_1"]
        .map(|id| Sight::of("a.example.com").by(id))
        .to_vec();
    sights.push(Sight::of("b.example.com").by("sb_2"));
    sights.push(Sight::of("b.example.com").by("sb_2").on(TODAY - 1));
    let fixture = Fixture::with(&sights).await;
    let seen = |rows: &[suggestions::Row]| -> Vec<(String, u64, usize)> {
        let one = |row: &suggestions::Row| {
            (
                row.suggestion.subject().to_owned(),
                row.suggestion.request_count,
                row.seen_in,
            )
        };
        rows.iter().map(one).collect()
    };
    let (a, b) = ("a.example.com".to_owned(), "b.example.com".to_owned());
    let all = rows(&fixture).await;
    assert_eq!(seen(&all), [(a.clone(), 30, 3), (b.clone(), 20, 1)]);
    assert_eq!(all[0].resource_id, None);

    let prefix = Selection::Scope(Scope::Prefix {
        kind: "sandbox".to_owned(),
        prefix: "sb_".to_owned(),
    });
    let some = rows_with(&fixture, &prefix, &[], None).await;
    assert_eq!(seen(&some), [(a.clone(), 20, 2), (b.clone(), 20, 1)]);
    let both_types = Selection::Resources(vec![
        Resource::new("computer", "sb_2"),
        sandbox("sb_1"),
        sandbox("sb_2"),
    ]);
    assert_eq!(seen(&rows_with(&fixture, &both_types, &[], None).await), seen(&some));
    assert!(
        rows_with(&fixture, &Selection::Resources(Vec::new()), &[], None)
            .await
            .is_empty()
    );
    // Asked for twice, counted once.
    let two = Selection::Resources(vec![sandbox("sb_1"), sandbox("other_1"), sandbox("sb_1")]);
    assert_eq!(seen(&rows_with(&fixture, &two, &[], None).await), [(a.clone(), 20, 2)]);

    let one = rows_with(&fixture, &Selection::one(sandbox("sb_1")), &[], None).await;
    assert_eq!(seen(&one), [(a, 10, 1)]);
    assert_eq!(one[0].resource_id.as_deref(), Some("sb_1"));
    assert_eq!(one[0].resource_type.as_deref(), Some("sandbox"));
    let none = rows_with(&fixture, &Selection::one(Resource::new("computer", "sb_1")), &[], None).await;
    assert!(none.is_empty());
}

#[tokio::test]
async fn what_a_rule_decides_already_is_marked() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com"),
        Sight::of("169.254.169.254"),
        Sight::of("new.example.org"),
        Sight::of("half.example.net").port(80).clear(&[("GET", "/", 9)]),
    ])
    .await;
    let in_force = policy(
        r#"{"mode": "audit_only", "rules": [
            {"id": "a", "effect": "allow", "host": "a.example.com"},
            {"id": "half", "effect": "allow", "host": "half.example.net", "methods": ["GET"]},
            {"id": "meta", "effect": "deny", "host": "169.254.169.254"}]}"#,
    );
    let rows = rows_with(&fixture, &Selection::everything(), &[], Some(&in_force)).await;
    let listed = |host| find(&rows, host).listed.as_deref();
    assert_eq!(listed("a.example.com"), Some("a"));
    assert_eq!(listed("169.254.169.254"), Some("meta"));
    assert_eq!(listed("new.example.org"), None);
    assert_eq!(listed("half.example.net"), None, "one of ten was opaque");
}

#[tokio::test]
async fn the_suggested_policy_rejects_exactly_what_is_to_be_denied() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com").requests(100),
        Sight::of("b.example.com"),
        Sight::of("c.example.com"),
        Sight::of("clear.example.org")
            .port(80)
            .clear(&[("GET", "/v1/a", 6), ("POST", "/v1/b", 4)]),
        Sight::of("both.example.org").port(80).clear(&[("GET", "/v1/a", 6)]),
        Sight::of("169.254.169.254")
            .port(80)
            .clear(&[("GET", "/latest/meta-data", 10)]),
        Sight::of("api.ipify.org"),
        Sight::of("2001:db8::7"),
        Sight::of("*.flood.example").requests(50).overflow(&["x.flood.example"]),
    ])
    .await;
    let rows = rows(&fixture).await;
    let suggested = Policy::compile(&suggestions::policy(&rows)).unwrap();
    let trial = simulation::Trial {
        policy: &suggested,
        current: None,
        resolves_to: &Blocks::default(),
        at: NOW,
        now: NOW,
    };
    let since = Moment(NOW.0 - 7 * DAY);
    let found = simulation::of(&fixture.store, &Selection::everything(), since, &trial)
        .await
        .unwrap();
    let mut rejected: Vec<&str> = found.destinations.iter().map(|row| row.host.as_str()).collect();
    rejected.sort_unstable();
    assert_eq!(rejected, ["169.254.169.254", "api.ipify.org"]);
    let denied: u64 = rows
        .iter()
        .filter(|row| row.suggestion.recommendation == Recommendation::Deny)
        .map(|row| row.suggestion.request_count)
        .sum();
    assert_eq!((found.totals.rejected, found.totals.requests), (denied, 220));
}

#[tokio::test]
async fn the_suggested_policy_lets_names_lead_where_they_led() {
    let four = ["10.2.3.1", "10.2.3.2", "10.2.3.3", "10.2.3.4"];
    let fixture = Fixture::with(&[
        Sight::of("db.example.com").port(5432).led_to(&["10.2.3.4"]),
        Sight::of("db.example.com")
            .by("sb_2")
            .port(5432)
            .led_to(&["10.2.3.5", "fd00::1"]),
        Sight::of("cluster.example.org").led_to(&[&four[..], &["10.2.3.77"]].concat()),
        Sight::of("local.example.net").led_to(&["127.0.0.2"]),
        Sight::of("rebound.example.net").led_to(&["10.2.3.4", "169.254.169.254"]),
        Sight::of("10.2.3.4").led_to(&["10.2.3.4"]),
        Sight::of("public.example.net"),
    ])
    .await;
    let rows = rows(&fixture).await;
    for (host, recommendation, blocks, reason) in [
        (
            "db.example.com",
            Recommendation::Question,
            &["10.2.3.4/32", "10.2.3.5/32", "fd00::1/128"][..],
            "This name leads to 10.2.3.4 and 2 others, which is not public",
        ),
        (
            "cluster.example.org",
            Recommendation::Question,
            &["10.2.3.0/24"],
            "10.2.3.1 and 4 others",
        ),
        (
            "local.example.net",
            Recommendation::Question,
            &["127.0.0.2/32"],
            "the proxy's own machine",
        ),
        (
            "rebound.example.net",
            Recommendation::Deny,
            &[],
            "leads to 169.254.169.254, which hands the machine's credentials",
        ),
        (
            "10.2.3.4",
            Recommendation::Question,
            &[],
            "A private address without a name",
        ),
        ("public.example.net", Recommendation::Question, &[], "third party"),
    ] {
        let found = &find(&rows, host).suggestion;
        assert_eq!(
            (
                found.recommendation,
                found.resolves_to.iter().map(String::as_str).collect::<Vec<_>>()
            ),
            (recommendation, blocks.to_vec()),
            "{host}"
        );
        assert!(found.reason.contains(reason), "{host}: {}", found.reason);
    }
    let suggested = Policy::compile(&suggestions::policy(&rows)).unwrap();
    let trial = simulation::Trial {
        policy: &suggested,
        current: None,
        resolves_to: &Blocks::default(),
        at: NOW,
        now: NOW,
    };
    let since = Moment(NOW.0 - 7 * DAY);
    let found = simulation::of(&fixture.store, &Selection::everything(), since, &trial)
        .await
        .unwrap();
    let rejected: Vec<&str> = found.destinations.iter().map(|row| row.host.as_str()).collect();
    assert_eq!(rejected, ["rebound.example.net"]);
}

/// Days come as bits where there are few enough of them.
#[tokio::test]
async fn of_one_resource_a_window_may_be_longer_than_a_number_has_bits() {
    let sights = [
        Sight::of("a.example.com").on(TODAY - 90).requests(1),
        Sight::of("a.example.com").on(TODAY - 80).requests(2),
        Sight::of("a.example.com").on(TODAY - 7).requests(4),
        Sight::of("a.example.com").on(TODAY).requests(8),
        Sight::of("a.example.com").by("sb_2").requests(100),
    ];
    let fixture = Fixture::with(&sights).await;
    let one = Selection::one(sandbox("sb_1"));
    for (days, expected) in [(0, (8, 1)), (7, (12, 2)), (61, (12, 2)), (80, (14, 3)), (90, (15, 4))] {
        let circumstances = suggestions::Circumstances {
            catalogue: &Catalogue::built_in(),
            infrastructure: &Infrastructure::new(&[]).unwrap(),
            policy: None,
            resolves_to: &Blocks::default(),
            now: NOW,
        };
        let since = Moment((TODAY - days) * DAY);
        let rows = suggestions::of(&fixture.store, &one, since, &circumstances)
            .await
            .unwrap();
        let found = (rows[0].suggestion.request_count, rows[0].suggestion.days_active);
        assert_eq!((rows.len(), found, rows[0].seen_in), (1, expected, 1), "{days}");
    }
}
