//! Rejected hosts that an operator could list: one row a host, however often it was tried.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use sqlx::Row as _;

use super::Limits;
use super::caps::Caps;
use super::domain;
use super::event::Row;
use super::sql::Statement;
use crate::error::Error;
use crate::id;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// How many ports and methods of a host are listed.
const LISTED: usize = 32;

/// Of whom, and which host or pattern for many.
type Key<'a> = (&'a Resource, String);

/// What a group of batches adds.
#[derive(Debug, Default)]
pub(super) struct Pending<'a>(BTreeMap<Key<'a>, Attempts<'a>>);

#[derive(Debug)]
struct Attempts<'a> {
    count: i64,
    first: Moment,
    ports: BTreeSet<i64>,
    methods: BTreeSet<String>,
    /// The last one.
    example: &'a Row,
    overflow: bool,
}

static LOAD: Statement = Statement::new(
    "WITH k (t, i, h) AS (VALUES ",
    3,
    ") SELECT p.resource_type, p.resource_id, p.host, p.ports, p.methods FROM k CROSS JOIN pending p \
     WHERE p.resource_type = k.t AND p.resource_id = k.i AND p.host = k.h",
);
static SAVE: Statement = Statement::new(
    "INSERT INTO pending (id, resource_type, resource_id, host, overflow, ports, methods, attempts, first_seen, \
     last_seen, example, rejected_by, nearest, state) VALUES ",
    14,
    " ON CONFLICT (resource_type, resource_id, host) DO UPDATE SET ports = excluded.ports, methods = excluded.methods, \
     attempts = pending.attempts + excluded.attempts, \
     first_seen = CASE WHEN excluded.first_seen < pending.first_seen \
       THEN excluded.first_seen ELSE pending.first_seen END, \
     example = CASE WHEN excluded.last_seen >= pending.last_seen THEN excluded.example ELSE pending.example END, \
     rejected_by = CASE WHEN excluded.last_seen >= pending.last_seen \
       THEN excluded.rejected_by ELSE pending.rejected_by END, \
     nearest = CASE WHEN excluded.last_seen >= pending.last_seen THEN excluded.nearest ELSE pending.nearest END, \
     last_seen = CASE WHEN excluded.last_seen > pending.last_seen \
       THEN excluded.last_seen ELSE pending.last_seen END",
);

impl<'a> Attempts<'a> {
    fn new(row: &'a Row) -> Self {
        Self {
            count: 0,
            first: row.at,
            ports: BTreeSet::new(),
            methods: BTreeSet::new(),
            example: row,
            overflow: false,
        }
    }

    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.list(other.ports, other.methods);
        if other.example.at >= self.example.at {
            self.example = other.example;
        }
    }

    /// The first ones stay.
    fn list(&mut self, ports: BTreeSet<i64>, methods: BTreeSet<String>) {
        let room = LISTED.saturating_sub(self.ports.len());
        let new: Vec<_> = ports.difference(&self.ports).copied().take(room).collect();
        self.ports.extend(new);
        let room = LISTED.saturating_sub(self.methods.len());
        let new: Vec<_> = methods.difference(&self.methods).take(room).cloned().collect();
        self.methods.extend(new);
    }
}

impl<'a> Pending<'a> {
    /// Notes attempts at a host.
    pub(super) fn add(&mut self, resource: &'a Resource, row: &'a Row) {
        let Some(host) = &row.host else { return };
        let attempts = Attempts {
            count: row.count,
            ports: row.port.into_iter().collect(),
            methods: row.method.iter().cloned().collect(),
            ..Attempts::new(row)
        };
        let key = (resource, host.clone());
        self.0.entry(key).or_insert_with(|| Attempts::new(row)).merge(attempts);
    }

    /// Adds to what is there; whether there is a new row.
    pub(super) async fn save(self, kind: Kind, tx: &mut Tx, limits: &Limits) -> Result<bool, Error> {
        if self.0.is_empty() {
            return Ok(false);
        }
        let mut there = load(kind, tx, self.0.keys()).await?;
        let (mut placed, new): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .0
            .into_iter()
            .partition(|((resource, host), _)| there.contains_key(&((*resource).clone(), host.clone())));
        place(kind, tx, limits, new, &mut placed).await?;
        // Rows of many may have been there too.
        let many: Vec<_> = placed
            .iter()
            .filter(|(_, attempts)| attempts.overflow)
            .map(|(key, _)| key)
            .collect();
        there.extend(load(kind, tx, many.into_iter()).await?);
        let mut rows = Vec::new();
        let mut is_new = false;
        for ((resource, host), attempts) in placed {
            let known = there.remove(&(resource.clone(), host.clone()));
            is_new |= known.is_none();
            let mut listed = Attempts::new(attempts.example);
            let (ports, methods) = known.unwrap_or_default();
            listed.list(ports, methods);
            listed.list(attempts.ports.clone(), attempts.methods.clone());
            rows.push((resource, host, attempts, listed));
        }
        SAVE.run(kind, tx, &rows, |(resource, host, attempts, listed), values| {
            let row = attempts.example;
            values
                .add(id::new("pnd"))
                .add(resource.kind.as_str())
                .add(resource.id.as_str());
            values.add(host.as_str()).add(i64::from(attempts.overflow));
            values
                .add(json!(listed.ports).to_string())
                .add(json!(listed.methods).to_string());
            values.add(attempts.count).add(attempts.first.0).add(row.at.0);
            values.add(example(row, attempts.overflow).to_string());
            values.add(row.rejected_by.as_deref().unwrap_or_default());
            values.add(row.nearest.as_deref()).add("pending");
        })
        .await?;
        Ok(is_new)
    }
}

type Listed = (BTreeSet<i64>, BTreeSet<String>);

async fn load<'k, 'a: 'k>(
    kind: Kind,
    tx: &mut Tx,
    keys: impl Iterator<Item = &'k Key<'a>>,
) -> Result<HashMap<(Resource, String), Listed>, Error> {
    let keys: Vec<_> = keys.collect();
    let rows = LOAD.fetch(kind, tx, &keys, |(resource, host), values| {
        values
            .add(resource.kind.as_str())
            .add(resource.id.as_str())
            .add(host.as_str());
    });
    let mut there = HashMap::new();
    for row in rows.await? {
        let resource = Resource::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let broken = |error: serde_json::Error| Error::Internal(format!("a pending row: {error}"));
        let ports = serde_json::from_str(row.try_get(3)?).map_err(broken)?;
        let methods = serde_json::from_str(row.try_get(4)?).map_err(broken)?;
        there.insert((resource, row.try_get(2)?), (ports, methods));
    }
    Ok(there)
}

/// Finds a row for each new host: its own, or past a cap that of its domain.
async fn place<'a>(
    kind: Kind,
    tx: &mut Tx,
    limits: &Limits,
    new: BTreeMap<Key<'a>, Attempts<'a>>,
    placed: &mut BTreeMap<Key<'a>, Attempts<'a>>,
) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let mut new: Vec<_> = new.into_iter().collect();
    // Who came first gets a row first, whatever its name.
    new.sort_by(|(key, attempts), (other, later)| (attempts.first, key).cmp(&(later.first, other)));
    let wanted = new.iter().map(|((resource, host), _)| (*resource, domain::of(host)));
    let mut caps = Caps::load(kind, tx, "pending", limits.pending, wanted).await?;
    for ((resource, host), attempts) in new {
        match caps.host(resource, domain::of(&host)) {
            Ok(()) => {
                placed.insert((resource, host), attempts);
            }
            Err(domain) => {
                let example = attempts.example;
                let many = placed.entry((resource, domain::row(domain)));
                let many = many.or_insert_with(|| Attempts::new(example));
                many.overflow = true;
                many.merge(attempts);
            }
        }
    }
    caps.save(kind, tx).await
}

/// What was tried last; of a row of many also whom.
fn example(row: &Row, overflow: bool) -> Value {
    let mut example = json!({
        "method": row.method,
        "path": row.path,
        "port": row.port,
        "sni": row.sni,
        "client": row.client,
        "at": row.at,
    });
    if let Some(peer) = row.peer {
        example["peer"] = json!(peer.to_string());
    }
    if overflow {
        example["host"] = json!(row.host);
    }
    example
}
