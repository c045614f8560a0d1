//! The filters that are out there: what each VM has in force, and whether
//! everything it decided has come.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::resource::Resource;
use crate::store::Store;

/// Without a heartbeat for that long a VM is not known to be alive; it sends one every ten seconds.
const SILENCE: i64 = 30 * SECOND;

/// Whether a VM is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has been heard of.
    Live,
    /// It has not, for longer than it should.
    Stale,
    /// It said that it ends.
    Closed,
}

/// A policy in force in a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Of a live policy.
    pub epoch: Option<i64>,
    /// Of a live policy.
    pub revision: Option<i64>,
    /// `audit_only`, `enforce`, or `none` without a policy.
    pub mode: String,
    /// Of a live policy.
    pub digest: Option<String>,
}

/// One VM, and one resource that it governs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proxy {
    /// Whose traffic it is.
    #[serde(flatten)]
    pub resource: Resource,
    /// The VM: `<process>/<vm>`.
    pub instance: String,
    /// The process it is in.
    pub process: String,
    /// The credential its events come with.
    pub credential: String,
    /// What is in force for the resource; `null` before the first heartbeat.
    pub live: Option<Live>,
    /// Why an override is in force, if one is.
    #[serde(rename = "override")]
    pub overridden: Option<String>,
    /// Why the last policy was refused, until one is accepted.
    pub policy_error: Option<String>,
    /// All numbers up to here came, or are gaps.
    pub seq: i64,
    /// Numbers that did not come within five minutes.
    pub gaps: i64,
    /// Numbers that have not come yet.
    pub missing: i64,
    /// Records that came again, and were not counted again.
    pub duplicates: i64,
    /// Decisions that the VM summed up, for want of room.
    pub merged: i64,
    /// Decisions that the VM could not even sum up.
    pub dropped: i64,
    /// Decisions whose records were refused.
    pub refused: i64,
    /// Decisions of the whole process, in all its VMs, that nobody has accounted
    /// for. Those whose request is younger than ten seconds and still runs are
    /// among them.
    pub lost: i64,
    /// What waited in the VM to be sent.
    pub unsent_bytes: i64,
    /// The VM's linear memory.
    pub memory_bytes: i64,
    /// It said that it ends.
    pub closing: bool,
    /// When its first record came.
    pub first_seen: Moment,
    /// When its last record came.
    pub last_seen: Moment,
    /// Whether it is alive.
    pub state: State,
}

/// What the VMs of a process have accounted for.
#[derive(Debug, Default)]
struct Account {
    decisions: i64,
    accounted: i64,
}

const INSTANCES: &str = "SELECT * FROM instances ORDER BY process, instance, credential";
/// A resource that a VM does not mention any more, while it goes on, is none of its own any more.
const IN_FORCE: &str = "SELECT f.credential, f.instance, f.resource_type, f.resource_id, f.epoch, f.revision, f.mode, \
                        f.digest, f.overridden, f.policy_error FROM in_force f JOIN instances n \
                        ON n.credential = f.credential AND n.instance = f.instance \
                        WHERE f.heartbeat_at >= n.heartbeat_at - $1 \
                        ORDER BY f.resource_type, f.resource_id";

/// Every VM that is known, or those that govern one resource.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store, only: Option<&Resource>, now: Moment) -> Result<Vec<Proxy>, Error> {
    let instances = sqlx::query(INSTANCES).fetch_all(store.read()).await?;
    let in_force = sqlx::query(IN_FORCE).bind(SILENCE).fetch_all(store.read()).await?;
    let mut of_instance: HashMap<(String, String), Vec<&AnyRow>> = HashMap::new();
    for row in &in_force {
        of_instance
            .entry((row.try_get(0)?, row.try_get(1)?))
            .or_default()
            .push(row);
    }
    let accounts = accounts(&instances)?;
    let mut proxies = Vec::new();
    for row in &instances {
        let proxy = proxy(row, &accounts, now)?;
        let key = (proxy.credential.clone(), proxy.instance.clone());
        match of_instance.get(&key) {
            Some(rows) => {
                for row in rows {
                    proxies.push(governing(proxy.clone(), row)?);
                }
            }
            None => proxies.push(proxy),
        }
    }
    proxies.retain(|proxy| only.is_none_or(|only| *only == proxy.resource));
    Ok(proxies)
}

type Accounts = HashMap<(String, String), Account>;

/// Added up here and not by the database, which fails where a sum has no end.
fn accounts(instances: &[AnyRow]) -> Result<Accounts, Error> {
    let mut accounts = Accounts::new();
    for row in instances {
        let account = accounts
            .entry((row.try_get("credential")?, row.try_get("process")?))
            .or_default();
        account.decisions = account.decisions.max(row.try_get("decisions")?);
        for column in ["audited", "summarised", "dropped", "refused"] {
            account.accounted = account.accounted.saturating_add(row.try_get(column)?);
        }
    }
    Ok(accounts)
}

fn proxy(row: &AnyRow, accounts: &Accounts, now: Moment) -> Result<Proxy, Error> {
    let credential: String = row.try_get("credential")?;
    let process: String = row.try_get("process")?;
    let lost = accounts.get(&(credential.clone(), process.clone()));
    let lost = lost.map_or(0, |account| account.decisions.saturating_sub(account.accounted).max(0));
    let closing = row.try_get::<i64, _>("closing")? != 0;
    let last_seen = Moment(row.try_get("last_seen")?);
    let heard = row.try_get::<Option<i64>, _>("heartbeat_at")?.unwrap_or(last_seen.0);
    let state = match now.0.saturating_sub(heard) {
        _ if closing => State::Closed,
        silent if silent > SILENCE => State::Stale,
        _ => State::Live,
    };
    Ok(Proxy {
        resource: Resource::new(
            row.try_get::<String, _>("resource_type")?,
            row.try_get::<String, _>("resource_id")?,
        ),
        instance: row.try_get("instance")?,
        process,
        credential,
        live: None,
        overridden: None,
        policy_error: None,
        seq: row.try_get("watermark")?,
        gaps: row.try_get("gaps")?,
        missing: row.try_get("missing")?,
        duplicates: row.try_get("duplicates")?,
        merged: row.try_get("merged")?,
        dropped: row.try_get("dropped")?,
        refused: row.try_get("refused")?,
        lost,
        unsent_bytes: row.try_get("unsent_bytes")?,
        memory_bytes: row.try_get("memory_bytes")?,
        closing,
        first_seen: Moment(row.try_get("first_seen")?),
        last_seen,
        state,
    })
}

fn governing(proxy: Proxy, row: &AnyRow) -> Result<Proxy, Error> {
    Ok(Proxy {
        resource: Resource::new(row.try_get::<String, _>(2)?, row.try_get::<String, _>(3)?),
        live: Some(Live {
            epoch: row.try_get(4)?,
            revision: row.try_get(5)?,
            mode: row.try_get(6)?,
            digest: row.try_get(7)?,
        }),
        overridden: row.try_get(8)?,
        policy_error: row.try_get(9)?,
        ..proxy
    })
}
