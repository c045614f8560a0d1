//! How many rows a resource may have: a client can invent names without end, and
//! must not fill the database with them. Each domain has its own room, so that one
//! domain's flood takes nobody else's.

use std::collections::{BTreeSet, HashMap};

use sqlx::Row;

use super::domain;
use super::sql::Statement;
use crate::error::Error;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// How many rows there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Of one domain.
    pub hosts: i64,
    /// Domains of a resource.
    pub domains: i64,
}

/// How many rows of one domain may stand for many: one a port.
const OVERFLOWS: i64 = 64;

/// The count of a resource's domains is kept under the name of none.
const ALL: &str = "";

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    hosts: i64,
    overflows: i64,
    changed: bool,
}

/// What is there of the domains that a group of batches is about.
#[derive(Debug)]
pub(super) struct Caps<'a> {
    part: &'static str,
    room: Room,
    counts: HashMap<(&'a Resource, String), Count>,
}

static LOAD: Statement = Statement::new(
    "WITH k (p, t, i, d) AS (VALUES ",
    4,
    ") SELECT n.resource_type, n.resource_id, n.domain, n.hosts, n.overflows FROM k CROSS JOIN domains n \
     WHERE n.part = k.p AND n.resource_type = k.t AND n.resource_id = k.i AND n.domain = k.d",
);
static SAVE: Statement = Statement::new(
    "INSERT INTO domains (part, resource_type, resource_id, domain, hosts, overflows) VALUES ",
    6,
    " ON CONFLICT (part, resource_type, resource_id, domain) DO UPDATE SET \
     hosts = excluded.hosts, overflows = excluded.overflows",
);

impl<'a> Caps<'a> {
    /// The counts of these domains, as they are in the database.
    pub(super) async fn load(
        kind: Kind,
        tx: &mut Tx,
        part: &'static str,
        room: Room,
        domains: impl Iterator<Item = (&'a Resource, &str)>,
    ) -> Result<Self, Error> {
        let mut wanted = BTreeSet::new();
        for (resource, domain) in domains {
            wanted.extend([(resource, domain), (resource, ALL), (resource, domain::ANY)]);
        }
        let keys: Vec<(&Resource, &str)> = wanted.into_iter().collect();
        let rows = LOAD.fetch(kind, tx, &keys, |(resource, domain), values| {
            values
                .add(part)
                .add(resource.kind.as_str())
                .add(resource.id.as_str())
                .add(*domain);
        });
        let resources: HashMap<&Resource, &'a Resource> =
            keys.iter().map(|(resource, _)| (*resource, *resource)).collect();
        let mut counts = HashMap::new();
        for row in rows.await? {
            let resource = Resource::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
            if let Some(resource) = resources.get(&resource) {
                let (hosts, overflows) = (row.try_get(3)?, row.try_get(4)?);
                let count = Count {
                    hosts,
                    overflows,
                    changed: false,
                };
                counts.insert((*resource, row.try_get(2)?), count);
            }
        }
        Ok(Self { part, room, counts })
    }

    /// Room for a host that has no row yet: whether it gets one, or the domain it is counted under.
    pub(super) fn host<'d>(&mut self, resource: &'a Resource, domain: &'d str) -> Result<(), &'d str> {
        let most = self.room.hosts;
        let domain = self.domain(resource, domain);
        let count = self.count(resource, domain);
        if domain == domain::ANY || count.hosts >= most {
            return Err(domain);
        }
        count.hosts += 1;
        count.changed = true;
        Ok(())
    }

    /// The domain, if it is known or there is room for another one.
    pub(super) fn domain<'d>(&mut self, resource: &'a Resource, domain: &'d str) -> &'d str {
        if domain == domain::ANY || self.counts.contains_key(&(resource, domain.to_owned())) {
            return domain;
        }
        let most = self.room.domains;
        let all = self.count(resource, ALL);
        if all.hosts >= most {
            return domain::ANY;
        }
        all.hosts += 1;
        all.changed = true;
        self.count(resource, domain).changed = true;
        domain
    }

    /// Room for another row that stands for many.
    pub(super) fn overflow(&mut self, resource: &'a Resource, domain: &str) -> bool {
        let count = self.count(resource, domain);
        if count.overflows >= OVERFLOWS {
            return false;
        }
        count.overflows += 1;
        count.changed = true;
        true
    }

    fn count(&mut self, resource: &'a Resource, domain: &str) -> &mut Count {
        self.counts.entry((resource, domain.to_owned())).or_default()
    }

    /// Writes back what changed.
    pub(super) async fn save(&self, kind: Kind, tx: &mut Tx) -> Result<(), Error> {
        let changed: Vec<_> = self.counts.iter().filter(|(_, count)| count.changed).collect();
        SAVE.run(kind, tx, &changed, |((resource, domain), count), values| {
            values
                .add(self.part)
                .add(resource.kind.as_str())
                .add(resource.id.as_str());
            values.add(domain.as_str()).add(count.hosts).add(count.overflows);
        })
        .await
    }
}
