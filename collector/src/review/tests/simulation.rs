//! What a policy would do to what was seen.

use sluice_policy::{Action, Blocks, Policy, PolicyDocument, Why};

use super::super::explain;
use super::super::simulation::{self, Affected, Simulation, Trial};
use super::fixture::policy;
use super::*;

async fn simulate(fixture: &Fixture, policy: &Policy, current: Option<&Policy>) -> Simulation {
    let trial = Trial {
        policy,
        current,
        resolves_to: &Blocks::default(),
        at: NOW,
        now: NOW,
    };
    of(fixture, &trial).await
}

async fn of(fixture: &Fixture, trial: &Trial<'_>) -> Simulation {
    let since = Moment(NOW.0 - 7 * DAY);
    let found = simulation::of(&fixture.store, &Selection::everything(), since, trial)
        .await
        .unwrap();
    let totals = found.totals;
    assert_eq!(totals.requests, totals.allowed + totals.warned + totals.rejected);
    let listed = |action| {
        found
            .destinations
            .iter()
            .filter(|row| row.action == action)
            .map(|row| row.count)
            .sum::<u64>()
    };
    assert_eq!(
        (listed(Action::Warn), listed(Action::Reject)),
        (totals.warned, totals.rejected)
    );
    found
}

fn row<'s>(found: &'s Simulation, host: &str) -> &'s Affected {
    let row = found.destinations.iter().find(|row| row.host == host);
    row.unwrap_or_else(|| panic!("{host} is not in {found:#?}"))
}

fn why(row: &Affected) -> Option<(&str, Why)> {
    row.nearest
        .as_ref()
        .map(|nearest| (nearest.rule_id.as_ref(), nearest.why))
}

#[tokio::test]
async fn each_part_is_judged_as_it_was_seen() {
    let fixture = Fixture::with(&[
        Sight::of("api.example.com").clear(&[("GET", "/v1/a", 5), ("GET", "/v2/a", 2), ("POST", "/v1/a", 1)]),
        Sight::of("plain.example.com").port(80).requests(3),
        Sight::of("trial.example.com").on(TODAY - 2).requests(4),
        Sight::of("other.example.org").on(TODAY - 3).requests(1),
        Sight::of("2001:db8::1").requests(6),
    ])
    .await;
    let candidate = policy(
        r#"{"mode": "audit_only", "rules": [
            {"id": "api", "effect": "allow", "host": "api.example.com", "methods": ["GET"], "path_glob": "/v1/**"},
            {"id": "plain", "effect": "allow", "host": "plain.example.com", "ports": [443]},
            {"id": "trial", "effect": "allow", "host": "trial.example.com", "warn_only": true},
            {"id": "six", "effect": "allow", "host": "2001:db8::/32"}]}"#,
    );
    let found = simulate(&fixture, &candidate, None).await;
    let totals = found.totals;
    assert_eq!(
        (totals.requests, totals.allowed, totals.warned, totals.rejected),
        (24, 11, 4, 9)
    );
    assert_eq!(totals.uncertain, 0);
    let mut api: Vec<_> = found
        .destinations
        .iter()
        .filter(|row| row.host == "api.example.com")
        .map(|row| (row.nearest.as_ref().unwrap().why, row.count, row.examples.len()))
        .collect();
    api.sort_unstable();
    assert_eq!(api, [(Why::Opaque, 2, 0), (Why::Method, 1, 1), (Why::Path, 2, 1)]);
    assert_eq!(why(row(&found, "plain.example.com")), Some(("plain", Why::Port)));
    let trial = row(&found, "trial.example.com");
    assert_eq!((trial.action, trial.rule_id.as_deref()), (Action::Warn, Some("trial")));
    let other = row(&found, "other.example.org");
    assert_eq!((other.rejected_by.as_deref(), why(other)), (Some("default_deny"), None));
    // The last seen first, and of those seen today what breaks.
    let days: Vec<i64> = found.destinations.iter().map(|row| row.last_seen.day()).collect();
    assert!(days.is_sorted_by(|one, next| one >= next), "{days:?}");
    let breaks: Vec<&str> = found.breaks.iter().map(|row| row.host.as_str()).collect();
    assert_eq!(
        breaks,
        [
            "plain.example.com",
            "api.example.com",
            "api.example.com",
            "api.example.com"
        ]
    );
    assert!(found.would_break());
}

#[tokio::test]
async fn a_tenant_deny_beats_what_the_resource_allows() {
    let fixture = Fixture::with(&[Sight::of("a.example.com"), Sight::of("b.example.com")]).await;
    let read = |json: &str| PolicyDocument::from_json(json.as_bytes()).unwrap();
    let tenant = read(r#"{"rules": [{"id": "guard", "effect": "deny", "host": "b.example.com"}]}"#);
    let resource = read(r#"{"rules": [{"id": "all", "effect": "allow", "host": "*.example.com"}]}"#);
    let merged = Policy::merge(Some(&tenant), Some(&resource)).unwrap();
    let found = simulate(&fixture, &merged, None).await;
    assert_eq!(found.destinations.len(), 1);
    assert_eq!(row(&found, "b.example.com").rejected_by.as_deref(), Some("guard"));
}

#[tokio::test]
async fn rules_expire_at_the_time_that_is_asked_about() {
    let fixture = Fixture::with(&[Sight::of("a.example.com")]).await;
    let candidate = policy(
        r#"{"rules": [{"id": "a", "effect": "allow", "host": "a.example.com", "expires_at": "2024-10-05T00:00:00Z"}]}"#,
    );
    let nowhere = Blocks::default();
    let at = |at| Trial {
        policy: &candidate,
        current: None,
        resolves_to: &nowhere,
        at,
        now: NOW,
    };
    assert_eq!(of(&fixture, &at(NOW)).await.totals.allowed, 10);
    let later = of(&fixture, &at(Moment(NOW.0 + DAY))).await;
    assert_eq!(why(row(&later, "a.example.com")), Some(("a", Why::Expired)));
    assert!(later.would_break());
}

#[tokio::test]
async fn what_is_not_known_counts_as_the_best_and_is_said() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com").clear(&[("GET", "/v1/a", 4), ("", "", 6)]),
        Sight::of("b.example.com").clear(&[("GET", "", 10)]),
        Sight::of("c.example.com").clear(&[("POST", "", 10)]),
        Sight::of("d.example.com").clear(&[("", "", 10)]),
        Sight::of("e.example.com").clear(&[("", "", 10)]),
    ])
    .await;
    let candidate = policy(
        r#"{"rules": [
            {"id": "get", "effect": "allow", "host": "*.example.com", "methods": ["GET"], "path_glob": "/v1/**"},
            {"id": "d", "effect": "allow", "host": "d.example.com"},
            {"id": "e", "effect": "allow", "host": "e.example.com"},
            {"id": "no-e", "effect": "deny", "host": "e.example.com", "path_glob": "/private/**", "terminated_only": true}]}"#,
    );
    let found = simulate(&fixture, &candidate, None).await;
    let totals = found.totals;
    // a: 6 by method and path; b: 10 by path; c: surely rejected; d: surely allowed; e: by the deny.
    assert_eq!((totals.allowed, totals.rejected, totals.uncertain), (40, 10, 26));
    assert_eq!(why(row(&found, "c.example.com")), Some(("get", Why::Method)));
}

#[tokio::test]
async fn many_are_judged_by_the_best_of_them() {
    let fixture = Fixture::with(&[
        Sight::of("*.example.com").overflow(&["x.example.com", "y.example.com"]),
        Sight::of("*.example.org").port(0).overflow(&["x.example.org"]),
        Sight::of("*.example.net").overflow(&["x.example.net"]),
        Sight::of("*").port(0).requests(1).overflow(&[]),
        Sight::of("0.0.0.0/0").requests(2).overflow(&["198.51.100.1"]),
    ])
    .await;
    let candidate = policy(
        r#"{"rules": [
            {"id": "all", "effect": "allow", "host": "*.example.com"},
            {"id": "one", "effect": "allow", "host": "x.example.org"}]}"#,
    );
    let found = simulate(&fixture, &candidate, None).await;
    let totals = found.totals;
    assert_eq!((totals.allowed, totals.rejected, totals.uncertain), (20, 13, 10));
    assert_eq!(row(&found, "*.example.net").members, ["x.example.net"]);
    assert_eq!(row(&found, "*").port, None);
}

#[tokio::test]
async fn what_is_rejected_already_does_not_break() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com"),
        Sight::of("b.example.com").rejected(10),
        Sight::of("c.example.com"),
    ])
    .await;
    let nothing = policy(r#"{"rules": []}"#);
    let hosts = |found: &Simulation| -> Vec<String> { found.breaks.iter().map(|row| row.host.clone()).collect() };
    let recorded = simulate(&fixture, &nothing, None).await;
    assert_eq!(hosts(&recorded), ["a.example.com", "c.example.com"]);
    let in_force = policy(r#"{"mode": "enforce", "rules": [{"id": "c", "effect": "allow", "host": "c.example.com"}]}"#);
    let by_policy = simulate(&fixture, &nothing, Some(&in_force)).await;
    assert_eq!(hosts(&by_policy), ["c.example.com"]);
    assert_eq!(by_policy.totals.rejected, 30);
    // Observing lets everything through.
    let observing = policy(r#"{"mode": "audit_only", "rules": []}"#);
    assert_eq!(simulate(&fixture, &nothing, Some(&observing)).await.breaks.len(), 3);
}

#[tokio::test]
async fn the_queue_counts_where_the_window_has_no_destination() {
    let fixture = Fixture::with(&[Sight::of("a.example.com")]).await;
    fixture.pending("a.example.com", "[443]", "[]", 999).await;
    fixture.pending("p.example.com", "[443]", "[]", 3).await;
    fixture.pending("q.example.com", "[80, 8080]", r#"["GET"]"#, 4).await;
    let candidate = policy(
        r#"{"rules": [{"id": "p", "effect": "allow", "host": "p.example.com"},
                      {"id": "q", "effect": "allow", "host": "q.example.com", "methods": ["GET"]}]}"#,
    );
    let found = simulate(&fixture, &candidate, None).await;
    let totals = found.totals;
    assert_eq!((totals.requests, totals.allowed, totals.uncertain), (17, 7, 4));
    assert!(
        !simulate(&fixture, &policy(r#"{"rules": []}"#), None)
            .await
            .breaks
            .iter()
            .any(|row| row.host != "a.example.com")
    );
}

#[tokio::test]
async fn a_destination_is_judged_by_every_address_that_it_led_to() {
    let sixteen: Vec<String> = (0..16).map(|n| format!("10.2.0.{n}")).collect();
    let beyond: Vec<&str> = sixteen.iter().map(String::as_str).chain(["*"]).collect();
    let fixture = Fixture::with(&[
        Sight::of("inside.example.com").led_to(&["10.2.3.4"]),
        Sight::of("both.example.com").led_to(&["10.2.3.4", "10.9.9.9"]),
        Sight::of("denied.example.com").led_to(&["192.0.2.1"]),
        Sight::of("10.2.3.4").led_to(&["10.2.3.4"]),
        Sight::of("beyond.example.com").led_to(&beyond),
        Sight::of("other.example.com").led_to(&["10.9.9.9"]),
        Sight::of("*.flood.example")
            .overflow(&["x.flood.example"])
            .led_to(&["10.9.9.9"]),
    ])
    .await;
    let candidate = policy(
        r#"{"rules": [
        {"id": "in", "effect": "allow", "host": "*.example.com", "resolves_to": ["10.2.0.0/16"]},
        {"id": "ip", "effect": "allow", "host": "10.2.3.4"},
        {"id": "flood", "effect": "allow", "host": "*.flood.example"},
        {"id": "no", "effect": "deny", "host": "192.0.2.0/24"}]}"#,
    );
    let found = simulate(&fixture, &candidate, None).await;
    let mut rejected: Vec<(&str, Option<&str>)> = found
        .destinations
        .iter()
        .map(|row| (row.host.as_str(), row.rejected_by.as_deref()))
        .collect();
    rejected.sort_unstable();
    let private = Some("private_address");
    assert_eq!(
        rejected,
        [
            ("both.example.com", private),
            ("denied.example.com", Some("no")),
            ("other.example.com", private)
        ]
    );
    // Of the seventeenth address nothing is known, and not which of many led where.
    assert_eq!((found.totals.rejected, found.totals.uncertain), (30, 20));

    let expected = Blocks::parse(["10.9.0.0/16"]).unwrap();
    let trial = Trial {
        policy: &candidate,
        current: None,
        resolves_to: &expected,
        at: NOW,
        now: NOW,
    };
    let found = of(&fixture, &trial).await;
    assert_eq!((found.totals.rejected, found.totals.uncertain), (10, 10));
}

#[tokio::test]
async fn answers_of_several_resources_add_up() {
    let fixture = Fixture::with(&[
        Sight::of("a.example.com"),
        Sight::of("a.example.com").by("sb_2").requests(5),
    ])
    .await;
    let (allows, denies) = (
        policy(r#"{"rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}"#),
        policy(r#"{"rules": []}"#),
    );
    let since = Moment(NOW.0 - 7 * DAY);
    let one = async |id, policy| {
        let trial = Trial {
            policy,
            current: None,
            resolves_to: &Blocks::default(),
            at: NOW,
            now: NOW,
        };
        simulation::of(&fixture.store, &Selection::one(sandbox(id)), since, &trial)
            .await
            .unwrap()
    };
    let both = one("sb_1", &allows).await.and(one("sb_2", &denies).await);
    assert_eq!(
        (both.totals.requests, both.totals.allowed, both.totals.rejected),
        (15, 10, 5)
    );
    assert_eq!((both.destinations.len(), both.breaks.len()), (1, 1));
}

#[tokio::test]
async fn explaining_answers_as_the_command_line_does() {
    let in_force = policy(
        r#"{"mode": "enforce", "rules": [{"id": "a", "effect": "allow", "host": "a.example.com", "ports": [443]}]}"#,
    );
    let fixture = Fixture::with(&[Sight::of("a.example.com").led_to(&["10.2.3.4"])]).await;
    let nowhere = Blocks::default();
    let of = sandbox("sb_1");
    let around = |seen_by| explain::Circumstances {
        seen_by,
        resolves_to: &nowhere,
        at: NOW,
    };
    let ask_of = async |target: &str, sni: Option<&str>, seen_by| {
        let target = explain::Target {
            target: Some(target.to_owned()),
            sni: sni.map(str::to_owned),
            ..explain::Target::default()
        };
        let report = explain::of(&in_force, &target, &around(seen_by)).await;
        report.map(|report| serde_json::to_value(report).unwrap())
    };
    let ask = async |target: &str, sni: Option<&str>| ask_of(target, sni, None).await;
    let json = ask("https://a.example.com/x", None).await.unwrap();
    assert_eq!((&json["action"], &json["rule_id"]), (&"allow".into(), &"a".into()));
    assert_eq!(
        (&json["canonical"]["kind"], &json["matches"][0]["won"]),
        (&"name".into(), &true.into())
    );
    let json = ask("u@a.example.com", None).await.unwrap();
    assert_eq!(
        (&json["canonical"]["error"], &json["host"]),
        (&"invalid_authority".into(), &serde_json::Value::Null)
    );
    assert_eq!(
        ask("192.0.2.1:80", Some("a.example.com")).await.unwrap()["nearest"]["why"],
        "port"
    );
    assert!(
        ask("ftp://a.example.com", None)
            .await
            .unwrap_err()
            .to_string()
            .contains("\"ftp\"")
    );

    // Where it led for a resource is decided on too.
    let json = ask_of("https://a.example.com/x", None, Some((&fixture.store, &of)))
        .await
        .unwrap();
    assert_eq!(
        (&json["action"], &json["rejected_by"]),
        (&"reject".into(), &"private_address".into())
    );
    assert_eq!(json["matches"][0]["won"], false);
    assert_eq!(json["matches"][0]["why"], "would win, but the name led to 10.2.3.4");
}
