//! Metrics for Prometheus: counters of this process, and gauges of what the
//! database holds, which are read when somebody asks. README.md lists them all.

use std::sync::OnceLock;

use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::proxies::{self, Proxy, State};
use crate::store::Store;
use crate::watch::Intended;

/// Seconds; an answer within a hundredth is quick, one after ten is lost.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count, once in a process.
pub(crate) fn install() {
    match builder().map(PrometheusBuilder::build_recorder) {
        Ok(recorder) => {
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_ok() {
                let _ = HANDLE.set(handle);
                begin_at_zero();
            }
        }
        Err(error) => tracing::error!(%error, "there are no metrics"),
    }
}

/// What never happened is 0, and not absent: alerts compare.
fn begin_at_zero() {
    for name in [
        "sluice_collector_missing_records_total",
        "sluice_collector_nacks_total",
        "sluice_collector_subscriptions_over_cap_total",
    ] {
        metrics::counter!(name).absolute(0);
    }
    gauge!("sluice_collector_waiting_bytes").set(0.0);
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets(&SECONDS)
}

/// All of them, in Prometheus's text format.
pub(crate) async fn render(store: &Store) -> String {
    let up = match look(store).await {
        Ok(()) => 1.0,
        Err(error) => {
            error.log();
            0.0
        }
    };
    gauge!("sluice_collector_database_up").set(up);
    match HANDLE.get() {
        Some(handle) => {
            handle.run_upkeep();
            handle.render()
        }
        None => String::new(),
    }
}

/// Sets the gauges of what the database holds.
async fn look(store: &Store) -> Result<(), Error> {
    let pending: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pending WHERE state = 'pending'")
        .fetch_one(store.read())
        .await?;
    gauge!("sluice_collector_pending").set(pending as f64);
    let now = Moment::now();
    let all = proxies::list(store, None, now).await?;
    let lively = |proxy: &&Proxy| proxy.last_seen.0 > now.0 - DAY;
    let count = |state: State| all.iter().filter(lively).filter(|proxy| proxy.state == state).count();
    gauge!("sluice_collector_proxies", "state" => "live").set(count(State::Live) as f64);
    gauge!("sluice_collector_proxies", "state" => "lost").set(count(State::Stale) as f64);
    let intended = Intended::of(store).await?;
    let behind = all
        .iter()
        .filter(|proxy| proxy.state == State::Live && intended.is_behind(proxy))
        .count();
    gauge!("sluice_collector_proxies_behind").set(behind as f64);
    let total = |of: fn(&Proxy) -> i64| all.iter().map(of).fold(0, i64::saturating_add) as f64;
    gauge!("sluice_collector_gaps").set(total(|proxy| proxy.gaps));
    gauge!("sluice_collector_dropped").set(total(|proxy| proxy.dropped.saturating_add(proxy.refused)));
    let mut processes = std::collections::BTreeMap::new();
    for proxy in &all {
        processes.insert((&proxy.credential, &proxy.process), proxy.lost);
    }
    gauge!("sluice_collector_lost").set(processes.values().fold(0, |sum: i64, lost| sum.saturating_add(*lost)) as f64);
    Ok(())
}
