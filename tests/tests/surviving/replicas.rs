//! Two collectors on one PostgreSQL.

use serde_json::{Value, json};
use sluice_tests::sending::{Manner, Senders};
use sluice_tests::serve::Serve;
use sluice_tests::watching::Watching;

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
