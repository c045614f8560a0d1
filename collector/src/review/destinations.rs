//! Reading what was counted of the destinations of a window.

mod lines;
mod table;

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt;
use sluice_harness::few::Few;
use sluice_harness::suggest::Days;
use sqlx::Row;

use super::selection::{Filter, Selection};
use crate::addresses::Addresses;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Store;
pub(super) use table::Table;

/// How many methods and paths of one destination are told apart, of all days and
/// resources; further ones are known as a number.
const MOST_SHAPES: usize = 256;

/// One destination, of all selected resources together.
#[derive(Debug, Default)]
pub(super) struct Destination {
    /// A canonical host, or what stands for many.
    pub(super) host: String,
    /// Its port; 0 is several.
    pub(super) port: u16,
    /// The first hosts in it, if it stands for many that were not kept apart.
    pub(super) many: Option<Vec<String>>,
    pub(super) requests: u64,
    pub(super) rejected: u64,
    /// How many were opaque, and the last of those.
    pub(super) opaque: Seen,
    pub(super) first_seen: i64,
    pub(super) last_seen: i64,
    pub(super) days: Days,
    /// What was seen in clear, by method and path. An empty path is not known;
    /// an empty method stands for what was seen in clear and is not known.
    pub(super) shapes: BTreeMap<(String, String), Seen>,
    /// Who talked to it: numbers of [`Read::resources`].
    pub(super) resources: Few<usize, 2>,
    pub(super) last_allowed: Option<i64>,
    pub(super) last_rejected: Option<i64>,
    /// Where it led, as far as events told: not only in the window, because nobody
    /// noted on which day.
    pub(super) addresses: Addresses,
}

/// How often, and when last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) last: i64,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) destinations: Table,
    /// The numbers of the resources.
    pub(super) resources: HashMap<Resource, usize>,
}

impl Destination {
    /// Nothing seen of it yet.
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            first_seen: i64::MAX,
            last_seen: i64::MIN,
            ..Self::default()
        }
    }

    /// What tells it from others.
    fn key(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// What many hosts have in common, if it stands for them: their domain, or a text that is none.
    pub(super) fn of(&self) -> Option<&str> {
        self.many.as_ref()?;
        Some(self.host.strip_prefix("*.").unwrap_or(&self.host))
    }

    /// What was counted and is in no shape.
    pub(super) fn unknown(&self) -> u64 {
        let known = self.shapes.values().map(|seen| seen.count).sum::<u64>() + self.opaque.count;
        self.requests.saturating_sub(known)
    }

    fn add_shape(&mut self, method: String, path: String, seen: Seen) {
        let mut key = (method, path);
        if self.shapes.len() >= MOST_SHAPES && !self.shapes.contains_key(&key) {
            key = Default::default();
        }
        self.shapes.entry(key).or_default().add(seen);
    }
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.last = self.last.max(other.last);
    }
}

/// What is wanted of destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Also when they were last allowed and rejected.
    Everything,
    /// All but that: of one resource only few have more to tell than their days do.
    Now,
}

/// The destinations of a window.
pub(super) async fn read(store: &Store, selection: &Selection, since: Moment, wanted: Wanted) -> Result<Read, Error> {
    let filter = selection.filter();
    let few = selection.single().filter(|_| wanted == Wanted::Now);
    let mut read = Read::default();
    let (destinations, facts) = tokio::try_join!(
        lines::read(store, &filter, since),
        read.facts(store, &filter, since, few.is_some())
    )?;
    read.destinations = destinations;
    for fact in facts {
        read.add(fact);
    }
    if let Some(one) = few {
        let number = read.number(&one.kind, &one.id);
        for destination in read.destinations.iter_mut() {
            destination.resources.insert(number);
        }
    }
    Ok(read)
}

/// What is known of a destination of one resource besides its days.
#[derive(Debug)]
struct Fact {
    host: String,
    port: u16,
    resource: usize,
    /// The first hosts in it, if it stands for many.
    many: Option<Vec<String>>,
    last_allowed: Option<i64>,
    last_rejected: Option<i64>,
    addresses: Addresses,
}

impl Read {
    /// The number of a resource.
    pub(super) fn number(&mut self, kind: &str, id: &str) -> usize {
        let next = self.resources.len();
        *self.resources.entry(Resource::new(kind, id)).or_insert(next)
    }

    /// With `few` only of those that stand for many, or led somewhere that matters.
    async fn facts(
        &mut self,
        store: &Store,
        filter: &Filter<'_>,
        since: Moment,
        few: bool,
    ) -> Result<Vec<Fact>, Error> {
        const FACTS: &str = "SELECT host, port, resource_type, resource_id, overflow, samples, last_allowed, last_rejected, \
             addresses FROM destinations WHERE {} AND last_seen >= $1 \
             AND ($2 = 0 OR overflow = 1 OR addresses <> '[]')";
        let mut facts = Vec::new();
        let mut rows = filter.query(FACTS, &[since.0, few.into()]).fetch(store.read());
        while let Some(row) = rows.try_next().await? {
            let is_many = row.try_get::<i64, _>(4)? != 0;
            facts.push(Fact {
                host: row.try_get(0)?,
                port: u16::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0),
                resource: self.number(row.try_get(2)?, row.try_get(3)?),
                many: if is_many { Some(texts(row.try_get(5)?)?) } else { None },
                last_allowed: row.try_get(6)?,
                last_rejected: row.try_get(7)?,
                addresses: Addresses::read(row.try_get(8)?)?,
            });
        }
        Ok(facts)
    }

    /// Adds a fact to its destination, if that has a day in the window.
    fn add(&mut self, fact: Fact) {
        let Some(destination) = self.destinations.get_mut(&fact.host, fact.port) else {
            return;
        };
        destination.resources.insert(fact.resource);
        if let Some(samples) = fact.many {
            let many = destination.many.get_or_insert_default();
            let new: Vec<String> = samples.into_iter().filter(|sample| !many.contains(sample)).collect();
            many.extend(new);
        }
        destination.last_allowed = destination.last_allowed.max(fact.last_allowed);
        destination.last_rejected = destination.last_rejected.max(fact.last_rejected);
        destination.addresses.merge(&fact.addresses);
    }
}

/// A list of texts of the database.
pub(super) fn texts(json: &str) -> Result<Vec<String>, Error> {
    serde_json::from_str(json).map_err(|error| Error::Internal(format!("a list in the database: {error}")))
}

/// A number that is never below zero.
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
