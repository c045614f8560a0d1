//! Which row a destination is counted in: its own, or past a cap one of many.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Row as _;

use super::tally::Tally;
use super::{Key, Placed};
use crate::addresses::Addresses;
use crate::error::Error;
use crate::ingest::Limits;
use crate::ingest::caps::Caps;
use crate::ingest::domain;
use crate::ingest::sql::Statement;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// How many hosts an overflow row names.
const SAMPLES: usize = 10;
/// The port of an overflow row that stands for many ports.
const MANY: i64 = 0;

static KNOWN: Statement = Statement::new(
    "WITH k (t, i, h, p) AS (VALUES ",
    4,
    ") SELECT d.resource_type, d.resource_id, d.host, d.port, d.addresses FROM k CROSS JOIN destinations d \
     WHERE d.resource_type = k.t AND d.resource_id = k.i AND d.host = k.h AND d.port = k.p",
);
static OVERFLOWS: Statement = Statement::new(
    "WITH k (t, i, h) AS (VALUES ",
    3,
    ") SELECT d.resource_type, d.resource_id, d.host, d.port, d.samples, d.addresses FROM k CROSS JOIN destinations d \
     WHERE d.resource_type = k.t AND d.resource_id = k.i AND d.host = k.h",
);

/// A tally that has no row of its own: of whom, under which domain, and what it was called.
struct Homeless<'a> {
    resource: &'a Resource,
    domain: String,
    port: i64,
    /// The host itself, if it is one.
    sample: Option<String>,
    tally: Tally<'a>,
}

/// Finds a row for each tally.
pub(super) async fn place<'a>(
    kind: Kind,
    tx: &mut Tx,
    limits: &Limits,
    tallies: HashMap<Key<'a>, Tally<'a>>,
) -> Result<BTreeMap<Key<'a>, Placed<'a>>, Error> {
    let known = known(kind, tx, &tallies).await?;
    let mut placed = BTreeMap::new();
    let mut new = Vec::new();
    for (key, tally) in tallies {
        let (resource, host, port) = &key;
        let stored = match known.is_empty() {
            true => None,
            false => known.get(&((*resource).clone(), host.to_string(), *port)),
        };
        if stored.is_some() && domain::of_pattern(host).is_none() {
            let domain = domain::of(host).to_owned();
            placed.insert(key, Placed::new(tally, domain, stored));
        } else {
            new.push((key, tally));
        }
    }
    if new.is_empty() {
        return Ok(placed);
    }
    // Who came first gets a row first, whatever order the map has.
    new.sort_by(|(key, tally), (other, later)| (tally.first, key).cmp(&(later.first, other)));
    let domain_of = |host: &'_ str| domain::of_pattern(host).unwrap_or_else(|| domain::of(host)).to_owned();
    let domains: Vec<String> = new.iter().map(|((_, host, _), _)| domain_of(host)).collect();
    let wanted = new
        .iter()
        .zip(&domains)
        .map(|(((resource, ..), _), domain)| (*resource, domain.as_str()));
    let mut caps = Caps::load(kind, tx, "destinations", limits.destinations, wanted).await?;
    let mut homeless = Vec::new();
    for ((key, tally), domain) in new.into_iter().zip(&domains) {
        let (resource, host, port) = key;
        let (domain, sample) = match domain::of_pattern(&host) {
            Some(_) => (caps.domain(resource, domain), None),
            None => match caps.host(resource, domain) {
                Ok(()) => {
                    let domain = domain.clone();
                    placed.insert((resource, host, port), Placed::new(tally, domain, None));
                    continue;
                }
                Err(domain) => (domain, Some(host.into_owned())),
            },
        };
        homeless.push(Homeless {
            resource,
            domain: domain.to_owned(),
            port,
            sample,
            tally,
        });
    }
    take_in(kind, tx, &mut caps, homeless, &mut placed).await?;
    caps.save(kind, tx).await?;
    Ok(placed)
}

async fn known(
    kind: Kind,
    tx: &mut Tx,
    tallies: &HashMap<Key<'_>, Tally<'_>>,
) -> Result<HashMap<(Resource, String, i64), Addresses>, Error> {
    let keys: Vec<&Key<'_>> = tallies.keys().collect();
    let rows = KNOWN.fetch(kind, tx, &keys, |(resource, host, port), values| {
        values.add(resource.kind.as_str()).add(resource.id.as_str());
        values.add(host.as_ref()).add(*port);
    });
    let known = |row: &sqlx::any::AnyRow| -> Result<_, Error> {
        let resource = Resource::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let key = (resource, row.try_get(2)?, row.try_get(3)?);
        Ok((key, Addresses::read(row.try_get(4)?)?))
    };
    rows.await?.iter().map(known).collect()
}

/// Puts tallies into the rows of their domains.
async fn take_in<'a>(
    kind: Kind,
    tx: &mut Tx,
    caps: &mut Caps<'a>,
    homeless: Vec<Homeless<'a>>,
    placed: &mut BTreeMap<Key<'a>, Placed<'a>>,
) -> Result<(), Error> {
    let hosts: BTreeSet<(&Resource, String)> = homeless
        .iter()
        .map(|one| (one.resource, domain::row(&one.domain)))
        .collect();
    let hosts: Vec<_> = hosts.into_iter().collect();
    let rows = OVERFLOWS.fetch(kind, tx, &hosts, |(resource, host), values| {
        values
            .add(resource.kind.as_str())
            .add(resource.id.as_str())
            .add(host.as_str());
    });
    let mut there: HashMap<(Resource, String, i64), (Vec<String>, Addresses)> = HashMap::new();
    for row in rows.await? {
        let resource = Resource::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let samples = serde_json::from_str(row.try_get(4)?).unwrap_or_default();
        let addresses = Addresses::read(row.try_get(5)?)?;
        there.insert((resource, row.try_get(2)?, row.try_get(3)?), (samples, addresses));
    }
    for Homeless {
        resource,
        domain,
        port,
        sample,
        tally,
    } in homeless
    {
        let host = domain::row(&domain);
        let is_there = |port: i64, placed: &BTreeMap<Key<'a>, Placed<'a>>| {
            placed.contains_key(&(resource, Cow::Owned(host.clone()), port))
                || there.contains_key(&(resource.clone(), host.clone(), port))
        };
        let port = if port == MANY || is_there(port, placed) || caps.overflow(resource, &domain) {
            port
        } else {
            MANY
        };
        let stored = there.get(&(resource.clone(), host.clone(), port));
        let row = placed
            .entry((resource, Cow::Owned(host), port))
            .or_insert_with(|| Placed {
                domain,
                overflow: true,
                samples: stored.map(|(samples, _)| samples.clone()).unwrap_or_default(),
                ..Placed::default()
            });
        row.tally.merge(tally);
        row.know(stored.map(|(_, addresses)| addresses));
        if let Some(sample) = sample
            && row.samples.len() < SAMPLES
            && !row.samples.contains(&sample)
        {
            row.samples.push(sample);
        }
    }
    Ok(())
}
