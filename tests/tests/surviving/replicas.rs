//! Two collectors on one PostgreSQL.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};
use sluice_tests::sending::{Manner, Senders};
use sluice_tests::serve::Serve;
use sluice_tests::wait::PATIENCE;
use sluice_tests::watching::Watching;
use ureq::Agent;

use crate::support::{assert_whole, postgresql, token};

#[test]
fn one_is_killed_under_load_and_senders_move_to_the_other() {
    let place = postgresql();
    let mut one = Serve::start(&place.url);
    let other = Serve::start(&place.url);
    let filter = token(&one.api(), "filter", "sandbox/sb_1");
    let ports = [one.grpc(), other.grpc()];
    let there = Senders::start("first-one", 3, Manner::Faithful, &ports, &filter);
    let back = Senders::start("first-other", 2, Manner::Faithful, &[ports[1], ports[0]], &filter);
    there.wait_for(12);
    back.wait_for(6);
    one.kill();
    there.wait_for(12);
    back.wait_for(6);
    let sent = [there.finish(), back.finish()].concat();
    assert!(sent.iter().all(|batch| batch.acknowledged));
    assert_whole(&other.api(), &place.url, &sent);
}

#[test]
fn a_policy_changed_at_one_reaches_who_watches_the_other() {
    let place = postgresql();
    let replicas = [Serve::start(&place.url), Serve::start(&place.url)];
    let filter = token(&replicas[0].api(), "filter", "sandbox/sb_1");
    let mut streams: Vec<_> = replicas
        .iter()
        .map(|replica| Watching::start(replica.grpc(), &filter, "sandbox/sb_1").unwrap())
        .collect();
    let first: Vec<u64> = streams.iter_mut().map(|stream| stream.heard().unwrap().0).collect();
    assert_eq!(first[0], first[1]);
    let mut last = first;
    for round in 0..6 {
        let host = format!("r{round}.example.com");
        let rule = json!({"host": host, "resource_type": "sandbox", "resource_id": "sb_1"});
        let added: Value = replicas[round % 2].api().post("/egress/allowlist", &rule).ok();
        assert_eq!(added["data"]["host"], json!(host));
        for (stream, last) in streams.iter_mut().zip(&mut last) {
            // One change may arrive as one policy or as two; each is newer than the one before.
            loop {
                let (revision, content) = stream.heard().unwrap();
                assert!(revision > *last, "{revision} after {last}");
                *last = revision;
                if content.contains(&host) {
                    break;
                }
            }
        }
    }
    assert_eq!(last[0], last[1]);
}

#[test]
fn what_a_proxy_says_to_one_is_told_by_the_other() {
    let place = postgresql();
    let replicas = [Serve::start(&place.url), Serve::start(&place.url)];
    let api = replicas[0].api();
    let filter = token(&api, "filter", "sandbox/sb_1");
    let viewers = ["sandbox/sb_1", "sandbox/other"].map(|scope| token(&api, "viewer", scope));
    let [mut own, other] = viewers.map(|viewer| told(&replicas[0], &viewer));
    let _watching = Watching::start(replicas[1].grpc(), &filter, "sandbox/sb_1").unwrap();
    let said = json!({"kind": "proxies", "resource_type": "sandbox", "resource_id": "sb_1"});
    assert!(own.any(|event| event == said));
    // Of what came before this one nothing has a name in it.
    let rule = json!({"host": "a.example.com", "resource_type": "sandbox", "resource_id": "other"});
    let _ = api.post("/egress/allowlist", &rule).ok();
    let mut names = other
        .map(|event| event["resource_id"].clone())
        .filter(|id| !id.is_null());
    assert_eq!(names.next(), Some(json!("other")));
}

/// What a page is told of changes.
fn told(replica: &Serve, viewer: &str) -> impl Iterator<Item = Value> + use<> {
    let config = Agent::config_builder().proxy(None).timeout_global(Some(PATIENCE));
    let agent: Agent = config.build().into();
    let page = agent.get(format!("{}/api/v1/egress/changes", replica.url()));
    let page = page.header("authorization", format!("Bearer {viewer}")).call().unwrap();
    let lines = BufReader::new(page.into_body().into_reader()).lines();
    let data = |line: String| {
        line.strip_prefix("data:")
            .map(|data| serde_json::from_str(data).unwrap())
    };
    lines.map_while(Result::ok).filter_map(data)
}
