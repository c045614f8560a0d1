//! One transaction for a group of batches: numbers, rows and aggregates, all or nothing.

use std::collections::{BTreeSet, HashMap};

use super::Limits;
use super::admit::{Admitted, Record};
use super::destinations::Destinations;
use super::event::{Event, OPEN, Row};
use super::instances::Instances;
use super::lock::Locks;
use super::pending::Pending;
use super::rows::Entry;
use super::streams::{Becomes, Streams};
use super::traffic::Traffic;
use crate::changes::Change;
use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::resource::Resource;
use crate::resources;
use crate::store::{Kind, Store, Tx};

/// How often it is noted that a resource is alive.
const SEEN: i64 = 5 * SECOND;
/// Resources remembered as noted; which ones only saves statements.
const REMEMBERED: usize = 100_000;

/// When resources were last noted as alive.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<Resource, Moment>);

impl Seen {
    fn due<'a>(&self, batches: &[&'a Admitted], now: Moment) -> BTreeSet<&'a Resource> {
        let records = batches.iter().flat_map(|batch| &batch.records);
        let resources = records
            .filter(|record| record.event.is_some())
            .map(|record| &*record.resource);
        let distinct: BTreeSet<&Resource> = resources.filter(|resource| !resource.is_tenant()).collect();
        let is_due = |resource: &&&Resource| {
            let noted = self.0.get(**resource);
            noted.is_none_or(|noted| now.0 - noted.0 >= SEEN)
        };
        distinct.iter().filter(is_due).copied().collect()
    }

    fn noted(&mut self, resources: &BTreeSet<&Resource>, now: Moment) {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        for resource in resources {
            self.0.insert((*resource).clone(), now);
        }
    }
}

/// Stores batches; once this returns, they are as safe as the database is.
pub(super) async fn store(store: &Store, limits: &Limits, seen: &mut Seen, batches: &[&Admitted]) -> Result<(), Error> {
    let now = Moment::now();
    let kind = store.kind();
    let mut tx = store.begin().await?;
    lock(kind, &mut tx, batches).await?;
    let mut instances = Instances::load(kind, &mut tx, batches).await?;
    let due = seen.due(batches, now);
    for resource in &due {
        resources::seen(&mut tx, resource, now).await?;
    }
    let work = Work::load(kind, &mut tx, batches, &mut instances, now).await?;
    instances.save(kind, &mut tx, now).await?;
    work.traffic.save(kind, &mut tx).await?;
    work.destinations.save(kind, &mut tx, limits).await?;
    let new_pending = work.pending.save(kind, &mut tx, limits).await?;
    work.streams.write_ends(&mut tx).await?;
    let rows = work.streams.write_rows(kind, &mut tx).await?;
    let mut changes = Vec::new();
    if rows > 0 {
        changes.push(Change::Audit);
    }
    if new_pending {
        changes.push(Change::Pending);
    }
    store.commit(tx, &changes).await?;
    seen.noted(&due, now);
    count(work.counts);
    count_decisions(work.decisions);
    Ok(())
}

async fn lock(kind: Kind, tx: &mut Tx, batches: &[&Admitted]) -> Result<(), Error> {
    if kind == Kind::Sqlite {
        return Ok(());
    }
    let mut resources = BTreeSet::new();
    let mut instances = BTreeSet::new();
    for batch in batches {
        for record in &batch.records {
            resources.insert(&*record.resource);
            instances.insert((batch.credential.as_str(), record.place.instance.as_str()));
        }
    }
    let mut locks = Locks::default();
    resources.into_iter().for_each(|resource| locks.resource(resource));
    instances
        .into_iter()
        .for_each(|(credential, instance)| locks.instance(credential, instance));
    locks.take(kind, tx).await
}

/// What there is to write.
#[derive(Debug, Default)]
struct Work<'a> {
    streams: Streams<'a>,
    traffic: Traffic<'a>,
    destinations: Destinations<'a>,
    pending: Pending<'a>,
    /// Records by event, those that came again apart.
    counts: HashMap<(&'static str, &'static str), u64>,
    /// Decisions by action and mode.
    decisions: HashMap<(&'static str, &'static str), i64>,
}

impl<'a> Work<'a> {
    async fn load(
        kind: Kind,
        tx: &mut Tx,
        batches: &[&'a Admitted],
        instances: &mut Instances<'a>,
        now: Moment,
    ) -> Result<Self, Error> {
        let mut new: Vec<(&'a str, &'a Record, &'a Event)> = Vec::new();
        let mut work = Self::default();
        let mut wanted = Vec::new();
        // An instance with open streams, or whose open record is in this very group, has ends to look up.
        for batch in batches {
            for record in &batch.records {
                let arrived = instances.arrive(&batch.credential, record, now);
                let Some(event) = &record.event else { continue };
                let Some(instance) = arrived else {
                    *work.counts.entry((event.name(), "duplicate")).or_default() += 1;
                    continue;
                };
                if let Event::Audit(row) = event
                    && (row.outcome == OPEN || instance.may_have_open())
                {
                    wanted.push((batch.credential.as_str(), row.uid.as_str()));
                }
                new.push((&batch.credential, record, event));
            }
        }
        work.streams = Streams::load(kind, tx, &wanted).await?;
        for (credential, record, event) in new {
            if let Some(instance) = instances.get_mut(credential, &record.place.instance) {
                *work.counts.entry((event.name(), "stored")).or_default() += 1;
                let entry = |row| Entry {
                    credential,
                    resource: &record.resource,
                    row,
                };
                match event {
                    Event::Audit(row) => match work.streams.audit(entry(row)) {
                        Becomes::Decision { open } => {
                            instance.audited = instance.audited.saturating_add(1);
                            instance.open += i64::from(open);
                            work.decided(&record.resource, row);
                        }
                        Becomes::End => instance.open = (instance.open - 1).max(0),
                        Becomes::Nothing => {}
                    },
                    Event::Summary(row) => {
                        instance.summarised = instance.summarised.saturating_add(row.count);
                        work.streams.other(entry(row));
                        work.decided(&record.resource, row);
                    }
                    Event::Undecided(row) => work.streams.other(entry(row)),
                    Event::Pending(row) => work.pending.add(&record.resource, row),
                    Event::Heartbeat(beat) => instance.says(&record.resource, record.place.seq, beat),
                }
            }
        }
        Ok(work)
    }

    fn decided(&mut self, resource: &'a Resource, row: &'a Row) {
        let of = (row.action.as_str(), row.in_force.mode);
        let decisions = self.decisions.entry(of).or_default();
        *decisions = decisions.saturating_add(row.count);
        self.traffic.add(resource, row);
        self.destinations.add(resource, row);
    }
}

fn count(counts: HashMap<(&'static str, &'static str), u64>) {
    for ((event, result), count) in counts {
        metrics::counter!("sluice_collector_records_total", "event" => event, "result" => result).increment(count);
    }
}

fn count_decisions(decisions: HashMap<(&'static str, &'static str), i64>) {
    for ((action, mode), count) in decisions {
        metrics::counter!("sluice_collector_decisions_total", "action" => action, "mode" => mode)
            .increment(count.unsigned_abs());
    }
}
