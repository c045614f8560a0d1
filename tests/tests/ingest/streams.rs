//! Streams that are open for long: one decision, one row, in whatever order it is told.

use serde_json::{Value, json};
use sluice_collector::moment::{DAY, Moment};
use sluice_collector::retention::{self, Keep};

use super::support::*;

const BOX: &str = "sandbox/sb_1";
const ROWS: &str = "SELECT uid, outcome, status_code, duration_us, bytes_in, bytes_out, count FROM audit ORDER BY uid";

fn open(seq: i64) -> Value {
    let own = json!({"log.record.uid": "p1/v1/77", "sluice.outcome": "open", "http.response.status_code": 0,
        "http.request.size": 0, "http.response.size": 0, "sluice.duration_us": 10_000_000});
    with(audit(seq, "a.example.com"), own)
}

fn end(seq: i64) -> Value {
    let own = json!({"log.record.uid": "p1/v1/77", "sluice.duration_us": 60_000_000});
    with(audit(seq, "a.example.com"), own)
}

async fn counts(bed: &Bed) -> String {
    let audited = bed.value("SELECT audited, open FROM instances").await;
    let requests = bed
        .value("SELECT CAST(SUM(requests) AS BIGINT) FROM destination_days")
        .await;
    let traffic = bed.value("SELECT CAST(SUM(allowed) AS BIGINT) FROM traffic").await;
    format!("{audited} {requests} {traffic}")
}

const ENDED: &str = "p1/v1/77|ok|200|60000000|100|10|1";

#[tokio::test]
async fn the_end_updates_what_was_open() {
    for bed in beds().await {
        bed.send(BOX, [open(1)]).await;
        assert_eq!(bed.rows(ROWS).await, ["p1/v1/77|open|0|10000000|0|0|1"]);
        assert_eq!(counts(&bed).await, "1|1 1 1");
        bed.send(BOX, [audit(2, "a.example.com"), end(3)]).await;
        assert_eq!(bed.rows(ROWS).await, ["p1/v1/2|ok|200|1500|100|10|1", ENDED]);
        assert_eq!(counts(&bed).await, "2|0 2 2");
        assert_eq!(bed.value("SELECT COUNT(*) FROM open_streams").await, "0");
    }
}

#[tokio::test]
async fn both_may_come_in_one_batch() {
    for bed in beds().await {
        bed.send(BOX, [open(1), audit(2, "a.example.com"), end(3)]).await;
        assert_eq!(bed.rows(ROWS).await, ["p1/v1/2|ok|200|1500|100|10|1", ENDED]);
        assert_eq!(counts(&bed).await, "2|0 2 2");
        assert_eq!(bed.value("SELECT COUNT(*) FROM open_streams").await, "0");
    }
}

#[tokio::test]
async fn the_end_may_come_first() {
    for bed in beds().await {
        bed.send(BOX, [end(2)]).await;
        bed.send(BOX, [open(1)]).await;
        assert_eq!(bed.rows(ROWS).await, [ENDED]);
        assert_eq!(counts(&bed).await, "1|0 1 1");
    }
}

#[tokio::test]
async fn the_first_in_one_batch_too() {
    for bed in beds().await {
        bed.send(BOX, [end(2), open(1)]).await;
        assert_eq!(bed.rows(ROWS).await, [ENDED]);
        assert_eq!(counts(&bed).await, "1|0 1 1");
    }
}

#[tokio::test]
async fn streams_of_another_credential_are_others() {
    for bed in beds().await {
        bed.send(BOX, [open(1)]).await;
        bed.send_as(&filter("tok_2", "tenant"), BOX, [end(1)]).await.unwrap();
        let rows = bed
            .rows("SELECT credential, outcome FROM audit ORDER BY credential")
            .await;
        assert_eq!(rows, ["tok_1|open", "tok_2|ok"]);
    }
}

#[tokio::test]
async fn a_stream_that_a_new_policy_closed_says_who_did_it() {
    for bed in beds().await {
        bed.send(BOX, [open(1)]).await;
        let closed = json!({"sluice.outcome": "policy_changed", "sluice.action": "reject", "sluice.would_reject": true,
            "sluice.rejected_by": "meta", "sluice.rule.id": "meta", "sluice.policy.revision": 9});
        bed.send(BOX, [with(end(2), closed)]).await;
        let row = bed
            .value("SELECT outcome, action, would_reject, rejected_by, rule_id, revision FROM audit")
            .await;
        assert_eq!(row, "policy_changed|reject|1|meta|meta|9");
        assert_eq!(counts(&bed).await, "1|0 1 1");
    }
}

#[tokio::test]
async fn the_end_of_one_whose_row_is_forgotten_is_no_second_decision() {
    for bed in beds().await {
        bed.send(BOX, [open(1)]).await;
        let keep = Keep {
            events: DAY,
            ..Keep::default()
        };
        let later = Moment(Moment::now().0 + 2 * DAY);
        // The row and the VM; not the stream.
        assert_eq!(retention::events(&bed.store, keep, later).await.unwrap(), 2);
        bed.send(BOX, [end(2)]).await;
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "0");
        assert_eq!(counts(&bed).await, "0|0 1 1");
    }
}
