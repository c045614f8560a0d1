//! Each record once, whatever way it came, and nothing missing in silence.

use serde_json::json;
use sluice_collector::moment::{Moment, SECOND};
use sluice_collector::proxies::{self, Proxy, State};
use sluice_collector::resource::Resource;
use sluice_collector::retention;

use super::support::*;

const BOX: &str = "sandbox/sb_1";

async fn proxies(bed: &Bed) -> Vec<Proxy> {
    proxies::list(&bed.store, None, Moment::now()).await.unwrap()
}

/// Decisions, by every account of them.
async fn counted(bed: &Bed) -> [String; 3] {
    [
        bed.value("SELECT CAST(SUM(count) AS BIGINT) FROM audit").await,
        bed.value("SELECT CAST(SUM(requests) AS BIGINT) FROM destination_days")
            .await,
        bed.value("SELECT CAST(SUM(allowed + warned + rejected) AS BIGINT) FROM traffic")
            .await,
    ]
}

#[tokio::test]
async fn what_comes_again_is_counted_once() {
    for bed in beds().await {
        let batch = || {
            [
                audit(1, "a.example.com"),
                audit(2, "a.example.com"),
                summary(3, "b.example.com", 10),
            ]
        };
        for _ in 0..3 {
            assert_eq!(bed.send(BOX, batch()).await.rejected, 0);
        }
        // In one batch too, and put together otherwise by a relay.
        bed.send(
            BOX,
            [
                audit(3, "a.example.com"),
                audit(4, "a.example.com"),
                audit(4, "a.example.com"),
            ],
        )
        .await;
        assert_eq!(counted(&bed).await, ["13", "13", "13"]);
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        assert_eq!((proxy.seq, proxy.gaps, proxy.missing, proxy.duplicates), (4, 0, 0, 8));
        let sums = bed.value("SELECT audited, summarised FROM instances").await;
        assert_eq!(sums, "3|10");
        let times = bed.rows("SELECT inserted_at FROM audit ORDER BY inserted_at").await;
        assert_eq!(times.len(), 4);
    }
}

#[tokio::test]
async fn numbers_come_in_any_order() {
    for bed in beds().await {
        bed.send(BOX, [audit(5, "a.example.com"), audit(2, "a.example.com")])
            .await;
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        assert_eq!((proxy.seq, proxy.missing), (0, 3));
        bed.send(BOX, [audit(4, "a.example.com"), audit(1, "a.example.com")])
            .await;
        bed.send(BOX, [audit(3, "a.example.com")]).await;
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        assert_eq!((proxy.seq, proxy.missing, proxy.duplicates), (5, 0, 0));
        assert_eq!(counted(&bed).await, ["5", "5", "5"]);
    }
}

#[tokio::test]
async fn another_credential_and_another_instance_are_other_senders() {
    for bed in beds().await {
        for id in ["tok_1", "tok_2"] {
            let two = [audit(1, "a.example.com"), of("p1/v2", audit(1, "a.example.com"))];
            bed.send_as(&filter(id, "tenant"), BOX, two).await.unwrap();
        }
        assert_eq!(counted(&bed).await, ["4", "4", "4"]);
        assert_eq!(proxies(&bed).await.len(), 4);
        let credentials = bed.rows("SELECT credential FROM audit ORDER BY inserted_at").await;
        assert_eq!(credentials, ["tok_1", "tok_1", "tok_2", "tok_2"]);
    }
}

#[tokio::test]
async fn a_hole_is_a_gap_after_five_minutes_and_what_comes_late_counts() {
    for bed in beds().await {
        bed.send(BOX, [audit(1, "a.example.com"), audit(5, "a.example.com")])
            .await;
        let later = |seconds: i64| Moment(Moment::now().0 + seconds * SECOND);
        assert_eq!(retention::report(&bed.store, later(290)).await.unwrap(), 0);
        assert_eq!(retention::report(&bed.store, later(301)).await.unwrap(), 3);
        assert_eq!(retention::report(&bed.store, later(301)).await.unwrap(), 0);
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        assert_eq!((proxy.seq, proxy.gaps, proxy.missing), (5, 3, 0));
        for _ in 0..2 {
            bed.send(BOX, [audit(3, "a.example.com")]).await;
        }
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        assert_eq!((proxy.seq, proxy.gaps, proxy.duplicates), (5, 2, 1));
        assert_eq!(counted(&bed).await, ["3", "3", "3"]);
    }
}

#[tokio::test]
async fn the_newest_heartbeat_is_what_a_vm_says() {
    for bed in beds().await {
        let newest = json!({"sluice.policy.epoch": 3, "sluice.policy.revision": 9, "sluice.policy.digest": "00ff",
            "sluice.override": "incident 42", "sluice.policy.error": "rule a: host", "sluice.heartbeat.dropped": 2,
            "sluice.heartbeat.refused": 1, "sluice.heartbeat.merged": 5, "sluice.heartbeat.unsent_bytes": 7});
        bed.send(BOX, [audit(1, "a.example.com"), with(heartbeat(3, 20), newest)])
            .await;
        bed.send(BOX, [heartbeat(2, 10), summary(4, "b.example.com", 4)]).await;
        let [proxy] = &*proxies(&bed).await else {
            panic!("one VM")
        };
        let live = proxy.live.clone().unwrap();
        assert_eq!(
            (live.epoch, live.revision, live.mode.as_str()),
            (Some(3), Some(9), "enforce")
        );
        assert_eq!(live.digest.as_deref(), Some("00ff"));
        assert_eq!(proxy.overridden.as_deref(), Some("incident 42"));
        assert_eq!(proxy.policy_error.as_deref(), Some("rule a: host"));
        assert_eq!(
            (proxy.dropped, proxy.refused, proxy.merged, proxy.unsent_bytes),
            (2, 1, 5, 7)
        );
        assert_eq!(proxy.lost, 20 - 1 - 4 - 2 - 1);
        assert_eq!((proxy.process.as_str(), proxy.state), ("p1", State::Live));
        let written = serde_json::to_value(proxy).unwrap();
        assert_eq!(
            (&written["resource_id"], &written["override"]),
            (&json!("sb_1"), &json!("incident 42"))
        );

        let later = Moment(Moment::now().0 + 31 * SECOND);
        let stale = proxies::list(&bed.store, None, later).await.unwrap();
        assert_eq!(stale[0].state, State::Stale);
        bed.send(BOX, [with(heartbeat(5, 20), json!({"sluice.heartbeat.closing": true}))])
            .await;
        assert_eq!(proxies(&bed).await[0].state, State::Closed);
    }
}

#[tokio::test]
async fn a_vm_of_many_resources_says_what_is_in_force_for_each() {
    for bed in beds().await {
        let beat = |seq, revision| with(heartbeat(seq, 0), json!({"sluice.policy.revision": revision}));
        bed.send("sandbox/sb_1", [beat(1, 10)]).await;
        bed.send("sandbox/sb_2", [beat(2, 20)]).await;
        let two = Resource::new("sandbox", "sb_2");
        let of_two = proxies::list(&bed.store, Some(&two), Moment::now()).await.unwrap();
        let [proxy] = &*of_two else { panic!("one: {of_two:?}") };
        assert_eq!(
            (proxy.live.clone().unwrap().revision, &proxy.resource),
            (Some(20), &two)
        );
        assert_eq!(proxies(&bed).await.len(), 2);
        let resources = bed
            .rows("SELECT resource_id, origin FROM resources ORDER BY resource_id")
            .await;
        assert_eq!(resources, ["sb_1|seen", "sb_2|seen"]);
    }
}

#[tokio::test]
async fn what_a_process_lost_is_told_over_all_its_vms() {
    for bed in beds().await {
        bed.send(BOX, [audit(1, "a.example.com"), heartbeat(2, 3)]).await;
        bed.send(
            BOX,
            [of("p1/v2", audit(1, "a.example.com")), of("p1/v2", heartbeat(2, 5))],
        )
        .await;
        bed.send(
            BOX,
            [of("p2/v1", audit(1, "a.example.com")), of("p2/v1", heartbeat(2, 0))],
        )
        .await;
        let lost: Vec<_> = proxies(&bed)
            .await
            .iter()
            .map(|proxy| (proxy.process.clone(), proxy.lost))
            .collect();
        let expected = [("p1", 3), ("p1", 3), ("p2", 0)];
        assert_eq!(lost, expected.map(|(process, lost)| (process.to_owned(), lost)));
    }
}
