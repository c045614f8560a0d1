//! Two collectors on one PostgreSQL.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_collector::changes::Change;
use sluice_tests::postgres;

use super::support::*;

const VMS: i64 = 6;
const BATCHES: i64 = 15;
const BATCH: i64 = 20;

/// A batch of a VM, with hosts that the other VMs have too.
fn batch(vm: i64, number: i64) -> Vec<Value> {
    let first = number * BATCH + 1;
    let record = |seq: i64| of(&format!("p1/v{vm}"), audit(seq, &format!("h{}.example.com", seq % 7)));
    (first..first + BATCH).map(record).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_counts_once_whichever_replica_it_came_to() {
    let url = postgres::fresh();
    let beds = [Bed::open(&url, LIMITS).await, Bed::open(&url, LIMITS).await];
    let mut sends = Vec::new();
    for number in 0..BATCHES {
        for vm in 0..VMS {
            // An answer was lost, so the same comes to both; and out of order.
            for bed in &beds {
                let number = if vm % 2 == 0 { number } else { BATCHES - 1 - number };
                let (ingest, records) = (bed.ingest.clone(), batch(vm, number));
                let resource = format!("sandbox/sb_{}", vm % 3);
                sends.push(tokio::spawn(async move {
                    let caller = filter("tok_1", "tenant");
                    ingest
                        .export(&caller, export(&resource, records), 100)
                        .await
                        .map(|_| ())
                }));
            }
        }
    }
    for send in sends {
        send.await.unwrap().unwrap();
    }
    let total = (VMS * BATCHES * BATCH).to_string();
    let [bed, other] = &beds;
    assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, total);
    assert_eq!(bed.value("SELECT COUNT(DISTINCT uid) FROM audit").await, total);
    let instances = bed
        .rows("SELECT watermark, missing, gaps, audited, duplicates FROM instances")
        .await;
    let each = BATCHES * BATCH;
    assert_eq!(instances, vec![format!("{each}|0|0|{each}|{each}"); VMS as usize]);
    for sum in [
        "SELECT CAST(SUM(requests) AS BIGINT) FROM destination_days",
        "SELECT CAST(SUM(allowed) AS BIGINT) FROM traffic",
    ] {
        assert_eq!(bed.value(sum).await, total);
    }
    // Shapes are read, changed and written back: none was overwritten.
    let mut shapes = 0;
    for text in bed.rows("SELECT shapes FROM destination_days").await {
        let list: Vec<(String, String, i64, i64)> = serde_json::from_str(&text).unwrap();
        shapes += list.iter().map(|shape| shape.2).sum::<i64>();
    }
    assert_eq!(shapes.to_string(), total);
    let caps = bed
        .rows("SELECT resource_id, hosts FROM domains WHERE domain = 'example.com' ORDER BY resource_id")
        .await;
    assert_eq!(caps, ["sb_0|5", "sb_1|5", "sb_2|5"]);
    let times: Vec<String> = bed.rows("SELECT inserted_at FROM audit").await;
    assert_eq!(times.iter().collect::<BTreeSet<_>>().len(), times.len());

    // What one stores, who listens at the other hears.
    let mut changes = other.store.changes().listen();
    bed.send("sandbox/sb_1", [of("p2/v1", audit(1, "a.example.com"))]).await;
    while changes.next().await.unwrap() != Change::Audit {}
}
