//! What review works on: destinations by day, and decisions over time.

use serde_json::json;
use sluice_collector::moment::{DAY, Moment};

use super::support::*;

const BOX: &str = "sandbox/sb_1";

#[tokio::test]
async fn destinations_say_what_was_done_and_what_was_seen() {
    for bed in beds().await {
        let now = Moment::now().0;
        let at = |micros: i64| json!({"at": micros});
        let yesterday = now - DAY;
        bed.send(
            BOX,
            [
                with(audit(1, "a.example.com"), at(yesterday)),
                with(audit(2, "a.example.com"), at(now)),
                with(
                    with(audit(3, "a.example.com"), at(now)),
                    json!({"http.request.method": "CONNECT"}),
                ),
                with(with(rejected(4, "a.example.com"), at(now)), json!({"url.path": "/b"})),
            ],
        )
        .await;
        let warned = json!({"sluice.action": "warn", "network.protocol.name": "tls", "http.request.method": null,
            "url.path": null});
        let observed = json!({"sluice.would_reject": true, "sluice.rejected_by": "default_deny", "sluice.policy.mode": "audit_only"});
        bed.send(
            BOX,
            [
                with(with(audit(5, "a.example.com"), at(now)), warned),
                with(with(audit(6, "a.example.com"), at(now)), observed),
                with(
                    summary(7, "a.example.com", 10),
                    json!({"server.port": 443, "sluice.first": now * 1_000 - 1_000_000}),
                ),
            ],
        )
        .await;
        let total = bed
            .rows("SELECT host, port, overflow, domain, first_seen, last_allowed FROM destinations")
            .await;
        assert_eq!(total, [format!("a.example.com|443|0|example.com|{yesterday}|{now}")]);
        let days = "SELECT requests, warned, rejected, would_reject, opaque FROM destination_days ORDER BY day";
        assert_eq!(bed.rows(days).await, ["1|0|0|0|0", "15|1|11|12|12"]);
        let shapes = bed.rows("SELECT shapes FROM destination_days ORDER BY day").await;
        assert_eq!(shapes[0], format!(r#"[["GET","/",1,{yesterday}]]"#));
        assert_eq!(shapes[1], format!(r#"[["GET","/",2,{now}],["GET","/b",1,{now}]]"#));
        let traffic = "SELECT CAST(SUM(allowed) AS BIGINT), CAST(SUM(warned) AS BIGINT), \
                       CAST(SUM(rejected) AS BIGINT), CAST(SUM(would_reject) AS BIGINT) FROM traffic";
        assert_eq!(bed.value(traffic).await, "4|1|11|12");
        assert_eq!(
            bed.value("SELECT COUNT(*) FROM traffic WHERE bucket % 300000000 <> 0")
                .await,
            "0"
        );
    }
}

#[tokio::test]
async fn what_has_no_canonical_target_is_counted_and_is_no_destination() {
    for bed in beds().await {
        let invalid = json!({"server.address": null, "server.port": null, "sluice.raw": "a b",
            "sluice.rejected_by": "invalid_authority"});
        let undecided = json!({"sluice.event": "undecided", "sluice.raw": "x", "sluice.action": null,
            "log.record.uid": null, "sluice.would_reject": null});
        bed.send(
            BOX,
            [
                with(rejected(1, "a.example.com"), invalid),
                with(audit(2, "a.example.com"), undecided),
            ],
        )
        .await;
        let rows = bed
            .rows(
                "SELECT host, raw, action, would_reject, rejected_by, outcome, mode, count FROM audit \
                             ORDER BY inserted_at",
            )
            .await;
        assert_eq!(
            rows,
            [
                "-|a b|reject|1|invalid_authority|ok|enforce|1",
                "-|x|reject|0|-|undecided|none|1",
            ]
        );
        assert_eq!(bed.value("SELECT COUNT(*) FROM destinations").await, "0");
        assert_eq!(bed.value("SELECT rejected, would_reject FROM traffic").await, "1|1");
        assert_eq!(bed.value("SELECT audited FROM instances").await, "1");
    }
}

#[tokio::test]
async fn a_request_has_all_its_columns() {
    for bed in beds().await {
        let more = json!({"sluice.rule.id": "gh", "sluice.rule.scope": "tenant", "sluice.nearest": "{}",
            "sluice.policy.epoch": 1, "sluice.policy.revision": 2, "sluice.override": "why", "sluice.path_cut": true,
            "tls.client.server_name": "a.example.com", "client.address": "127.0.0.1:5", "sluice.envoy_details": "d",
            "sluice.parent": "p1/v1/9"});
        bed.send(BOX, [with(audit(1, "a.example.com"), more)]).await;
        let row = "SELECT resource_type, resource_id, credential, uid, host, port, raw, method, path, path_cut, action, \
                   would_reject, status_code, duration_us, bytes_in, bytes_out, rule_id, rule_scope, rejected_by, nearest, \
                   epoch, revision, mode, overridden, sni, client, protocol, outcome, details, parent, count FROM audit";
        assert_eq!(
            bed.value(row).await,
            "sandbox|sb_1|tok_1|p1/v1/1|a.example.com|443|-|GET|/|1|allow|0|200|1500|100|10|gh|tenant|-|{}|1|2|enforce|\
             why|a.example.com|127.0.0.1:5|http|ok|d|p1/v1/9|1"
        );
    }
}
