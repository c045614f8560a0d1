//! What is old goes, and what it made room for can come.

use serde_json::json;
use sluice_collector::moment::{DAY, Moment};
use sluice_collector::retention::{self, Keep};

use super::support::*;

const BOX: &str = "sandbox/sb_1";
const KEEP: Keep = Keep {
    events: 30 * DAY,
    aggregates: 400 * DAY,
    sessions: 7 * DAY,
};

fn in_days(days: i64) -> Moment {
    Moment(Moment::now().0 + days * DAY)
}

#[tokio::test]
async fn old_events_go_and_aggregates_stay() {
    for bed in beds().await {
        bed.send(BOX, [audit(1, "a.example.com"), heartbeat(2, 1)]).await;
        assert_eq!(retention::events(&bed.store, KEEP, in_days(29)).await.unwrap(), 0);
        // The row, the VM and what is in force in it.
        assert_eq!(retention::events(&bed.store, KEEP, in_days(31)).await.unwrap(), 3);
        assert_eq!(retention::aggregates(&bed.store, KEEP, in_days(31)).await.unwrap(), 0);
        assert_eq!(bed.value("SELECT requests FROM destination_days").await, "1");
    }
}

#[tokio::test]
async fn vms_of_a_process_go_together() {
    for bed in beds().await {
        bed.send(BOX, [audit(1, "a.example.com")]).await;
        bed.send(
            BOX,
            [
                of("p1/v2", audit(1, "a.example.com")),
                of("p2/v1", audit(1, "a.example.com")),
            ],
        )
        .await;
        let now = Moment::now().0;
        bed.run(&format!(
            "UPDATE instances SET last_seen = {} WHERE instance <> 'p1/v2'",
            now - 40 * DAY
        ))
        .await;
        retention::events(&bed.store, KEEP, Moment(now)).await.unwrap();
        let left = bed.rows("SELECT instance FROM instances ORDER BY instance").await;
        assert_eq!(left, ["p1/v1", "p1/v2"]);
    }
}

#[tokio::test]
async fn old_destinations_make_room() {
    for bed in beds().await {
        let old = Moment::now().0 - 399 * DAY;
        bed.send(
            BOX,
            (1..=8).map(|n| with(audit(n, &format!("h{n}.example.com")), json!({"at": old}))),
        )
        .await;
        bed.send(BOX, [audit(9, "a.example.org"), audit(10, "h1.example.com")])
            .await;
        // The days, five minutes, hosts and the row of many.
        assert_eq!(
            retention::aggregates(&bed.store, KEEP, in_days(2)).await.unwrap(),
            6 + 1 + 4 + 1
        );
        let left = bed.rows("SELECT host FROM destinations ORDER BY host").await;
        assert_eq!(left, ["a.example.org", "h1.example.com"]);
        let domains = bed
            .rows("SELECT domain, hosts, overflows FROM domains ORDER BY domain")
            .await;
        assert_eq!(domains, ["|2|0", "example.com|1|0", "example.org|1|0"]);
        bed.send(BOX, (11..=14).map(|n| audit(n, &format!("h{n}.example.com"))))
            .await;
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE overflow = 0").await,
            "6"
        );
    }
}
