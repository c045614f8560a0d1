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

#[tokio::test]
async fn addresses_are_told_apart_up_to_a_bound() {
    for bed in beds().await {
        let led_to =
            |seq: i64, host: &str, address: &str| with(audit(seq, host), json!({"network.peer.address": address}));
        bed.send(
            BOX,
            [
                led_to(1, "a.example.com", "10.0.0.2"),
                audit(2, "a.example.com"),
                led_to(3, "a.example.com", "10.0.0.1"),
                led_to(4, "b.example.com", "nowhere"),
            ],
        )
        .await;
        // What was known stays first, and is there once.
        bed.send(
            BOX,
            [
                led_to(5, "a.example.com", "10.0.0.1"),
                led_to(6, "a.example.com", "fd00::1"),
            ],
        )
        .await;
        bed.send(BOX, [audit(7, "a.example.com")]).await;
        let addresses = "SELECT host, addresses FROM destinations ORDER BY host";
        let first = r#"a.example.com|["10.0.0.2","10.0.0.1","fd00::1"]"#;
        assert_eq!(bed.rows(addresses).await, [first, "b.example.com|[]"]);
        let peers = "SELECT COALESCE(peer, '-') FROM audit ORDER BY inserted_at";
        assert_eq!(
            bed.rows(peers).await,
            ["10.0.0.2", "-", "10.0.0.1", "-", "10.0.0.1", "fd00::1", "-"]
        );

        let many = (8..40).map(|seq| led_to(seq, "b.example.com", &format!("10.1.0.{seq}")));
        bed.send(BOX, many).await;
        let listed = bed
            .value("SELECT addresses FROM destinations WHERE host = 'b.example.com'")
            .await;
        let listed: Vec<String> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), 17);
        assert_eq!(
            (listed[0].as_str(), listed[15].as_str(), listed[16].as_str()),
            ("10.1.0.8", "10.1.0.23", "*")
        );
    }
}

#[tokio::test]
async fn addresses_of_hosts_past_a_cap_are_those_of_their_row() {
    for bed in beds().await {
        let led_to = |seq: i64| {
            let more = json!({"network.peer.address": format!("10.0.0.{seq}")});
            with(audit(seq, &format!("h{seq}.example.com")), more)
        };
        let most = LIMITS.destinations.hosts;
        bed.send(BOX, (1..=most + 2).map(led_to)).await;
        bed.send(BOX, [led_to(most + 3)]).await;
        let many = "SELECT addresses FROM destinations WHERE overflow = 1";
        let expected: Vec<String> = (most + 1..=most + 3).map(|seq| format!("10.0.0.{seq}")).collect();
        assert_eq!(bed.value(many).await, serde_json::to_string(&expected).unwrap());
    }
}

#[tokio::test]
async fn the_end_of_a_stream_keeps_where_it_went() {
    for bed in beds().await {
        let open = json!({"sluice.outcome": "open", "network.peer.address": "10.0.0.1"});
        bed.send(BOX, [with(audit(1, "a.example.com"), open)]).await;
        let end = with(audit(2, "a.example.com"), json!({"log.record.uid": "p1/v1/1"}));
        bed.send(BOX, [end]).await;
        assert_eq!(bed.value("SELECT outcome, peer FROM audit").await, "ok|10.0.0.1");
    }
}
