//! Suggestions: what to allow, what to deny, and what to ask about first.

use std::cmp::Reverse;

use serde::Serialize;
use sluice_harness::few::Few;
use sluice_harness::spread;
use sluice_harness::suggest::{self, Catalogue, LedTo, Many, Observed, Services, Suggestion, Total, policy_of};
use sluice_policy::{Blocks, Policy, PolicyDocument, Timestamp};

use super::destinations::{self, Destination, Read, Table, Wanted};
use super::infrastructure::Infrastructure;
use super::judge::Judge;
use super::selection::Selection;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Store;

/// What suggestions depend on besides the traffic.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The known services.
    pub catalogue: &'a Catalogue,
    /// Hosts that are never suggested.
    pub infrastructure: &'a Infrastructure,
    /// Private blocks that any name may lead to, by the configuration of the proxies.
    pub resolves_to: &'a Blocks,
    /// The policy in force, to say which suggestion a rule of it decides already.
    pub policy: Option<&'a Policy>,
    /// For its rules that expire.
    pub now: Moment,
}

/// One suggestion, in the words of the API.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What is suggested.
    #[serde(flatten)]
    pub suggestion: Suggestion,
    /// How many of the requests were rejected.
    pub denied_count: u64,
    /// How many resources asked for it.
    pub seen_in: usize,
    /// The resource, if it is about one.
    pub resource_id: Option<String>,
    /// Its type.
    pub resource_type: Option<String>,
    /// The rule in force that decides all of it already.
    pub listed: Option<String>,
}

/// Suggestions from what the selected resources did since then, all together;
/// the most requested first.
///
/// # Errors
/// What the database says.
pub async fn of(
    store: &Store,
    selection: &Selection,
    since: Moment,
    circumstances: &Circumstances<'_>,
) -> Result<Vec<Row>, Error> {
    Traffic::read(store, selection, since).await?.suggestions(circumstances)
}

/// What the selected resources did since a time.
#[derive(Debug)]
pub struct Traffic {
    read: Read,
    single: Option<Resource>,
}

impl Traffic {
    /// Reads it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn read(store: &Store, selection: &Selection, since: Moment) -> Result<Self, Error> {
        Ok(Self {
            read: destinations::read(store, selection, since, Wanted::Now).await?,
            single: selection.single().cloned(),
        })
    }

    /// What to make of it, the most requested first. With very many destinations this takes a while.
    ///
    /// # Errors
    /// A defect: rules that were compiled do not compile a second time.
    pub fn suggestions(&self, circumstances: &Circumstances<'_>) -> Result<Vec<Row>, Error> {
        let judge = circumstances
            .policy
            .map(|policy| Judge::new(policy, circumstances.now.timestamp(), None, circumstances.resolves_to))
            .transpose()?;
        let all = &self.read.destinations;
        let row = |suggestion| row(suggestion, all, judge.as_ref(), self.single.as_ref());
        let parts = spread::by_key(all.iter().collect(), |one| {
            suggest::neighbourhood(one.of().unwrap_or(&one.host))
        });
        let parts = spread::at_once(parts, |part| observe(part, circumstances));
        let mut seen = Services::default();
        parts.iter().for_each(|part| seen.add(part.services()));
        let rows = spread::at_once(parts, |part| {
            let suggestions = part.suggestions_beside(&seen).suggestions;
            suggestions.into_iter().map(row).collect()
        });
        Ok(in_order(rows))
    }
}

/// The most requested first. Rows are large, so that their places are put in order first and each is moved once.
fn in_order(parts: Vec<Vec<Row>>) -> Vec<Row> {
    let places = parts.iter().enumerate().flat_map(|(part, rows)| {
        let rows = rows.iter().enumerate();
        rows.map(move |(place, row)| (Reverse(row.suggestion.request_count), row, (part, place)))
    });
    let mut order: Vec<(Reverse<u64>, &Row, (usize, usize))> = places.collect();
    order.sort_unstable_by(|(count, one, _), (more, other, _)| {
        count.cmp(more).then_with(|| one.suggestion.before(&other.suggestion))
    });
    let order: Vec<(usize, usize)> = order.into_iter().map(|(.., place)| place).collect();
    // A row and one that may be taken have the same size, so that nothing moves here.
    let parts = parts.into_iter().map(|rows| rows.into_iter().map(Some).collect());
    let mut parts: Vec<Vec<Option<Row>>> = parts.collect();
    let mut take = |(part, place): (usize, usize)| parts.get_mut(part)?.get_mut(place)?.take();
    let mut rows = Vec::with_capacity(order.len());
    rows.extend(order.into_iter().filter_map(&mut take));
    rows
}

/// The policy that follows from suggestions: what is recommended to be denied is
/// denied, all else that was seen is allowed, with a note where a question is open.
#[must_use]
pub fn policy<'r>(rows: impl IntoIterator<Item = &'r Row>) -> PolicyDocument {
    let suggestions: Vec<Suggestion> = rows.into_iter().map(|row| row.suggestion.clone()).collect();
    policy_of(&suggestions)
}

fn observe<'c>(destinations: Vec<&Destination>, circumstances: &Circumstances<'c>) -> Observed<'c> {
    let observed = Observed::new(circumstances.catalogue, suggest::Options::default());
    let mut observed = observed.expecting(circumstances.resolves_to.clone());
    for destination in destinations {
        match (destination.of(), &destination.many) {
            (Some(of), Some(samples)) => {
                if !circumstances.infrastructure.contains(&format!("any.{of}")) {
                    observed.add_many(&Many {
                        of,
                        port: destination.port,
                        samples,
                        total: total(destination),
                        led_to: led_to(destination),
                    });
                }
            }
            _ if circumstances.infrastructure.contains(&destination.host) => {}
            _ => observed.add_destination(&suggest::Destination {
                host: destination.host.as_str().into(),
                port: destination.port,
                total: total(destination),
                inside: inside(destination).as_deref(),
                led_to: led_to(destination),
            }),
        }
    }
    observed
}

fn total(destination: &Destination) -> Total {
    Total {
        count: destination.requests,
        first: Some(Timestamp::from_micros(destination.first_seen)),
        last: Some(Timestamp::from_micros(destination.last_seen)),
        days: destination.days.clone(),
    }
}

fn led_to(destination: &Destination) -> LedTo<'_> {
    LedTo {
        addresses: destination.addresses.first(),
        more: destination.addresses.has_more(),
    }
}

/// Every method and path, if all of them are known.
fn inside(destination: &Destination) -> Option<Vec<(&str, Option<&str>)>> {
    if destination.opaque.count > 0 || destination.unknown() > 0 {
        return None;
    }
    let shapes = destination.shapes.keys().map(|(method, path)| {
        let known = (!method.is_empty()).then_some(method.as_str());
        known.map(|method| (method, Some(path.as_str()).filter(|path| !path.is_empty())))
    });
    shapes.collect()
}

/// The destinations that a suggestion is about.
fn about<'r>(suggestion: &'r Suggestion, all: &'r Table) -> impl Iterator<Item = &'r Destination> {
    let hosts = suggestion.members.iter();
    let hosts = hosts.flat_map(|host| all.of_host(host).iter().filter(|one| one.many.is_none()));
    // It is named by the wildcard, or by what its hosts have in common.
    let crowd = suggestion.crowd.iter().flat_map(|of| {
        let named = all.of_host(of).iter().chain(all.of_host(&format!("*.{of}")));
        named.filter(|one| one.many.is_some())
    });
    let ports = &suggestion.ports;
    let on_port = |one: &&Destination| ports.is_empty() || ports.contains(&one.port);
    hosts.chain(crowd).filter(on_port)
}

fn row(suggestion: Suggestion, all: &Table, judge: Option<&Judge<'_>>, single: Option<&Resource>) -> Row {
    let about: Vec<&Destination> = about(&suggestion, all).collect();
    let seen_in: Few<usize, 8> = about.iter().flat_map(|destination| &destination.resources).collect();
    let denied_count = about.iter().map(|destination| destination.rejected).sum();
    let listed = judge.and_then(|judge| judge.listed(&about));
    Row {
        denied_count,
        seen_in: seen_in.len(),
        resource_id: single.map(|resource| resource.id.clone()),
        resource_type: single.map(|resource| resource.kind.clone()),
        listed,
        suggestion,
    }
}
