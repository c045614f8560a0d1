//! A database of before there were addresses.

use std::borrow::Cow;

use serde_json::json;
use sluice_tests::postgres;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;

use super::support::*;

const BOX: &str = "sandbox/sb_1";

/// Makes one as the first version did, with a destination in it.
async fn older(url: &str, mut migrator: Migrator) {
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new().max_connections(1).connect(url).await.unwrap();
    migrator.migrations = Cow::Owned(migrator.migrations[..1].to_vec());
    migrator.run(&pool).await.unwrap();
    let known = "INSERT INTO destinations (resource_type, resource_id, host, port, overflow, domain, first_seen, \
                 last_seen, last_rejected, last_allowed, samples) \
                 VALUES ('sandbox', 'sb_1', 'a.example.com', 443, 0, 'example.com', 1, 2, NULL, 2, '[]')";
    sqlx::query(known).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn what_was_known_before_gets_its_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}/db?mode=rwc", folder.path().display());
    let server = postgres::fresh();
    older(&file, sqlx::migrate!("../collector/migrations/sqlite")).await;
    older(&server, sqlx::migrate!("../collector/migrations/postgres")).await;
    for url in [file.trim_end_matches("?mode=rwc"), &server] {
        let bed = Bed::open(url, LIMITS).await;
        let addresses = "SELECT host, first_seen, addresses FROM destinations";
        assert_eq!(bed.rows(addresses).await, ["a.example.com|1|[]"], "{url}");
        let led_to = json!({"network.peer.address": "10.0.0.1"});
        bed.send(BOX, [with(audit(1, "a.example.com"), led_to)]).await;
        assert_eq!(bed.rows(addresses).await, [r#"a.example.com|1|["10.0.0.1"]"#], "{url}");
        assert_eq!(bed.value("SELECT peer FROM audit").await, "10.0.0.1", "{url}");
    }
}
