//! Rows of a database made up here.

use serde_json::json;

use super::*;
use crate::moment::SECOND;
use crate::testing::{Fresh, allow, sandbox};

const NOW: Moment = Moment(1_000_000 * SECOND);
const SINCE: Moment = Moment(NOW.0 - 3_600 * SECOND);

async fn run(fresh: &Fresh, sql: &[&'static str]) {
    let mut tx = fresh.store.begin().await.unwrap();
    for sql in sql {
        sqlx::query(*sql).execute(&mut *tx).await.unwrap();
    }
    fresh.store.commit(tx, &[]).await.unwrap();
}

async fn rows(fresh: &Fresh, scope: &str) -> Vec<Row> {
    let mut rows = of(&fresh.store, &scope.parse().unwrap(), NOW).await.unwrap();
    add_counts(&fresh.store, &mut rows, SINCE).await.unwrap();
    rows
}

/// A VM that is alive, and what its heartbeat says.
async fn vm(fresh: &Fresh, resource: &str, vm: i64, mode: &str, revision: Option<i64>, lost: i64) {
    let mut tx = fresh.store.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO instances VALUES ('tok', 'p/' || $1, 'p', 'sandbox', $2, 1, '[]', '[]', NULL, 0, 0, 0, 0, 0, 0, \
         $3, 1, $4, 0, 0, 0, 0, 0, 0, 1, $3)",
    )
    .bind(vm)
    .bind(resource.to_owned())
    .bind(NOW.0)
    .bind(lost)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("INSERT INTO in_force VALUES ('tok', 'p/' || $1, 'sandbox', $2, $3, 1, 1, $4, $5, NULL, NULL, NULL)")
        .bind(vm)
        .bind(resource.to_owned())
        .bind(NOW.0)
        .bind(revision)
        .bind(mode.to_owned())
        .execute(&mut *tx)
        .await
        .unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
}

#[tokio::test]
async fn each_resource_has_its_policy_its_traffic_and_what_waits() {
    let fresh = Fresh::new().await;
    let rule = fresh.rule(&sandbox("sb_1"), allow("api.example.com")).await;
    let bucket = SINCE.0 - SINCE.0.rem_euclid(300 * SECOND);
    assert_eq!(bucket % (300 * SECOND), 0);
    run(
        &fresh,
        &[
            "INSERT INTO resources VALUES ('sandbox', 'sb_2', 'two', 'base', NULL, NULL, 'seen', 1, 7, 0)",
            "INSERT INTO pending (id, resource_type, resource_id, host, overflow, ports, methods, attempts, first_seen, \
             last_seen, example, rejected_by, state) VALUES ('a', 'sandbox', 'sb_2', 'a', 0, '[]', '[]', 1, 1, 1, '{}', \
             'default_deny', 'pending'), ('b', 'sandbox', 'sb_2', 'b', 0, '[]', '[]', 1, 1, 1, '{}', 'default_deny', \
             'dismissed')",
        ],
    )
    .await;
    let mut tx = fresh.store.begin().await.unwrap();
    for (kind, id, at, counts) in [
        ("sandbox", "sb_2", bucket - 1, [1000, 1000, 1000, 1000]),
        ("sandbox", "sb_2", bucket, [1, 2, 4, 5]),
        ("sandbox", "sb_2", bucket + 1, [10, 0, 0, 10]),
        ("tenant", "", bucket, [7, 0, 0, 0]),
    ] {
        sqlx::query("INSERT INTO traffic VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(kind)
            .bind(id)
            .bind(at)
            .bind(counts[0])
            .bind(counts[1])
            .bind(counts[2])
            .bind(counts[3])
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    fresh.store.commit(tx, &[]).await.unwrap();

    let rows = json!(rows(&fresh, "tenant").await);
    let ids: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["resource_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["sb_1", "sb_2", ""]);
    assert_eq!(
        rows[0],
        json!({"resource_type": "sandbox", "resource_id": "sb_1", "name": null, "template": null, "mode": "audit_only",
               "default_effect": "deny", "revision": rule.policy.revision, "has_policy": true, "policy_id": rule.policy.id,
               "policy_revision": rule.policy.revision, "rule_count": 1, "relock_at": null, "requests": 0, "rejected": 0,
               "would_reject": 0, "pending": 0, "proxies": {"total": 0, "live": 0, "behind": 0, "lost": 0, "modes": []},
               "live_revisions": [], "differs": false, "last_seen": null})
    );
    let two = &rows[1];
    assert_eq!((&two["name"], &two["template"]), (&json!("two"), &json!("base")));
    assert_eq!(
        (&two["has_policy"], &two["policy_id"], &two["revision"]),
        (&json!(false), &json!(null), &json!(null))
    );
    assert_eq!(
        [
            &two["requests"],
            &two["rejected"],
            &two["would_reject"],
            &two["pending"]
        ],
        [17, 4, 15, 1].map(|n| json!(n)).each_ref()
    );
    assert_eq!(
        (&rows[2]["resource_type"], &rows[2]["requests"]),
        (&json!("tenant"), &json!(7))
    );
}

#[tokio::test]
async fn what_governs_is_the_own_policy_and_else_the_tenants() {
    let fresh = Fresh::new().await;
    let own = fresh.rule(&sandbox("sb_1"), allow("api.example.com")).await;
    run(
        &fresh,
        &["INSERT INTO resources VALUES ('sandbox', 'sb_2', NULL, NULL, NULL, NULL, 'seen', 1, NULL, 0)"],
    )
    .await;
    let tenant = fresh.rule(&Resource::tenant(), allow("all.example.com")).await;
    run(
        &fresh,
        &["UPDATE policies SET mode = 'enforce', default_effect = 'allow' WHERE resource_type = 'tenant'"],
    )
    .await;
    let rows = rows(&fresh, "sandbox/*").await;
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.resource.id.as_str(), row.mode, row.default_effect, row.revision))
        .collect();
    let newest = Some(tenant.policy.revision);
    assert!(newest > Some(own.policy.revision));
    assert_eq!(
        found,
        [
            ("sb_1", Mode::AuditOnly, Effect::Deny, newest),
            ("sb_2", Mode::Enforce, Effect::Allow, newest)
        ]
    );
    assert_eq!(rows[1].policy_revision, None, "it has none of its own");
}

#[tokio::test]
async fn a_scope_hides_what_is_outside_it() {
    let fresh = Fresh::new().await;
    for id in ["sb_1", "sb_2", "other"] {
        fresh.rule(&sandbox(id), allow("api.example.com")).await;
    }
    for (scope, expected) in [
        ("tenant", &["other", "sb_1", "sb_2", ""][..]),
        ("sandbox/sb_*", &["sb_1", "sb_2"]),
        ("sandbox/other", &["other"]),
        ("computer/*", &[]),
    ] {
        let rows = rows(&fresh, scope).await;
        let ids: Vec<&str> = rows.iter().map(|row| row.resource.id.as_str()).collect();
        assert_eq!(ids, expected, "{scope}");
    }
}

#[tokio::test]
async fn live_proxies_differ_by_mode_and_by_revision() {
    let fresh = Fresh::new().await;
    let revision = fresh
        .rule(&sandbox("sb_1"), allow("api.example.com"))
        .await
        .policy
        .revision;
    for id in ["sb_2", "sb_3"] {
        fresh.rule(&sandbox(id), allow("api.example.com")).await;
    }
    let row = |rows: &[Row], id: &str| rows.iter().find(|row| row.resource.id == id).unwrap().clone();
    vm(&fresh, "sb_1", 1, "audit_only", Some(revision), 5).await;
    vm(&fresh, "sb_1", 2, "audit_only", Some(revision), 0).await;
    let one = row(&rows(&fresh, "tenant").await, "sb_1");
    assert!(!one.differs, "{one:?}");
    assert_eq!(
        (
            one.proxies.total,
            one.proxies.live,
            one.proxies.behind,
            one.proxies.lost
        ),
        (2, 2, 0, 5)
    );
    assert_eq!(one.live_revisions, BTreeSet::from([revision]));

    vm(
        &fresh,
        "sb_2",
        3,
        "enforce",
        Some(row(&rows(&fresh, "tenant").await, "sb_2").revision.unwrap()),
        0,
    )
    .await;
    vm(&fresh, "sb_3", 4, "audit_only", Some(revision - 1), 0).await;
    let all = rows(&fresh, "tenant").await;
    let (two, three) = (row(&all, "sb_2"), row(&all, "sb_3"));
    assert_eq!(
        (two.differs, two.proxies.behind, two.proxies.modes),
        (true, 0, BTreeSet::from(["enforce".to_owned()]))
    );
    assert_eq!((three.differs, three.proxies.behind), (true, 1));

    // Acknowledged in every VM: its mode is that of the policy, before a heartbeat says so.
    run(
        &fresh,
        &["INSERT INTO subscriptions SELECT 'tok', 'p/4', 'p', resource_type, resource_id, 'b', 1, 1, revision, 1, 1, \
           NULL, 1000000000000 FROM policies WHERE resource_id = 'sb_3'",
          "UPDATE in_force SET mode = 'enforce' WHERE resource_id = 'sb_3'"],
    )
    .await;
    let three = row(&rows(&fresh, "tenant").await, "sb_3");
    assert_eq!((three.differs, three.proxies.behind), (false, 0));
    assert_eq!(three.proxies.modes, BTreeSet::from(["audit_only".to_owned()]));

    // Past its last heartbeat it is none that differs.
    run(
        &fresh,
        &["UPDATE instances SET heartbeat_at = 1 WHERE resource_id = 'sb_2'"],
    )
    .await;
    let two = row(&rows(&fresh, "tenant").await, "sb_2");
    assert_eq!((two.differs, two.proxies.total, two.proxies.live), (false, 1, 0));
}
