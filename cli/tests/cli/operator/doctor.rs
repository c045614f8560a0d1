//! `doctor`: each thing that can be wrong is found, and nothing else is.

use serde_json::{Value, json};

use super::collector::{Answer, Collector, clean};
use super::samples::{policy, proxy, stocked};
use crate::run::Ran;
use crate::schema;

/// A collector that has nothing to complain of.
fn healthy() -> Collector {
    let collector = stocked();
    collector
        .answers("GET /healthz", vec![Answer::text(200, "ok\n")])
        .answers("GET /readyz", vec![Answer::text(200, "ready\n")])
        .object(
            "GET /tokens/self",
            json!({"name": "anna", "role": "operator", "scope": "tenant"}),
        );
    collector
}

fn wrong(ran: &Ran) -> Vec<(String, String)> {
    let document = ran.json();
    schema::check_complete("doctor", &document);
    let checks = document["data"]["checks"].as_array().unwrap().clone();
    let wrong = checks.into_iter().filter(|check| check["status"] == "wrong");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    wrong
        .map(|check| (text(&check["check"]), text(&check["message"])))
        .collect()
}

#[test]
fn nothing_is_wrong_where_nothing_is() {
    let ran = healthy().sluice(&["doctor", "--resource", "sandbox/sb_1"]).ended(0);
    for part in [
        "anna: operator of tenant",
        "1 proxy is connected",
        "enforces revision 7",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("wrong"), "{}", ran.stdout);
}

#[test]
fn what_is_wrong_is_named_with_advice() {
    type Break = fn(&Collector);
    let cases: [(&str, &str, Break); 11] = [
        ("ready", "database", |collector| {
            collector.answers("GET /readyz", vec![Answer::text(503, "the database does not answer")]);
        }),
        ("clock", "behind", |collector| {
            let old = Answer::text(200, "ok").with("date", "Mon, 02 Mar 2020 08:00:00 GMT");
            collector.answers("GET /healthz", vec![old]);
        }),
        ("token", "filter of tenant", |collector| {
            collector.object(
                "GET /tokens/self",
                json!({"name": "p", "role": "filter", "scope": "tenant"}),
            );
        }),
        ("token", "was revoked", |collector| {
            let revoked = Answer::error(401, "UNAUTHENTICATED", "this token was revoked", json!({}));
            collector.answers("GET /tokens/self", vec![revoked]);
        }),
        ("proxies", "no proxy is connected for sandbox/sb_1", |collector| {
            collector.list("GET /egress/proxies", &[proxy("other", "p/0", 7, 7)]);
        }),
        ("revision", "has revision 6, intended is 7", |collector| {
            collector.list("GET /egress/proxies", &[proxy("sb_1", "p/0", 7, 6)]);
        }),
        ("heartbeat", "last heard of", |collector| {
            let mut silent = proxy("sb_1", "p/0", 7, 7);
            silent["last_seen"] = json!("2026-03-02T08:00:00Z");
            collector.list("GET /egress/proxies", &[silent]);
        }),
        ("loss", "gaps 2, lost 9", |collector| {
            let mut lossy = proxy("sb_1", "p/0", 7, 7);
            lossy["gaps"] = json!([{"from": 1}, {"from": 5}]);
            lossy["lost"] = json!(9);
            collector.list("GET /egress/proxies", &[lossy]);
        }),
        ("override", "incident 42", |collector| {
            let mut overridden = proxy("sb_1", "p/0", 7, 7);
            overridden["override"] =
                json!({"mode": "audit_only", "until": "2036-03-02T08:00:00Z", "reason": "incident 42"});
            collector.list("GET /egress/proxies", &[overridden]);
        }),
        ("policy", "refused the policy: too new", |collector| {
            let mut refused = proxy("sb_1", "p/0", 7, 7);
            refused["policy_error"] = json!("too new");
            collector.list("GET /egress/proxies", &[refused]);
        }),
        ("policy", "public suffix", |collector| {
            let document = json!({"rules": [{"id": "a", "effect": "allow", "host": "*.com"}]});
            collector.on("GET /egress/policies/pol_1/export", document);
        }),
    ];
    for (check, said, break_it) in cases {
        let collector = healthy();
        break_it(&collector);
        let ran = collector
            .sluice(&["doctor", "--resource", "sandbox/sb_1", "--format", "json"])
            .ended(1);
        let wrong = wrong(&ran);
        assert_eq!(wrong.len(), 1, "{check}: {wrong:?}");
        assert!(
            wrong[0].0 == check && wrong[0].1.contains(said),
            "{check} {said}: {wrong:?}"
        );
    }
}

#[test]
fn a_collector_that_is_not_there_is_the_only_finding() {
    let ran: Ran = clean(&["doctor", "--url", "http://127.0.0.1:1", "--format", "json"])
        .output()
        .unwrap()
        .into();
    let wrong = wrong(&ran.ended(1));
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].0, "collector");
    let collector = healthy();
    let ran: Ran = clean(&["doctor", "--url", &collector.url]).output().unwrap().into();
    let ran = ran.ended(1);
    assert!(
        ran.stdout.contains("no token is given") && ran.stdout.contains("SLUICE_TOKEN"),
        "{}",
        ran.stdout
    );
}

/// A collector that does not say whose token it is still says whether it is accepted.
#[test]
fn notes_are_no_faults() {
    let collector = stocked();
    collector
        .answers("GET /healthz", vec![Answer::text(200, "ok\n")])
        .answers("GET /readyz", vec![Answer::text(200, "ready\n")])
        .list(
            "GET /egress/policies",
            &[policy("pol_1", ("sandbox", "sb_1"), "audit_only", 7)],
        );
    let ran = collector.sluice(&["doctor"]).ended(0);
    for part in ["it is accepted", "note   mode", "nothing is blocked", "sluice coverage"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

/// What it finds with real sockets and proxies is in `tests/tests/doctor/`.
#[test]
fn inside_a_sandbox_no_collector_is_asked() {
    let closed = "127.77.0.1:1";
    let inside = |arguments: &[&str]| -> Ran {
        let usual = ["doctor", "--inside", "--reach", closed, "--resolver", closed];
        let mut command = clean(&[&usual, arguments].concat());
        // Left over, and none of its business.
        command
            .env("SLUICE_URL", "http://127.0.0.1:1")
            .env("SLUICE_TOKEN", "x")
            .env("SLUICE_CA", "/nonexistent")
            .env("SLUICE_CONFIG", "/nonexistent");
        command.output().unwrap().into()
    };
    let ran = inside(&["--proxy", closed, "--format", "json"]).ended(1);
    let wrong = wrong(&ran);
    assert!(wrong.iter().any(|(check, _)| check == "proxy"), "{wrong:?}");
    let ran = inside(&["--transparent"]);
    for part in [
        "note   proxy      none is configured",
        "ok     direct     no connection to 127.77.0.1:1: refused",
        "ok     udp443     UDP to 127.77.0.1:1: refused",
        "ok     dns        127.77.0.1:1 is out of reach over TCP: refused",
        " privileges ",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    inside(&["--transparent", "--url", "http://127.0.0.1:1"])
        .ended(2)
        .complains_of(&["--inside asks no collector", "'--url'"]);
    inside(&["--transparent", "--ca", "/nonexistent"])
        .ended(2)
        .complains_of(&["--ca /nonexistent", "cannot be read"]);
    inside(&["--transparent", "--proxy", closed]).ended(2);
    inside(&["--reach", "example.com"])
        .ended(2)
        .complains_of(&["expected HOST:PORT"]);
}
