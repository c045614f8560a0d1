//! Destinations as they were recorded, for who judges them by itself.

use std::cmp::Reverse;
use std::net::IpAddr;

use serde::Serialize;

use super::destinations::{self, Destination, Read};
use super::selection::Selection;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;

/// How many methods and paths of one destination are told.
const MOST_SEEN: usize = 20;

/// One destination, of all selected resources together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// A canonical host, or what stands for many.
    pub host: String,
    /// Its port; 0 is several.
    pub port: u16,
    /// Requests and connections.
    pub requests: u64,
    /// How many of them were rejected.
    pub rejected: u64,
    /// The first of them.
    pub first_seen: Moment,
    /// The last.
    pub last_seen: Moment,
    /// How many were opaque: neither method nor path was visible.
    pub opaque: u64,
    /// What was seen in clear, the most frequent first.
    pub seen: Vec<Seen>,
    /// Whether it stands for many hosts that were not kept apart.
    pub many: bool,
    /// The first of those.
    pub members: Vec<String>,
    /// Where it led, as far as that was told.
    pub addresses: Vec<IpAddr>,
    /// Whether it led to more.
    pub more_addresses: bool,
}

/// Requests that were seen alike; `None` is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Their method.
    pub method: Option<String>,
    /// Their path.
    pub path: Option<String>,
    /// How many.
    pub count: u64,
}

/// The destinations of a window.
#[derive(Debug)]
pub struct All(Read);

/// One of them, not told yet.
#[derive(Debug, Clone, Copy)]
pub struct One<'r>(&'r Destination);

/// Reads the destinations of a window.
///
/// # Errors
/// What the database says.
pub async fn read(store: &Store, selection: &Selection, since: Moment) -> Result<All, Error> {
    let read = destinations::read(store, selection, since, destinations::Wanted::Now).await?;
    Ok(All(read))
}

impl All {
    /// Those with a part of a name in theirs, the most requested first.
    #[must_use]
    pub fn with(&self, part: Option<&str>) -> Vec<One<'_>> {
        let has = |one: &One<'_>| part.is_none_or(|part| one.has(part));
        let mut found: Vec<One<'_>> = self.0.destinations.iter().map(One).filter(has).collect();
        // By host and port where they are equal, as they come.
        found.sort_by_key(|one| Reverse(one.0.requests));
        found
    }
}

impl One<'_> {
    fn has(self, part: &str) -> bool {
        let members = self.0.many.as_deref().unwrap_or_default();
        self.0.host.contains(part) || members.iter().any(|member| member.contains(part))
    }

    /// In the words of the API.
    #[must_use]
    pub fn told(self) -> Recorded {
        recorded(self.0)
    }
}

fn recorded(destination: &Destination) -> Recorded {
    let rest = destination.unknown();
    let shapes = destination.shapes.iter();
    let mut seen: Vec<Seen> = shapes
        .map(|((method, path), seen)| Seen {
            method: (!method.is_empty()).then(|| method.clone()),
            path: (!path.is_empty()).then(|| path.clone()),
            count: seen.count,
        })
        .collect();
    match seen.iter_mut().find(|seen| seen.method.is_none()) {
        Some(unknown) => unknown.count = unknown.count.saturating_add(rest),
        None if rest > 0 => seen.push(Seen {
            method: None,
            path: None,
            count: rest,
        }),
        None => {}
    }
    seen.sort_by_key(|seen| Reverse(seen.count));
    seen.truncate(MOST_SEEN);
    Recorded {
        host: destination.host.clone(),
        port: destination.port,
        requests: destination.requests,
        rejected: destination.rejected,
        first_seen: Moment(destination.first_seen),
        last_seen: Moment(destination.last_seen),
        opaque: destination.opaque.count,
        seen,
        many: destination.many.is_some(),
        members: destination.many.clone().unwrap_or_default(),
        addresses: destination.addresses.first().to_vec(),
        more_addresses: destination.addresses.has_more(),
    }
}
