//! What the collector takes in and how fast it answers, on a database that is full already, on both stores.
//! `cargo bench --workspace --bench collecting`; `SLUICE_BENCH_ROWS` says how full (default 10,000,000).
//!
//! Records are acknowledged after their commit. The server, the senders and PostgreSQL share this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use sluice_tests::{events, postgres};
use sqlx::AnyPool;
use tempfile::TempDir;

/// Senders at once, and records a batch: a filter under backlog sends up to 4,096.
const SENDERS: i64 = 4;
const BATCH: i64 = 1_000;
const TIME: Duration = Duration::from_secs(15);
/// What the database is filled with.
const RESOURCES: i64 = 50;
const HOSTS: i64 = 200;
const DAYS: i64 = 30;

fn main() {
    let rows: i64 =
        std::env::var("SLUICE_BENCH_ROWS").map_or(10_000_000, |rows| rows.parse().expect("a number of rows"));
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    let file = format!("sqlite:{}", folder.path().join("sluice.db").display());
    for (name, url) in [("SQLite", file), ("PostgreSQL", postgres::fresh())] {
        // Made and closed once, so that the tables are there.
        drop(Sluice::on(&url));
        let began = Instant::now();
        runtime.block_on(fill(&url, rows));
        println!(
            "{name}: {rows} rows of audit put there in {:.0} s",
            began.elapsed().as_secs_f64()
        );
        let sluice = Sluice::on(&url);
        let api = Api::new(sluice.addresses().http, &sluice.addresses().token);
        let token = api.post(
            "/tokens",
            &json!({"name": "bench", "role": "filter", "scope": "sandbox/*"}),
        );
        ingest(
            sluice.addresses().grpc.port(),
            token.data("token").as_str().expect("a token is shown"),
        );
        for (what, path) in [
            (
                "suggestions, one resource, 7d",
                "/egress/audit/suggestions?resource_type=sandbox&resource_id=sb_7",
            ),
            ("suggestions, all, 30d", "/egress/audit/suggestions?since=30d"),
            ("pending", "/egress/pending"),
            ("audit, the newest 100", "/egress/audit"),
            (
                "audit, one resource",
                "/egress/audit?resource_type=sandbox&resource_id=sb_7",
            ),
            (
                "audit, rejected of one resource",
                "/egress/audit?resource_type=sandbox&resource_id=sb_7&would_reject=true",
            ),
            ("audit, since 1h", "/egress/audit?since=1h&limit=1000"),
        ] {
            query(&api, what, path);
        }
    }
}

/// Puts rows there without the collector, which would take longer.
async fn fill(url: &str, rows: i64) {
    sqlx::any::install_default_drivers();
    let pool = AnyPool::connect(url).await.expect("the database is there");
    let numbers = |count: i64| match url.starts_with("sqlite") {
        true => format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"),
        false => format!("WITH n AS (SELECT generate_series(CAST(0 AS BIGINT), {count} - 1) AS i)"),
    };
    let start = "1700000000000000";
    let audit = format!(
        "INSERT INTO audit (inserted_at, timestamp, resource_type, resource_id, credential, uid, host, port, path_cut, action, \
         would_reject, status_code, duration_us, bytes_in, bytes_out, mode, protocol, outcome, count) {} \
         SELECT {start} + i * 1000, {start} + i * 1000, 'sandbox', 'sb_' || ((i / 20) % {RESOURCES}), 'tok_bench', 'p/1/' || i, \
         'h' || (i % {HOSTS}) || '.example.com', 443, 0, 'allow', CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END, 200, 1000, 100, 100, \
         'audit_only', 'http', 'ok', 1 FROM n",
        numbers(rows)
    );
    let now = "CAST(strftime('%s','now') AS INTEGER) * 1000000";
    let now = if url.starts_with("sqlite") {
        now
    } else {
        "CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)"
    };
    let of = |text: &str| text.replace("NOW", now);
    let parts = numbers(RESOURCES * HOSTS);
    let destinations = format!(
        "INSERT INTO destinations (resource_type, resource_id, host, port, overflow, domain, first_seen, last_seen, samples) {parts} \
         SELECT 'sandbox', 'sb_' || (i % {RESOURCES}), 'h' || (i / {RESOURCES}) || '.example.com', 443, 0, 'example.com', \
         NOW - {DAYS} * 86400000000, NOW, '[]' FROM n"
    );
    let parts = numbers(RESOURCES * HOSTS * DAYS);
    let days = format!(
        "INSERT INTO destination_days (resource_type, resource_id, host, port, day, first_seen, last_seen, requests, warned, \
         rejected, would_reject, opaque, shapes) {parts} \
         SELECT 'sandbox', 'sb_' || (i % {RESOURCES}), 'h' || ((i / {RESOURCES}) % {HOSTS}) || '.example.com', 443, \
         NOW / 86400000000 - i / {}, NOW - (i / {}) * 86400000000, NOW - (i / {}) * 86400000000, 30, 0, 0, 30, 30, '[]' FROM n",
        RESOURCES * HOSTS,
        RESOURCES * HOSTS,
        RESOURCES * HOSTS
    );
    // As both do by themselves in time.
    for sql in [audit, of(&destinations), of(&days), "ANALYZE".to_owned()] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .expect("the rows fit the tables");
    }
    pool.close().await;
}

fn ingest(port: u16, token: &str) {
    let (stored, end) = (Arc::new(AtomicI64::new(0)), Instant::now() + TIME);
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (stored, token) = (Arc::clone(&stored), token.to_owned());
            thread::spawn(move || {
                let (client, mut seq, mut times) = (Client::of(port).token(&token), 0, Vec::new());
                let instance = format!("bench/{sender}");
                while Instant::now() < end {
                    let records: Vec<Value> = (0..BATCH)
                        .map(|_| {
                            seq += 1;
                            let host = format!("h{}.example.com", seq % HOSTS);
                            events::record(&instance, seq, json!({"server.address": host}))
                        })
                        .collect();
                    let batch = events::batch(&format!("sandbox/sb_{sender}"), &instance, &records);
                    let began = Instant::now();
                    client.export(&batch).expect("the collector takes what it is sent");
                    times.push(began.elapsed());
                    stored.fetch_add(BATCH, Ordering::Relaxed);
                }
                times
            })
        })
        .collect();
    let began = Instant::now();
    let mut times: Vec<Duration> = senders
        .into_iter()
        .flat_map(|sender| sender.join().expect("no sender fails"))
        .collect();
    let rate = stored.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    times.sort();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    println!(
        "  ingest: {rate:>9.0} records/s acknowledged; batches of {BATCH}, {SENDERS} senders: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        at(50),
        at(99),
        at(100)
    );
}

fn query(api: &Api, what: &str, path: &str) {
    let mut times: Vec<Duration> = (0..10)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(api.get(path).status, 200, "{path}");
            began.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "  {what:<34} median {:>8.1} ms, most {:>8.1} ms",
        times[5].as_secs_f64() * 1000.0,
        times[9].as_secs_f64() * 1000.0
    );
}
