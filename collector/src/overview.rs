//! Every resource in one row: what governs it, what its proxies have in force, and what it did.
//!
//! Read in a fixed number of queries, however many resources there are.

mod own;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sluice_policy::{Effect, Mode};

use crate::access::Scope;
use crate::error::Error;
use crate::moment::Moment;
use crate::proxies::{self, Proxy, State};
use crate::resource::Resource;
use crate::resources;
use crate::store::Store;
use crate::watch::Intended;
use own::{Own, owned};

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which; the tenant's id is empty.
    #[serde(flatten)]
    pub resource: Resource,
    /// What people call it.
    pub name: Option<String>,
    /// What it was made from.
    pub template: Option<String>,
    /// The mode that governs it: its own policy's, else the tenant's, else `audit_only`.
    pub mode: Mode,
    /// The default that governs it, found alike.
    pub default_effect: Effect,
    /// What its proxies should have; `None` without any policy.
    pub revision: Option<i64>,
    /// Whether it has a policy of its own.
    pub has_policy: bool,
    /// That policy.
    pub policy_id: Option<String>,
    /// Its revision.
    pub policy_revision: Option<i64>,
    /// How many rules it has.
    pub rule_count: i64,
    /// When observing ends by itself.
    pub relock_at: Option<Moment>,
    /// Requests and connections in the window.
    pub requests: i64,
    /// How many of them were rejected.
    pub rejected: i64,
    /// How many of them `enforce` rejects, in whatever mode they were.
    pub would_reject: i64,
    /// Rejected hosts that nobody has decided about.
    pub pending: i64,
    /// Its proxies.
    pub proxies: Proxies,
    /// The revisions in force in live ones.
    pub live_revisions: BTreeSet<i64>,
    /// Whether a live one has another mode or revision than it should.
    pub differs: bool,
    /// When it last sent anything.
    pub last_seen: Option<Moment>,
}

/// The VMs that govern a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proxies {
    /// All that are known.
    pub total: u64,
    /// Those that are alive.
    pub live: u64,
    /// Live ones with an older policy than they should have.
    pub behind: u64,
    /// Decisions that nobody has accounted for, of each process once.
    pub lost: i64,
    /// The modes in force in live ones.
    pub modes: BTreeSet<String>,
}

/// What is known of one, before its row is made.
#[derive(Debug, Default)]
struct Facts {
    name: Option<String>,
    template: Option<String>,
    last_seen: Option<Moment>,
    own: Option<Own>,
    pending: i64,
    proxies: Vec<Proxy>,
}

/// A row for each resource of a scope that is known, by type and id; for the tenant too, where it is in the scope.
/// None says yet what its resource did: that takes longer than all else, and [`add_counts`] tells it of those
/// rows that somebody looks at.
///
/// # Errors
/// What the database says.
pub async fn of(store: &Store, scope: &Scope, now: Moment) -> Result<Vec<Row>, Error> {
    let mut all: BTreeMap<Resource, Facts> = BTreeMap::new();
    all.entry(Resource::tenant()).or_default();
    for known in resources::all(store.read()).await? {
        let facts = all.entry(known.resource).or_default();
        facts.name = known.name;
        facts.template = known.template;
        facts.last_seen = known.last_seen;
    }
    for (resource, own) in owned(store).await? {
        all.entry(resource).or_default().own = Some(own);
    }
    // The tenant's policy governs others, whoever may look at it.
    let tenant = all.get(&Resource::tenant()).and_then(|facts| facts.own.clone());
    for (resource, pending) in seen::pending(store).await? {
        all.entry(resource).or_default().pending = pending;
    }
    for proxy in proxies::list(store, None, now).await? {
        all.entry(proxy.resource.clone()).or_default().proxies.push(proxy);
    }
    let intended = Intended::of(store).await?;
    all.retain(|resource, _| scope.contains(resource));
    let rows = all
        .into_iter()
        .map(|(resource, facts)| facts.row(resource, tenant.as_ref(), &intended));
    Ok(rows.collect())
}

/// Adds what the resources of rows did since a time, in whole five minutes.
///
/// # Errors
/// What the database says.
pub async fn add_counts(store: &Store, rows: &mut [Row], since: Moment) -> Result<(), Error> {
    let resources: Vec<&Resource> = rows.iter().map(|row| &row.resource).collect();
    let counts = seen::traffic(store, &resources, since).await?;
    for row in rows {
        if let Some(counts) = counts.get(&row.resource) {
            row.requests = counts.requests;
            row.rejected = counts.rejected;
            row.would_reject = counts.would_reject;
        }
    }
    Ok(())
}

impl Facts {
    fn row(self, resource: Resource, tenant: Option<&Own>, intended: &Intended) -> Row {
        let governing = self.own.as_ref().or(tenant);
        let mode = governing.map_or(Mode::AuditOnly, |own| own.mode);
        let (proxies, live_revisions, differs) = sum(&self.proxies, mode, intended);
        Row {
            name: self.name,
            template: self.template,
            mode,
            default_effect: governing.map_or(Effect::Deny, |own| own.default_effect),
            revision: intended.revision(&resource),
            has_policy: self.own.is_some(),
            policy_revision: self.own.as_ref().map(|own| own.revision),
            rule_count: self.own.as_ref().map_or(0, |own| own.rule_count),
            relock_at: self.own.as_ref().and_then(|own| own.relock_at),
            policy_id: self.own.map(|own| own.id),
            requests: 0,
            rejected: 0,
            would_reject: 0,
            pending: self.pending,
            proxies,
            live_revisions,
            differs,
            last_seen: self.last_seen,
            resource,
        }
    }
}

fn sum(proxies: &[Proxy], mode: Mode, intended: &Intended) -> (Proxies, BTreeSet<i64>, bool) {
    let mut sums = Proxies::default();
    let (mut revisions, mut differs) = (BTreeSet::new(), false);
    let mut lost = BTreeMap::new();
    for proxy in proxies {
        sums.total += 1;
        // It is of the process, and told by each of its VMs.
        lost.insert((&proxy.credential, &proxy.process), proxy.lost);
        if proxy.state != State::Live {
            continue;
        }
        sums.live += 1;
        let (should, live) = (intended.revision(&proxy.resource), intended.live(proxy));
        sums.behind += u64::from(intended.is_behind(proxy));
        revisions.extend(live);
        let in_force = mode_of(proxy, mode, should, live);
        differs |= live != should
            || in_force
                .as_deref()
                .is_some_and(|in_force| !is_meant(in_force, mode, should));
        sums.modes.extend(in_force);
    }
    sums.lost = lost.values().fold(0, |sum: i64, lost| sum.saturating_add(*lost));
    (sums, revisions, differs)
}

/// The mode in force in a VM. One that acknowledged the intended policy has its
/// mode, whatever its last heartbeat said, unless it is overridden.
fn mode_of(proxy: &Proxy, mode: Mode, should: Option<i64>, live: Option<i64>) -> Option<String> {
    let told = proxy.live.as_ref();
    let acknowledged = should.is_some() && live == should && told.and_then(|told| told.revision) != should;
    if acknowledged && proxy.overridden.is_none() {
        return Some(mode.as_str().to_owned());
    }
    told.map(|told| told.mode.clone())
}

/// Without any policy a proxy that has none either is as it should be.
fn is_meant(in_force: &str, mode: Mode, should: Option<i64>) -> bool {
    in_force == mode.as_str() || (should.is_none() && in_force == "none")
}
