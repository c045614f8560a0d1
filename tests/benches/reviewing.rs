//! What a console asks of very many destinations and of very many resources, and how long it waits.
//! `cargo bench --workspace --bench reviewing`; `SLUICE_BENCH_DESTINATIONS` (default 100,000) and
//! `SLUICE_BENCH_RESOURCES` (default 5,000) say how many.

use std::time::Instant;

use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use sqlx::AnyPool;
use tempfile::TempDir;

/// The five minutes of a day in which each resource had traffic.
const BUCKETS: i64 = 288;
const OF_ONE: &str = "resource_type=sandbox&resource_id=sb_0";

fn main() {
    let number = |name: &str, usual: i64| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (destinations, resources) = (
        number("SLUICE_BENCH_DESTINATIONS", 100_000),
        number("SLUICE_BENCH_RESOURCES", 5_000),
    );
    let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("sluice.db").display());
    // Made and closed once, so that the tables are there.
    drop(Sluice::on(&url));
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(fill(&url, destinations, resources));
    let sluice = Sluice::on(&url);
    let api = Api::new(sluice.addresses().http, &sluice.addresses().token);
    println!("{destinations} destinations of one resource");
    for _ in 0..2 {
        ask(&api, "summary", &format!("/egress/audit/suggestions/summary?{OF_ONE}"));
        ask(
            &api,
            "first page",
            &format!("/egress/audit/suggestions?{OF_ONE}&limit=100"),
        );
        ask(
            &api,
            "a later page, by host",
            &format!("/egress/audit/suggestions?{OF_ONE}&limit=100&offset=5000&sort=host"),
        );
        ask(
            &api,
            "what is looked for",
            &format!("/egress/audit/suggestions?{OF_ONE}&limit=100&q=s99"),
        );
    }
    ask(
        &api,
        "everything, in one answer",
        &format!("/egress/audit/suggestions?{OF_ONE}"),
    );
    for _ in 0..2 {
        ask(
            &api,
            "destinations, a page",
            &format!("/egress/destinations?{OF_ONE}&limit=100"),
        );
    }
    println!("{resources} resources with traffic in each five minutes of a day");
    for _ in 0..2 {
        ask(&api, "overview, a page", "/egress/overview?limit=100");
        ask(&api, "overview, all", "/egress/overview");
    }
}

fn ask(api: &Api, what: &str, path: &str) {
    let began = Instant::now();
    assert_eq!(api.get(path).status, 200, "{path}");
    println!("  {what:<28} {:>8.1} ms", began.elapsed().as_secs_f64() * 1000.0);
}

/// Puts rows there without the collector, which would take longer.
async fn fill(url: &str, destinations: i64, resources: i64) {
    sqlx::any::install_default_drivers();
    let pool = AnyPool::connect(url).await.expect("the database is there");
    let numbers =
        |count: i64| format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})");
    let now = "CAST(strftime('%s','now') AS INTEGER) * 1000000";
    // Each on two days; each tenth in clear.
    let days = |ago: &str| {
        format!(
            "INSERT INTO destination_days {} SELECT 'sandbox', 'sb_0', 's' || i || '.example', 443, \
             {now} / 86400000000 - ({ago}), {now} - ({ago}) * 86400000000, {now} - ({ago}) * 86400000000, 1 + i % 50, 0, 0, \
             1 + i % 50, CASE WHEN i % 10 = 0 THEN 0 ELSE 1 + i % 50 END, CASE WHEN i % 10 = 0 THEN \
             '[[\"GET\",\"/\",' || (1 + i % 50) || ',1]]' ELSE '[]' END FROM n",
            numbers(destinations)
        )
    };
    let all = [
        format!(
            "INSERT INTO destinations {} SELECT 'sandbox', 'sb_0', 's' || i || '.example', 443, 0, 's' || i || '.example', \
             {now} - 600000000000, {now}, NULL, {now}, '[]', '[]' FROM n",
            numbers(destinations)
        ),
        days("0"),
        days("1 + i % 6"),
        format!(
            "INSERT INTO resources {} SELECT 'sandbox', 'sb_' || i, 'name ' || i, 'base', NULL, NULL, 'seen', 1, {now} - i, 0 \
             FROM n",
            numbers(resources)
        ),
        format!(
            "INSERT INTO traffic {} SELECT 'sandbox', 'sb_' || (i % {resources}), \
             ({now} / 300000000 - i / {resources}) * 300000000, 10, 0, 1, 1 FROM n",
            numbers(resources * BUCKETS)
        ),
        "ANALYZE".to_owned(),
    ];
    for sql in all {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .expect("the rows fit the tables");
    }
    pool.close().await;
}
