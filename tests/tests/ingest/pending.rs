//! The queue of rejected hosts.

use serde_json::{Value, json};
use sluice_collector::changes::Change;

use super::support::*;

const BOX: &str = "sandbox/sb_1";

#[tokio::test]
async fn a_host_is_one_row_however_often_it_was_tried() {
    for bed in beds().await {
        let more = json!({"http.request.method": "POST", "server.port": 80, "url.path": "/b", "at": 1_000_000,
            "client.address": "127.0.0.1:5", "tls.client.server_name": "a.example.com"});
        bed.send(BOX, [pending(1, "a.example.com", 1), pending(2, "a.example.com", 4)])
            .await;
        let later = with(pending(3, "a.example.com", 2), with(more, json!({"at": null})));
        bed.send(BOX, [later]).await;
        let row = "SELECT host, overflow, ports, methods, attempts, rejected_by, state FROM pending";
        assert_eq!(
            bed.rows(row).await,
            [r#"a.example.com|0|[80,443]|["GET","POST"]|7|default_deny|pending"#]
        );
        let example: Value = serde_json::from_str(&bed.value("SELECT example FROM pending").await).unwrap();
        assert_eq!(
            (&example["method"], &example["path"], &example["port"]),
            (&json!("POST"), &json!("/b"), &json!(80))
        );
        assert_eq!(
            (&example["sni"], &example["client"]),
            (&json!("a.example.com"), &json!("127.0.0.1:5"))
        );
        assert!(example["at"].as_str().unwrap().ends_with('Z') && example.get("host").is_none());
        // Attempts are no decisions of their own.
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "0");
        assert_eq!(bed.value("SELECT COUNT(*) FROM destinations").await, "0");
    }
}

#[tokio::test]
async fn what_was_decided_stays_so_and_counts_on() {
    for bed in beds().await {
        bed.send(BOX, [pending(1, "a.example.com", 1)]).await;
        let id = bed.value("SELECT id FROM pending").await;
        bed.run("UPDATE pending SET state = 'dismissed', changed_by = 'ann'")
            .await;
        bed.send(BOX, [pending(2, "a.example.com", 2)]).await;
        let row = bed.value("SELECT id, state, attempts, changed_by FROM pending").await;
        assert_eq!(row, format!("{id}|dismissed|3|ann"));
    }
}

#[tokio::test]
async fn invented_hosts_take_bounded_room() {
    for bed in beds().await {
        bed.send(BOX, (1..=10).map(|n| pending(n, &format!("h{n:02}.example.com"), 1)))
            .await;
        bed.send(BOX, (11..=20).map(|n| pending(n, &format!("d{n}.example"), 1)))
            .await;
        bed.send(BOX, [pending(21, "h10.example.com", 1)]).await;
        let rows = bed
            .rows("SELECT host, overflow, attempts FROM pending ORDER BY overflow, host")
            .await;
        assert_eq!(
            rows,
            [
                "d11.example|0|1",
                "h01.example.com|0|1",
                "h02.example.com|0|1",
                "h03.example.com|0|1",
                "*|1|9",
                "*.example.com|1|8",
            ]
        );
        let example = bed
            .value("SELECT example FROM pending WHERE host = '*.example.com'")
            .await;
        assert!(example.contains(r#""host":"h10.example.com""#), "{example}");
    }
}

#[tokio::test]
async fn who_listens_hears_of_new_rows() {
    for bed in beds().await {
        let mut changes = bed.store.changes().listen();
        bed.send(BOX, [pending(1, "a.example.com", 1)]).await;
        while changes.next().await.unwrap() != Change::Pending {}
    }
    // Where nothing is heard twice: no more of a row that is known.
    let bed = sqlite(LIMITS).await;
    let mut changes = bed.store.changes().listen();
    bed.send(BOX, [pending(1, "a.example.com", 1)]).await;
    bed.send(BOX, [pending(2, "a.example.com", 1)]).await;
    bed.send(BOX, [audit(3, "a.example.com")]).await;
    assert_eq!(changes.next().await, Some(Change::Pending));
    assert_eq!(changes.next().await, Some(Change::Audit));
}
