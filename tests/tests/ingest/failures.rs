//! The database fails, or the collector ends: what is acknowledged is stored
//! whole, and what is not is not there.

use std::collections::BTreeSet;

use sluice_collector::error::Error;
use sluice_collector::ingest::Limits;
use sluice_collector::store::Kind;

use super::support::*;

const BOX: &str = "sandbox/sb_1";

/// Every table that ingest writes.
const TABLES: [&str; 9] = [
    "audit",
    "destination_days",
    "destinations",
    "domains",
    "in_force",
    "instances",
    "pending",
    "resources",
    "traffic",
];

async fn filled(bed: &Bed) -> Vec<&'static str> {
    let mut filled = Vec::new();
    for table in TABLES {
        if bed.value(&format!("SELECT COUNT(*) FROM {table}")).await != "0" {
            filled.push(table);
        }
    }
    filled
}

/// Makes the database fail on some rows of a table, as it does when they violate a constraint.
async fn break_on(bed: &Bed, table: &str, when: &str) {
    match bed.store.kind() {
        Kind::Sqlite => {
            bed.run(&format!(
                "CREATE TRIGGER broken BEFORE INSERT ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, 'broken'); END"
            ))
            .await;
        }
        Kind::Postgres => {
            bed.run(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '23514'; END $$",
            )
            .await;
            bed.run(&format!(
                "CREATE TRIGGER broken BEFORE INSERT ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION broken()"
            ))
            .await;
        }
    }
}

async fn mend(bed: &Bed, table: &str) {
    match bed.store.kind() {
        Kind::Sqlite => bed.run("DROP TRIGGER broken").await,
        Kind::Postgres => {
            bed.run(&format!("DROP TRIGGER broken ON {table}")).await;
            bed.run("DROP FUNCTION broken()").await;
        }
    }
}

#[tokio::test]
async fn nothing_is_stored_if_anything_cannot_be() {
    for bed in beds().await {
        let batch = || {
            [
                audit(1, "a.example.com"),
                pending(2, "b.example.com", 1),
                heartbeat(3, 1),
            ]
        };
        for table in TABLES {
            break_on(&bed, table, "1 = 1").await;
            let failed = bed.send_as(&filter("tok_1", "tenant"), BOX, batch()).await.unwrap_err();
            assert!(matches!(failed, Error::Internal(_)), "{table}: {failed}");
            assert_eq!(filled(&bed).await, [""; 0], "{table}");
            mend(&bed, table).await;
        }
        // As if nothing had been: what it was counted as is forgotten too.
        assert_eq!(bed.send(BOX, batch()).await.rejected, 0);
        assert_eq!(filled(&bed).await, TABLES);
        assert_eq!(
            bed.value("SELECT audited, watermark, duplicates FROM instances").await,
            "1|3|0"
        );
    }
}

#[tokio::test]
async fn a_batch_that_cannot_be_stored_harms_no_other() {
    for bed in beds().await {
        break_on(&bed, "audit", "NEW.host = 'poison.example.com'").await;
        let sends = (1..=20).map(|n| {
            let host = if n == 7 { "poison.example.com" } else { "a.example.com" };
            let instance = format!("p{n}/v1");
            let record = of(&instance, audit(1, host));
            let (ingest, caller) = (bed.ingest.clone(), filter("tok_1", "tenant"));
            tokio::spawn(async move { ingest.export(&caller, export(BOX, [record]), 10).await })
        });
        let sends: Vec<_> = sends.collect();
        for (n, send) in (1..).zip(sends) {
            match send.await.unwrap() {
                Ok(_) => assert_ne!(n, 7),
                Err(error) => assert!(n == 7 && matches!(error, Error::Internal(_)), "{n}: {error}"),
            }
        }
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "19");
        assert_eq!(bed.value("SELECT requests FROM destination_days").await, "19");
    }
}

#[tokio::test]
async fn a_database_that_is_gone_acknowledges_nothing() {
    for bed in beds().await {
        bed.store.close().await;
        let failed = bed
            .send_as(&filter("tok_1", "tenant"), BOX, [audit(1, "a.example.com")])
            .await
            .unwrap_err();
        assert!(matches!(failed, Error::Database(_)), "{failed}");
    }
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let bed = sqlite(Limits {
        waiting_bytes: 250,
        ..LIMITS
    })
    .await;
    // The only writer of SQLite.
    let tx = bed.store.begin().await.unwrap();
    let send = |n: i64| {
        let (ingest, caller) = (bed.ingest.clone(), filter("tok_1", "tenant"));
        async move {
            ingest
                .export(&caller, export(BOX, [audit(n, "a.example.com")]), 100)
                .await
        }
    };
    let first = tokio::spawn(send(1));
    let second = tokio::spawn(send(2));
    tokio::task::yield_now().await;
    let third = send(3).await;
    assert!(matches!(third, Err(Error::RateLimited { .. })), "{third:?}");
    drop(tx);
    let both = [first.await.unwrap(), second.await.unwrap()];
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    send(3).await.unwrap();
    assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "3");
}

#[tokio::test]
async fn a_shutdown_stores_what_was_taken_in_and_nothing_of_the_rest() {
    for bed in beds().await {
        let mut sends = Vec::new();
        for n in 1..=200 {
            let (ingest, caller) = (bed.ingest.clone(), filter("tok_1", "tenant"));
            let records = [audit(2 * n - 1, "a.example.com"), audit(2 * n, "b.example.com")];
            sends.push(tokio::spawn(async move {
                ingest.export(&caller, export(BOX, records), 10).await.map(|_| n)
            }));
            if n == 100 {
                let ingest = bed.ingest.clone();
                tokio::spawn(async move { ingest.shutdown().await });
            }
            tokio::task::yield_now().await;
        }
        let mut stored = BTreeSet::new();
        let mut refused = 0;
        for send in sends {
            match send.await.unwrap() {
                Ok(n) => {
                    stored.extend([format!("p1/v1/{}", 2 * n - 1), format!("p1/v1/{}", 2 * n)]);
                }
                Err(error) => {
                    assert!(matches!(error, Error::ShuttingDown), "{error}");
                    refused += 1;
                }
            }
        }
        bed.ingest.shutdown().await;
        let rows: BTreeSet<String> = bed.rows("SELECT uid FROM audit").await.into_iter().collect();
        assert_eq!(rows, stored);
        assert!(
            refused > 0 && !stored.is_empty(),
            "{refused} refused, {} stored",
            stored.len()
        );
        let late = bed
            .send_as(&filter("tok_1", "tenant"), BOX, [audit(900, "a.example.com")])
            .await;
        assert!(matches!(late, Err(Error::ShuttingDown)), "{late:?}");
    }
}
