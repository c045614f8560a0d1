//! Invented names take bounded room, and nobody else's.

use serde_json::json;
use sluice_collector::ingest::{Limits, Room};

use super::support::*;

const BOX: &str = "sandbox/sb_1";

#[tokio::test]
async fn past_a_cap_a_domain_is_one_row_with_samples() {
    for bed in beds().await {
        let hosts: Vec<String> = (1..=20).map(|n| format!("h{n:02}.flood.example.com")).collect();
        bed.send(BOX, (1..).zip(&hosts).map(|(seq, host)| audit(seq, host)))
            .await;
        bed.send(
            BOX,
            [
                audit(21, "h99.flood.example.com"),
                audit(22, "a.example.org"),
                audit(23, "h07.flood.example.com"),
            ],
        )
        .await;
        let rows = bed
            .rows("SELECT host, overflow, domain FROM destinations ORDER BY overflow, host")
            .await;
        let mut expected: Vec<String> = (1..=5)
            .map(|n| format!("h{n:02}.flood.example.com|0|example.com"))
            .collect();
        expected.insert(0, "a.example.org|0|example.org".to_owned());
        expected.push("*.example.com|1|example.com".to_owned());
        assert_eq!(rows, expected);
        let days = bed
            .rows("SELECT host, requests FROM destination_days WHERE host LIKE '*%'")
            .await;
        assert_eq!(days, ["*.example.com|17"]);
        let samples = bed.value("SELECT samples FROM destinations WHERE overflow = 1").await;
        assert_eq!(samples, json!(&hosts[5..15]).to_string());
    }
}

#[tokio::test]
async fn domains_are_capped_too_and_addresses_are_one() {
    for bed in beds().await {
        let hosts = ["a.example", "b.example", "c.example"];
        bed.send(BOX, (1..).zip(hosts).map(|(seq, host)| audit(seq, host)))
            .await;
        bed.send(BOX, (10..20).map(|n| audit(n, &format!("192.0.2.{n}")))).await;
        bed.send(BOX, (20..30).map(|n| audit(n, &format!("d{n}.example"))))
            .await;
        let rows = bed
            .rows("SELECT host, overflow FROM destinations WHERE overflow = 1 ORDER BY host")
            .await;
        assert_eq!(rows, ["*|1", "0.0.0.0/0|1"]);
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE overflow = 0").await,
            "8"
        );
        let days = bed
            .rows("SELECT host, requests FROM destination_days WHERE requests > 1 ORDER BY host")
            .await;
        assert_eq!(days, ["*|10", "0.0.0.0/0|5"]);
        // Another resource has room of its own.
        bed.send(
            "sandbox/sb_2",
            (1..3).map(|n| of("p2/v1", audit(n, &format!("e{n}.example")))),
        )
        .await;
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE resource_id = 'sb_2'")
                .await,
            "2"
        );
    }
}

#[tokio::test]
async fn what_a_filter_summed_up_is_one_row_too() {
    for bed in beds().await {
        bed.send(
            BOX,
            [
                summary(1, "*.example.com", 7),
                summary(2, "*", 8),
                summary(3, "*.address", 9),
            ],
        )
        .await;
        bed.send(BOX, [summary(4, "*.example.com", 7)]).await;
        let rows = bed
            .rows("SELECT host, port, requests FROM destination_days ORDER BY requests")
            .await;
        assert_eq!(rows, ["*|0|8", "0.0.0.0/0|0|9", "*.example.com|0|14"]);
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE overflow = 1").await,
            "3"
        );
    }
}

#[tokio::test]
async fn ports_are_capped_as_hosts_are() {
    for bed in beds().await {
        let to = |seq: i64| with(audit(seq, "a.example.com"), json!({"server.port": seq}));
        bed.send(BOX, (1..=200).map(to)).await;
        bed.send(BOX, (201..=300).map(to)).await;
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE overflow = 0").await,
            "5"
        );
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM destinations WHERE overflow = 1").await,
            "65"
        );
        let many = bed.value("SELECT requests FROM destination_days WHERE port = 0").await;
        assert_eq!(many, (300 - 5 - 64).to_string());
    }
}

#[tokio::test]
async fn a_flood_of_invented_names_buries_nobody() {
    const NAMES: i64 = 50_000;
    let limits = Limits {
        destinations: Room {
            hosts: 2_000,
            domains: 20_000,
        },
        ..Limits::default()
    };
    for bed in beds_with(limits).await {
        bed.send(BOX, [audit(1, "first.example.org")]).await;
        for from in (0..NAMES).step_by(5_000) {
            let names = (from..from + 5_000).map(|n| rejected(n + 2, &format!("x{n}.flood.example.com")));
            bed.send(BOX, names).await;
        }
        bed.send(BOX, [audit(NAMES + 2, "last.example.net")]).await;
        let others = "SELECT host, requests FROM destination_days WHERE host NOT LIKE '%example.com' ORDER BY host";
        assert_eq!(bed.rows(others).await, ["first.example.org|1", "last.example.net|1"]);
        assert_eq!(bed.value("SELECT COUNT(*) FROM destinations").await, "2003");
        assert_eq!(
            bed.value("SELECT CAST(SUM(requests) AS BIGINT) FROM destination_days")
                .await,
            (NAMES + 2).to_string()
        );
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, (NAMES + 2).to_string());
        let beyond = bed
            .value("SELECT requests FROM destination_days WHERE host = '*.example.com'")
            .await;
        assert_eq!(beyond, (NAMES - 2_000).to_string());
    }
}
