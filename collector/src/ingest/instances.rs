//! The VMs that send: what has come of each, and what it says of itself.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row;
use sqlx::any::AnyRow;

use super::admit::{Admitted, Record};
use super::event::Heartbeat;
use super::numbers::Numbers;
use super::sql::Statement;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// A VM, with a credential.
#[derive(Debug)]
pub(super) struct Instance<'a> {
    credential: &'a str,
    name: &'a str,
    resource: &'a Resource,
    /// It has a row, or will have one for an event that is no refused one.
    real: bool,
    /// It has a row.
    known: bool,
    numbers: Numbers,
    duplicates: i64,
    pub(super) audited: i64,
    pub(super) summarised: i64,
    /// How many of its streams were reported open and have not ended.
    pub(super) open: i64,
    heartbeat_seq: Option<i64>,
    heartbeat: Option<&'a Heartbeat>,
    in_force: BTreeMap<&'a Resource, (i64, &'a Heartbeat)>,
}

/// All that a group of batches is from.
#[derive(Debug)]
pub(super) struct Instances<'a>(HashMap<(&'a str, &'a str), Instance<'a>>);

static LOAD: Statement = Statement::new(
    "WITH k (c, i) AS (VALUES ",
    2,
    ") SELECT n.credential, n.instance, n.watermark, n.beyond, n.reported, n.gaps, n.duplicates, n.audited, \
     n.summarised, n.open, n.heartbeat_seq FROM k CROSS JOIN instances n WHERE n.credential = k.c AND n.instance = k.i",
);

/// Heartbeats have a statement of their own.
static SAVE: Statement = Statement::new(
    "INSERT INTO instances (credential, instance, process, resource_type, resource_id, watermark, beyond, reported, \
     missing_since, missing, gaps, duplicates, audited, summarised, open, first_seen, last_seen, \
     decisions, merged, dropped, refused, unsent_bytes, memory_bytes, closing) VALUES ",
    24,
    " ON CONFLICT (credential, instance) DO UPDATE SET watermark = excluded.watermark, beyond = excluded.beyond, \
     reported = excluded.reported, missing_since = excluded.missing_since, missing = excluded.missing, \
     gaps = excluded.gaps, duplicates = excluded.duplicates, audited = excluded.audited, \
     summarised = excluded.summarised, open = excluded.open, last_seen = excluded.last_seen",
);

const BEAT: &str = "UPDATE instances SET resource_type = $1, resource_id = $2, heartbeat_at = $3, heartbeat_seq = $4, \
                    decisions = $5, merged = $6, dropped = $7, refused = $8, unsent_bytes = $9, memory_bytes = $10, \
                    closing = $11 WHERE credential = $12 AND instance = $13";

static IN_FORCE: Statement = Statement::new(
    "INSERT INTO in_force (credential, instance, resource_type, resource_id, heartbeat_at, seq, epoch, revision, mode, \
     digest, overridden, policy_error) VALUES ",
    12,
    " ON CONFLICT (credential, instance, resource_type, resource_id) DO UPDATE SET \
     heartbeat_at = excluded.heartbeat_at, seq = excluded.seq, epoch = excluded.epoch, revision = excluded.revision, \
     mode = excluded.mode, digest = excluded.digest, overridden = excluded.overridden, \
     policy_error = excluded.policy_error WHERE in_force.seq < excluded.seq",
);

impl<'a> Instances<'a> {
    /// Those that these batches are from, as they are in the database.
    pub(super) async fn load(kind: Kind, tx: &mut Tx, batches: &[&'a Admitted]) -> Result<Self, Error> {
        let mut all: HashMap<(&str, &str), Instance<'_>> = HashMap::new();
        for batch in batches {
            for record in &batch.records {
                let key = (batch.credential.as_str(), record.place.instance.as_str());
                let instance = all.entry(key).or_insert_with(|| Instance::new(key, &record.resource));
                instance.real |= record.event.is_some();
            }
        }
        let keys: Vec<(&str, &str)> = all.keys().copied().collect();
        let rows = LOAD.fetch(kind, tx, &keys, |(credential, instance), values| {
            values.add(*credential).add(*instance);
        });
        let mut known: HashMap<(String, String), AnyRow> = HashMap::new();
        for row in rows.await? {
            known.insert((row.try_get(0)?, row.try_get(1)?), row);
        }
        for ((credential, name), instance) in &mut all {
            if let Some(row) = known.get(&((*credential).to_owned(), (*name).to_owned())) {
                instance.read(row)?;
            }
        }
        Ok(Self(all))
    }

    /// The one that wrote a record, if the record came for the first time.
    pub(super) fn arrive(&mut self, credential: &'a str, record: &'a Record, now: Moment) -> Option<&mut Instance<'a>> {
        let key = (credential, record.place.instance.as_str());
        let instance = self.0.get_mut(&key).filter(|instance| instance.real)?;
        let new = instance.numbers.arrive(record.place.seq, now);
        if !new && record.event.is_some() {
            instance.duplicates = instance.duplicates.saturating_add(1);
        }
        new.then_some(instance)
    }

    /// The one of that name.
    pub(super) fn get_mut(&mut self, credential: &'a str, name: &'a str) -> Option<&mut Instance<'a>> {
        self.0.get_mut(&(credential, name))
    }

    /// Writes them back.
    pub(super) async fn save(&self, kind: Kind, tx: &mut Tx, now: Moment) -> Result<(), Error> {
        let real: Vec<&Instance<'_>> = self.0.values().filter(|instance| instance.real).collect();
        let save = SAVE.run(kind, tx, &real, |instance, values| {
            let Instance {
                credential,
                name,
                resource,
                numbers,
                ..
            } = instance;
            let process = name.split_once('/').map_or(*name, |(process, _)| process);
            values.add(*credential).add(*name).add(process);
            values.add(resource.kind.as_str()).add(resource.id.as_str());
            values
                .add(numbers.watermark())
                .add(numbers.beyond())
                .add(numbers.reported());
            values.add(numbers.missing_since().map(|since| since.0));
            values.add(numbers.missing()).add(numbers.gaps());
            values
                .add(instance.duplicates)
                .add(instance.audited)
                .add(instance.summarised);
            values.add(instance.open).add(now.0).add(now.0);
            for _ in 0..7 {
                values.add(0_i64);
            }
        });
        save.await?;
        for instance in &real {
            instance.beat(tx, now).await?;
        }
        let in_force = real.iter().flat_map(|instance| {
            let each = instance.in_force.iter();
            each.map(move |(resource, (seq, beat))| (*instance, *resource, *seq, *beat))
        });
        let in_force: Vec<_> = in_force.collect();
        IN_FORCE
            .run(kind, tx, &in_force, |(instance, resource, seq, beat), values| {
                values.add(instance.credential).add(instance.name);
                values.add(resource.kind.as_str()).add(resource.id.as_str());
                values.add(now.0).add(*seq);
                values
                    .add(beat.in_force.epoch)
                    .add(beat.in_force.revision)
                    .add(beat.in_force.mode);
                values.add(beat.digest.as_deref());
                values.add(beat.in_force.overridden.as_deref());
                values.add(beat.policy_error.as_deref());
            })
            .await
    }
}

impl<'a> Instance<'a> {
    fn new((credential, name): (&'a str, &'a str), resource: &'a Resource) -> Self {
        Self {
            credential,
            name,
            resource,
            real: false,
            known: false,
            numbers: Numbers::default(),
            duplicates: 0,
            audited: 0,
            summarised: 0,
            open: 0,
            heartbeat_seq: None,
            heartbeat: None,
            in_force: BTreeMap::new(),
        }
    }

    fn read(&mut self, row: &AnyRow) -> Result<(), Error> {
        self.real = true;
        self.known = true;
        self.numbers = Numbers::load(row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?)?;
        self.duplicates = row.try_get(6)?;
        self.audited = row.try_get(7)?;
        self.summarised = row.try_get(8)?;
        self.open = row.try_get(9)?;
        self.heartbeat_seq = row.try_get(10)?;
        Ok(())
    }

    /// Whether one of its streams may have been written as open. Of an instance
    /// that is new, or forgotten, nobody knows.
    pub(super) fn may_have_open(&self) -> bool {
        self.open > 0 || !self.known
    }

    /// It says how it is. What it said later may have come before.
    pub(super) fn says(&mut self, resource: &'a Resource, seq: i64, beat: &'a Heartbeat) {
        if self.heartbeat_seq < Some(seq) {
            self.heartbeat_seq = Some(seq);
            self.heartbeat = Some(beat);
            self.resource = resource;
        }
        let of_resource = self.in_force.entry(resource).or_insert((seq, beat));
        if of_resource.0 < seq {
            *of_resource = (seq, beat);
        }
    }

    async fn beat(&self, tx: &mut Tx, now: Moment) -> Result<(), Error> {
        let Some(beat) = self.heartbeat else { return Ok(()) };
        sqlx::query(BEAT)
            .bind(self.resource.kind.as_str())
            .bind(self.resource.id.as_str())
            .bind(now.0)
            .bind(self.heartbeat_seq)
            .bind(beat.decisions)
            .bind(beat.merged)
            .bind(beat.dropped)
            .bind(beat.refused)
            .bind(beat.unsent_bytes)
            .bind(beat.memory_bytes)
            .bind(i64::from(beat.closing))
            .bind(self.credential)
            .bind(self.name)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}
