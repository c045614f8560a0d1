//! What is refused, and that nothing else is.

use serde_json::json;
use sluice_collector::access::{Caller, Role};
use sluice_collector::error::Error;
use sluice_collector::moment::Moment;
use sluice_collector::proxies;

use super::support::*;

const BOX: &str = "sandbox/sb_1";

#[tokio::test]
async fn bad_records_are_refused_and_the_others_kept() {
    for bed in beds().await {
        let batch = || {
            [
                audit(1, "a.example.com"),
                with(audit(2, "a.example.com"), json!({"server.port": 70_000})),
                with(audit(3, "a.example.com"), json!({"sluice.event": "x\u{1b}[31m"})),
                with(audit(4, "a.example.com"), json!({"sluice.seq": null})),
                audit(5, "A.example.com"),
                audit(4, "b.example.com"),
            ]
        };
        for _ in 0..2 {
            let accepted = bed.send(BOX, batch()).await;
            assert_eq!(accepted.rejected, 4);
            for part in [
                "record 1: server.port",
                "record 2: sluice.event: \"x\\u{1b}[31m\"",
                "record 3: sluice.seq is missing",
            ] {
                assert!(accepted.reason.contains(part), "{}", accepted.reason);
            }
        }
        assert_eq!(
            bed.rows("SELECT host FROM audit ORDER BY inserted_at").await,
            ["a.example.com", "b.example.com"]
        );
        // Refused numbers are not missed.
        let proxies = proxies::list(&bed.store, None, Moment::now()).await.unwrap();
        assert_eq!((proxies[0].seq, proxies[0].missing, proxies[0].duplicates), (5, 0, 2));
    }
}

#[tokio::test]
async fn a_credential_writes_what_is_in_its_scope() {
    for bed in beds().await {
        let own = filter("tok_1", "sandbox/sb_1");
        let accepted = bed.send_as(&own, BOX, [audit(1, "a.example.com")]).await.unwrap();
        assert_eq!(accepted.rejected, 0);
        for other in ["sandbox/sb_2", "computer/sb_1", "tenant/"] {
            let accepted = bed
                .send_as(&own, other, [audit(2, "b.example.com"), audit(3, "b.example.com")])
                .await
                .unwrap();
            assert_eq!(accepted.rejected, 2, "{other}");
            assert!(
                accepted.reason.contains("may not send events of"),
                "{}",
                accepted.reason
            );
        }
        // A VM that could not tell whose traffic it is.
        let accepted = bed.send_as(&own, "", [audit(4, "c.example.com")]).await.unwrap();
        assert_eq!(accepted.rejected, 0);
        let relay = Caller {
            role: Role::Relay,
            ..filter("tok_2", "sandbox/sb_*")
        };
        for (resource, rejected) in [("sandbox/sb_7", 0), ("sandbox/other", 1)] {
            let accepted = bed
                .send_as(&relay, resource, [audit(1, "d.example.com")])
                .await
                .unwrap();
            assert_eq!(accepted.rejected, rejected, "{resource}");
        }
        let rows = bed
            .rows("SELECT resource_type, resource_id, host FROM audit ORDER BY inserted_at")
            .await;
        assert_eq!(
            rows,
            [
                "sandbox|sb_1|a.example.com",
                "tenant||c.example.com",
                "sandbox|sb_7|d.example.com"
            ]
        );
        let resources = bed.rows("SELECT resource_id FROM resources ORDER BY resource_id").await;
        assert_eq!(resources, ["sb_1", "sb_7"]);
    }
}

#[tokio::test]
async fn a_resource_that_cannot_be_is_refused() {
    for bed in beds().await {
        for resource in ["sand box/x", "sandbox/", "sandbox/a b", "tenant/x"] {
            let accepted = bed.send(resource, [audit(1, "a.example.com")]).await;
            assert_eq!(accepted.rejected, 1, "{resource}");
        }
        assert_eq!(bed.value("SELECT COUNT(*) FROM instances").await, "0");
    }
}

#[tokio::test]
async fn people_send_no_events() {
    for bed in beds().await {
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            let caller = Caller {
                role,
                ..filter("tok_1", "tenant")
            };
            let refused = bed
                .send_as(&caller, BOX, [audit(1, "a.example.com")])
                .await
                .unwrap_err();
            assert!(matches!(refused, Error::Forbidden(_)), "{refused}");
        }
    }
}
