//! What a resource talked to, in all and by day: what review works on, long after
//! raw events are gone.

mod place;
mod shapes;
mod tally;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use sqlx::Row as _;

use super::Limits;
use super::event::Row;
use super::sql::Statement;
use crate::addresses::Addresses;
use crate::error::Error;
use crate::resource::Resource;
use crate::store::{Kind, Tx};
use tally::{Day, Tally};

/// A host, or a pattern for many, and a port.
type Key<'a> = (&'a Resource, Cow<'a, str>, i64);

/// What a group of batches adds.
#[derive(Debug, Default)]
pub(super) struct Destinations<'a>(HashMap<Key<'a>, Tally<'a>>);

/// A row to be written.
#[derive(Debug, Default)]
struct Placed<'a> {
    tally: Tally<'a>,
    domain: String,
    overflow: bool,
    /// Of an overflow row; empty if there is nothing new.
    samples: Vec<String>,
    /// With those of the tally; empty if that has none.
    addresses: Addresses,
}

static SAVE: Statement = Statement::new(
    "INSERT INTO destinations (resource_type, resource_id, host, port, overflow, domain, first_seen, last_seen, \
     last_rejected, last_allowed, samples, addresses) VALUES ",
    12,
    " ON CONFLICT (resource_type, resource_id, host, port) DO UPDATE SET \
     first_seen = CASE WHEN excluded.first_seen < destinations.first_seen \
       THEN excluded.first_seen ELSE destinations.first_seen END, \
     last_seen = CASE WHEN excluded.last_seen > destinations.last_seen \
       THEN excluded.last_seen ELSE destinations.last_seen END, \
     last_rejected = CASE WHEN destinations.last_rejected IS NULL OR excluded.last_rejected > destinations.last_rejected \
       THEN excluded.last_rejected ELSE destinations.last_rejected END, \
     last_allowed = CASE WHEN destinations.last_allowed IS NULL OR excluded.last_allowed > destinations.last_allowed \
       THEN excluded.last_allowed ELSE destinations.last_allowed END, \
     samples = CASE WHEN excluded.samples = '[]' THEN destinations.samples ELSE excluded.samples END, \
     addresses = CASE WHEN excluded.addresses = '[]' THEN destinations.addresses ELSE excluded.addresses END",
);
static LOAD_SHAPES: Statement = Statement::new(
    "WITH k (t, i, y, h, p) AS (VALUES ",
    5,
    ") SELECT d.resource_type, d.resource_id, d.day, d.host, d.port, d.shapes FROM k CROSS JOIN destination_days d \
     WHERE d.resource_type = k.t AND d.resource_id = k.i AND d.day = k.y AND d.host = k.h AND d.port = k.p",
);
static SAVE_DAYS: Statement = Statement::new(
    "INSERT INTO destination_days (resource_type, resource_id, host, port, day, first_seen, last_seen, requests, \
     warned, rejected, would_reject, opaque, shapes) VALUES ",
    13,
    " ON CONFLICT (resource_type, resource_id, day, host, port) DO UPDATE SET \
     first_seen = CASE WHEN excluded.first_seen < destination_days.first_seen \
       THEN excluded.first_seen ELSE destination_days.first_seen END, \
     last_seen = CASE WHEN excluded.last_seen > destination_days.last_seen \
       THEN excluded.last_seen ELSE destination_days.last_seen END, \
     requests = destination_days.requests + excluded.requests, warned = destination_days.warned + excluded.warned, \
     rejected = destination_days.rejected + excluded.rejected, \
     would_reject = destination_days.would_reject + excluded.would_reject, \
     opaque = destination_days.opaque + excluded.opaque, \
     shapes = CASE WHEN excluded.shapes = '[]' THEN destination_days.shapes ELSE excluded.shapes END",
);

impl<'a> Placed<'a> {
    /// A row for this, where the database has these addresses already.
    fn new(tally: Tally<'a>, domain: String, known: Option<&Addresses>) -> Self {
        let mut placed = Self {
            tally,
            domain,
            ..Self::default()
        };
        placed.know(known);
        placed
    }

    /// The first ones stay. Nothing is written where nothing is told.
    fn know(&mut self, known: Option<&Addresses>) {
        if self.tally.addresses.is_empty() {
            return;
        }
        if let (true, Some(known)) = (self.addresses.is_empty(), known) {
            self.addresses = known.clone();
        }
        self.addresses.merge(&self.tally.addresses);
    }
}

impl<'a> Destinations<'a> {
    /// Counts a decision, or many. One without a canonical target has no destination.
    pub(super) fn add(&mut self, resource: &'a Resource, row: &'a Row) {
        if let Some(host) = &row.host {
            let key = (resource, Cow::Borrowed(host.as_str()), row.port.unwrap_or(0));
            self.0.entry(key).or_default().add(row);
        }
    }

    /// Adds to what is there.
    pub(super) async fn save(self, kind: Kind, tx: &mut Tx, limits: &Limits) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let placed = place::place(kind, tx, limits, self.0).await?;
        let rows: Vec<(&Key<'_>, &Placed<'_>)> = placed.iter().collect();
        let save = SAVE.run(kind, tx, &rows, |((resource, host, port), placed), values| {
            let Placed {
                tally,
                domain,
                overflow,
                samples,
                addresses,
            } = placed;
            values.add(resource.kind.as_str()).add(resource.id.as_str());
            values
                .add(host.as_ref())
                .add(*port)
                .add(i64::from(*overflow))
                .add(domain.as_str());
            values.add(tally.first.unwrap_or(0)).add(tally.last.unwrap_or(0));
            values.add(tally.last_rejected).add(tally.last_allowed);
            values
                .add(serde_json::to_string(samples).unwrap_or_default())
                .add(addresses.written());
        });
        save.await?;
        save_days(kind, tx, &placed).await
    }
}

async fn save_days(kind: Kind, tx: &mut Tx, placed: &BTreeMap<Key<'_>, Placed<'_>>) -> Result<(), Error> {
    let days = placed
        .iter()
        .flat_map(|(key, placed)| placed.tally.days.iter().map(move |(day, more)| (key, *day, more)));
    let days: Vec<(&Key<'_>, i64, &Day<'_>)> = days.collect();
    let in_clear: Vec<_> = days.iter().filter(|(_, _, day)| !day.shapes.is_empty()).collect();
    let rows = LOAD_SHAPES.fetch(kind, tx, &in_clear, |((resource, host, port), day, _), values| {
        values.add(resource.kind.as_str()).add(resource.id.as_str());
        values.add(*day).add(host.as_ref()).add(*port);
    });
    let mut known = HashMap::new();
    for row in rows.await? {
        let resource = Resource::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let (day, host, port): (i64, String, i64) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        known.insert((resource, day, host, port), shapes::read(row.try_get(5)?)?);
    }
    let with_shapes: Vec<_> = days
        .iter()
        .map(|(key, day, more)| {
            let (resource, host, port) = *key;
            let mut shapes = match known.is_empty() || more.shapes.is_empty() {
                true => Vec::new(),
                false => known
                    .remove(&((*resource).clone(), *day, host.to_string(), *port))
                    .unwrap_or_default(),
            };
            shapes::merge(&mut shapes, &more.shapes);
            (*key, *day, *more, serde_json::to_string(&shapes).unwrap_or_default())
        })
        .collect();
    SAVE_DAYS
        .run(
            kind,
            tx,
            &with_shapes,
            |((resource, host, port), day, more, shapes), values| {
                values.add(resource.kind.as_str()).add(resource.id.as_str());
                values.add(host.as_ref()).add(*port).add(*day);
                values.add(more.first).add(more.last).add(more.counts.total());
                values
                    .add(more.counts.warned)
                    .add(more.counts.rejected)
                    .add(more.counts.would_reject);
                values.add(more.opaque).add(shapes.as_str());
            },
        )
        .await
}
