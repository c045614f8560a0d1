//! Waits until the proxies have what was changed.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_collector::resource::Resource;

use crate::client::{Call, Client, ClientError, Fields};
use crate::failure::Failure;
use crate::operator::each::Report;
use crate::operator::proxies;
use crate::operator::resources::{resource_of, shown};
use crate::outcome::Outcome;
use crate::output;

/// How often the collector is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Returns when every live proxy of these resources has the revision; lists
/// those that have not when patience ends.
pub(super) fn for_proxies(client: &Client, reports: &[Report], patience: Duration) -> Result<Outcome, Failure> {
    let wanted: Vec<(Resource, u64)> = reports
        .iter()
        .filter_map(|report| Some((report.resource(), report.revision()?)))
        .collect();
    let begun = Instant::now();
    loop {
        let (concerned, laggards) = look(client, &wanted)?;
        if laggards.is_empty() {
            match concerned {
                0 => output::message("no proxy of these resources is connected; each gets the policy when it comes"),
                number => {
                    let proxies = output::counted(number, "proxy has", "proxies have");
                    output::message(format_args!("{proxies} the policy"));
                }
            }
            return Ok(Outcome::Done);
        }
        if begun.elapsed() >= patience {
            let behind = output::counted(laggards.len() as u64, "proxy does", "proxies do");
            output::message(format_args!(
                "{behind} not have the policy after {patience:?}; 'sluice doctor' says what to look at:{}",
                output::some(&laggards, 20)
            ));
            return Ok(Outcome::No);
        }
        thread::sleep(PAUSE.min(patience.saturating_sub(begun.elapsed())));
    }
}

fn look(client: &Client, wanted: &[(Resource, u64)]) -> Result<(u64, Vec<String>), ClientError> {
    let call = match wanted {
        [(resource, _)] if !resource.is_tenant() => Call::new("/egress/proxies").of(resource),
        _ => Call::new("/egress/proxies"),
    };
    let proxies = client.list(&call)?;
    let concerned = proxies
        .iter()
        .filter(|proxy| proxies::is_live(proxy) && concerns(wanted, proxy));
    let laggards = concerned.clone().filter(|proxy| is_behind(wanted, proxy)).map(laggard);
    Ok((concerned.clone().count() as u64, laggards.collect()))
}

/// A change of the tenant's policy reaches everybody.
fn concerns(wanted: &[(Resource, u64)], proxy: &Value) -> bool {
    let resource = resource_of(proxy);
    wanted
        .iter()
        .any(|(wanted, _)| wanted.is_tenant() || *wanted == resource)
}

/// The revision in force is the higher of the tenant's and the resource's, so
/// that what was just changed is a lower bound for both.
fn is_behind(wanted: &[(Resource, u64)], proxy: &Value) -> bool {
    let resource = resource_of(proxy);
    let live = proxies::revision(proxy.field("live"));
    let bounds = wanted
        .iter()
        .filter(|(wanted, _)| wanted.is_tenant() || *wanted == resource);
    proxies::is_behind(proxy) || bounds.map(|(_, revision)| *revision).any(|revision| live < revision)
}

fn laggard(proxy: &Value) -> String {
    let live = proxies::revision(proxy.field("live"));
    let intended = proxies::revision(proxy.field("intended"));
    let seen = output::when(proxy.text("last_seen"));
    let instance = output::cell(proxy.text("instance"));
    format!(
        "{} {instance}: has revision {live}, intended {intended}, last seen {seen}",
        shown(proxy)
    )
}
