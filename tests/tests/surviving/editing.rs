//! Many who change one policy at once.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use sluice_tests::events::{batch, pending};
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;

use crate::support::{Place, postgresql, select, sqlite, token};
use sqlx::Row;

const EDITORS: usize = 20;

fn new_policy(api: &Api) -> Value {
    let body = json!({"name": "shared", "resource_type": "sandbox", "resource_id": "sb_1", "mode": "enforce"});
    api.post("/egress/policies", &body).ok()["data"].clone()
}

/// All at the same time, as near as it can be had.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(count);
    thread::scope(|scope| {
        let start = |number| {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..count).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn adding(place: &Place) {
    let sluice = Sluice::on(&place.url);
    let at = sluice.addresses();
    let api = Api::new(at.http, &at.token);
    let policy = new_policy(&api);
    let (id, first) = (policy["id"].as_str().unwrap(), policy["revision"].as_i64().unwrap());
    at_once(EDITORS, |number| {
        let rule = json!({"host": format!("h{number}.example.com"), "policy_id": id});
        let _ = api.post("/egress/allowlist", &rule).ok();
    });
    let after = api.get(&format!("/egress/policies/{id}")).ok()["data"].clone();
    let hosts: BTreeSet<&str> = after["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["host"].as_str().unwrap())
        .collect();
    assert_eq!(hosts.len(), EDITORS, "{hosts:?}");
    // In the order in which they were stored, with how many rules each left.
    let sql = format!("SELECT revision, rule_count FROM revisions WHERE policy_id = '{id}' ORDER BY revision");
    let revisions: Vec<(i64, i64)> = select(&place.url, &sql)
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    assert_eq!(revisions.len(), EDITORS + 1);
    assert!(
        revisions.iter().zip(0..).all(|(revision, rules)| revision.1 == rules),
        "{revisions:?}"
    );
    assert_eq!(revisions[0].0, first);
    assert_eq!(Some(revisions[EDITORS].0), after["revision"].as_i64());
}

#[test]
fn rules_added_at_once_are_all_there_on_sqlite() {
    adding(&sqlite());
}

#[test]
fn rules_added_at_once_are_all_there_on_postgresql() {
    adding(&postgresql());
}

/// Of those who all saw the same revision one is right.
fn matching(place: &Place) {
    let sluice = Sluice::on(&place.url);
    let at = sluice.addresses();
    let api = Api::new(at.http, &at.token);
    let policy = new_policy(&api);
    let (id, mut revision) = (policy["id"].as_str().unwrap(), policy["revision"].as_i64().unwrap());
    for round in 0..5 {
        let statuses = at_once(4, |number| {
            let body = json!({"description": format!("{round} {number}")});
            let answer = api.patch_if(&format!("/egress/policies/{id}"), &format!("\"{revision}\""), &body);
            (answer.status, answer)
        });
        let (right, stale): (Vec<_>, Vec<_>) = statuses.into_iter().partition(|(status, _)| *status == 200);
        assert_eq!(right.len(), 1, "{stale:?}");
        for (status, answer) in stale {
            assert_eq!((status, answer.code()), (409, "STALE_REVISION"));
        }
        let next = right[0].1.body["data"]["revision"].as_i64().unwrap();
        assert!(next > revision);
        revision = next;
    }
}

#[test]
fn of_those_who_saw_the_same_revision_one_is_right() {
    matching(&sqlite());
    matching(&postgresql());
}

/// The tenant's policy, a template's, and those of sandboxes, in every order at once.
fn approving(place: &Place) {
    let sluice = Sluice::on(&place.url);
    let at = sluice.addresses();
    let api = Api::new(at.http, &at.token);
    let _ = api
        .put("/egress/resources/template/tpl_1", &json!({"name": "base"}))
        .ok();
    let template = json!({"name": "base", "resource_type": "template", "resource_id": "tpl_1", "mode": "enforce"});
    let _ = api.post("/egress/policies", &template).ok();
    let tenant = json!({"name": "tenant", "resource_type": "tenant", "mode": "enforce"});
    let _ = api.post("/egress/policies", &tenant).ok();
    let relay = Client::of(at.grpc.port()).token(&token(&api, "relay", "tenant"));
    for sandbox in ["sb_1", "sb_2", "sb_3"] {
        let _ = api
            .put(
                &format!("/egress/resources/sandbox/{sandbox}"),
                &json!({"template": "tpl_1"}),
            )
            .ok();
        let instance = format!("{sandbox}/1");
        let host = |number: i64| json!({"server.address": format!("n{number}.example.com")});
        let records: Vec<_> = (1..=12)
            .map(|number| pending(&instance, number, host(number)))
            .collect();
        let answer = relay.export(&batch(&format!("sandbox/{sandbox}"), &instance, &records));
        assert_eq!(answer.unwrap().partial_success, None);
    }
    let rows = api.get("/egress/pending").ok()["data"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 36);
    let answers = at_once(rows.len(), |number| {
        let scope = ["tenant", "template", "resource"][number % 3];
        let id = rows[number]["id"].as_str().unwrap();
        api.post(&format!("/egress/pending/{id}/approve"), &json!({"scope": scope}))
    });
    for answer in answers {
        // One for the tenant or the template settles it for others too.
        assert!(matches!(answer.status, 200 | 409), "{} {}", answer.status, answer.body);
    }
    let left = api.get("/egress/pending").ok();
    let mut hosts: BTreeSet<String> = BTreeSet::new();
    for row in left["data"].as_array().unwrap() {
        hosts.insert(row["host"].as_str().unwrap().to_owned());
    }
    assert!(hosts.is_empty(), "{hosts:?}");
}

#[test]
fn approving_for_all_scopes_at_once_ends_on_sqlite() {
    approving(&sqlite());
}

#[test]
fn approving_for_all_scopes_at_once_ends_on_postgresql() {
    approving(&postgresql());
}
