//! Gathers what recordings show of each destination.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sluice_policy::{Blocks, Host, RequestLine, Seen, Timestamp, address, domain};

use super::Options;
use super::aggregate::{Days, Destination, LedTo, Many, Total};
use super::catalogue::{Catalogue, Found};
use super::group::grouped;
use super::leads_to::LeadsTo;
use super::paths::Paths;
use super::ports::Ports;
use super::suggestion::{LeftOut, Omission, Suggestion, Suggestions};
use crate::recording::{Recorded, Sighting};

/// Past this many methods a list of them says nothing any more.
const MOST_METHODS: usize = 16;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What recordings show, gathered piece by piece: memory grows with the number
/// of destinations, not with that of requests.
#[derive(Debug)]
pub struct Observed<'c> {
    pub(super) catalogue: &'c Catalogue,
    pub(super) options: Options,
    /// Where any name may lead.
    expected: Blocks,
    pub(super) hosts: BTreeMap<String, HostSeen>,
    /// By what they are below; see [`Many::of`].
    pub(super) crowds: BTreeMap<String, Crowd>,
    left_out: BTreeMap<(Omission, String), u64>,
}

/// Which services of the catalogue were seen.
#[derive(Debug, Default)]
pub struct Services(BTreeSet<usize>);

impl Services {
    /// Takes in those of another part.
    pub fn add(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn contain(&self, entry: usize) -> bool {
        self.0.contains(&entry)
    }
}

/// One host.
#[derive(Debug)]
pub(super) struct HostSeen {
    /// The address, if it has no name.
    pub(super) address: Option<IpAddr>,
    /// Where it stands in the catalogue.
    pub(super) found: Option<Found>,
    /// Where in its name its registrable domain begins, if it has one.
    domain_at: Option<usize>,
    /// Whether the names beside it belong to others.
    pub(super) shared: bool,
    pub(super) ports: Ports,
}

/// Hosts that nobody kept apart.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// What they have in common.
    pub(super) of: String,
    /// Where what they are below stands in the catalogue.
    pub(super) found: Option<Found>,
    /// The first of them.
    pub(super) samples: BTreeSet<String>,
    /// Port 0 is not known which.
    pub(super) ports: Ports,
}

/// One port of a host: a destination.
#[derive(Debug, Clone, Default)]
pub(super) struct PortSeen {
    pub(super) count: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) days: Days,
    /// What was seen inside; `None` once anything went through unseen.
    pub(super) inside: Option<Inside>,
    /// The addresses that a rule has to permit.
    pub(super) leads_to: LeadsTo,
}

/// The requests of a destination that was always seen in clear.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside {
    pub(super) methods: BTreeSet<String>,
    pub(super) paths: Paths,
}

impl<'c> Observed<'c> {
    /// Nothing yet.
    pub fn new(catalogue: &'c Catalogue, options: Options) -> Self {
        Self {
            catalogue,
            options,
            expected: Blocks::default(),
            hosts: BTreeMap::new(),
            crowds: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// With private blocks that any name may lead to, by the configuration of the filter.
    #[must_use]
    pub fn expecting(self, expected: Blocks) -> Self {
        Self { expected, ..self }
    }

    /// Takes in one entry of a recording.
    pub fn add(&mut self, recorded: &Recorded) {
        let sighting = Sighting::of(&recorded.traffic, self.options.visibility);
        self.place(&sighting.seen(), recorded.count, |request| {
            PortSeen::once(recorded, request)
        });
    }

    /// Takes in what is known of one destination in all.
    pub fn add_destination(&mut self, destination: &Destination<'_>) {
        let authority = destination.authority();
        let seen = Seen::Request {
            authority: authority.as_bytes(),
            method: b"CONNECT",
            path: None,
        };
        self.place(&seen, destination.total.count, |_| PortSeen::of(destination));
    }

    /// Takes in what is known of many hosts together.
    pub fn add_many(&mut self, many: &Many<'_>) {
        let found = many.pattern().and_then(|_| self.found_below(many.of));
        let crowd = self.crowds.entry(many.of.to_owned()).or_default();
        many.of.clone_into(&mut crowd.of);
        crowd.found = found;
        crowd.samples.extend(many.samples.iter().cloned());
        let mut traffic = PortSeen::totalling(&many.total, None, many.led_to);
        traffic.leads_to.keep_private(&self.expected);
        crowd.ports.absorb(many.port, traffic);
    }

    /// What the catalogue says of the names below a name.
    fn found_below(&self, name: &str) -> Option<Found> {
        let below = format!("any.{name}:443");
        let seen = Seen::Request {
            authority: below.as_bytes(),
            method: b"CONNECT",
            path: None,
        };
        Catalogue::found(&self.catalogue.decide(&seen, self.options.default_port))
    }

    /// Finds out whose it is, and adds to that.
    fn place(&mut self, seen: &Seen<'_>, count: u64, traffic: impl FnOnce(Option<&RequestLine<'_>>) -> PortSeen) {
        let decision = self.catalogue.decide(seen, self.options.default_port);
        let found = Catalogue::found(&decision);
        let Some(target) = decision.target() else {
            let raw = decision.record().raw.unwrap_or_default().into_owned();
            return self.leave_out(Omission::InvalidTarget, raw, count);
        };
        let (host, port) = (target.host, target.port);
        let omission = match host {
            _ if decision.would_reject() && found.is_none() => Some(Omission::SelfAddress),
            Host::Ip(ip) if found.is_none() && address::unmapped(ip) != ip => Some(Omission::MappedAddress),
            _ => None,
        };
        if let Some(omission) = omission {
            let target = match host {
                Host::Ip(IpAddr::V6(v6)) => format!("[{v6}]:{port}"),
                host => format!("{host}:{port}"),
            };
            return self.leave_out(omission, target, count);
        }
        let name = host.to_string();
        let host = match self.hosts.entry(name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let host = HostSeen::new(new.key(), host, found, self.catalogue);
                new.insert(host)
            }
        };
        let mut traffic = traffic(target.request.as_ref());
        match host.address {
            // It was decided as what it is.
            Some(_) => traffic.leads_to = LeadsTo::default(),
            None => traffic.leads_to.keep_private(&self.expected),
        }
        host.ports.absorb(port, traffic);
    }

    /// The services of the catalogue that were seen.
    pub fn services(&self) -> Services {
        Services(self.hosts.values().filter_map(HostSeen::entry).collect())
    }

    /// Makes suggestions of everything taken in.
    pub fn suggestions(self) -> Suggestions {
        let seen = self.services();
        let mut made = self.suggestions_beside(&seen);
        made.suggestions.sort_by(Suggestion::before);
        made
    }

    /// Makes suggestions of everything taken in, which is a part of what was seen: all that has the same
    /// [`neighbourhood`](super::neighbourhood) is in it. These services were seen in all. They come in no order.
    pub fn suggestions_beside(self, seen: &Services) -> Suggestions {
        let suggestions = grouped(&self, seen);
        let left_out = self
            .left_out
            .into_iter()
            .map(|((reason, target), request_count)| LeftOut {
                target,
                request_count,
                reason,
            });
        Suggestions {
            suggestions,
            left_out: left_out.collect(),
        }
    }

    fn leave_out(&mut self, omission: Omission, target: String, count: u64) {
        let total = self.left_out.entry((omission, target)).or_default();
        *total = total.saturating_add(count);
    }
}

/// Mostly there was nothing yet.
fn extend<T: Ord>(all: &mut BTreeSet<T>, mut more: BTreeSet<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.append(&mut more);
    }
}

impl HostSeen {
    fn new(name: &str, host: Host, found: Option<Found>, catalogue: &Catalogue) -> Self {
        Self {
            address: match host {
                Host::Ip(ip) => Some(ip),
                Host::Name(_) => None,
            },
            found,
            domain_at: domain::registrable(name).map(|domain| name.len().saturating_sub(domain.len())),
            shared: catalogue.is_shared(name),
            ports: Ports::default(),
        }
    }

    /// The registrable domain of its name.
    pub(super) fn domain<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.get(self.domain_at?..)
    }

    pub(super) fn entry(&self) -> Option<usize> {
        self.found.map(|found| found.entry)
    }

    pub(super) fn requests(&self) -> u64 {
        self.ports
            .values()
            .fold(0, |total, port| total.saturating_add(port.count))
    }

    pub(super) fn leads_to_metadata(&self) -> bool {
        self.ports.values().any(|port| port.leads_to.metadata().is_some())
    }
}

impl PortSeen {
    /// What [`PortSeen::absorb`] starts from.
    pub(super) fn nothing() -> Self {
        Self {
            inside: Some(Inside::default()),
            ..Self::default()
        }
    }

    fn once(recorded: &Recorded, request: Option<&RequestLine<'_>>) -> Self {
        Self {
            count: recorded.count,
            first: recorded.at,
            last: recorded.at,
            days: recorded
                .at
                .and_then(|at| i32::try_from(at.micros().div_euclid(MICROS_PER_DAY)).ok())
                .into_iter()
                .collect(),
            inside: request.map(|request| Inside {
                methods: BTreeSet::from([String::from_utf8_lossy(request.method).into_owned()]),
                paths: Paths::of(request.path),
            }),
            leads_to: LeadsTo::of(LedTo {
                addresses: recorded.address.as_slice(),
                more: false,
            }),
        }
    }

    fn of(destination: &Destination<'_>) -> Self {
        let inside = destination.inside.map(|requests| {
            let requests = requests.iter();
            requests.fold(Inside::default(), |mut inside, (method, path)| {
                inside.methods.insert((*method).to_owned());
                inside.paths = inside.paths.and(Paths::of(path.map(str::as_bytes)));
                inside
            })
        });
        Self::totalling(&destination.total, inside, destination.led_to)
    }

    fn totalling(total: &Total, inside: Option<Inside>, led_to: LedTo<'_>) -> Self {
        Self {
            count: total.count,
            first: total.first,
            last: total.last,
            days: total.days.clone(),
            inside,
            leads_to: LeadsTo::of(led_to),
        }
    }

    /// Takes in what another has seen.
    pub(super) fn absorb(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.days.extend(&other.days);
        self.leads_to.absorb(other.leads_to);
        self.inside = self.inside.take().zip(other.inside).map(|(mut inside, other)| {
            if inside.methods.len() <= MOST_METHODS {
                extend(&mut inside.methods, other.methods);
            }
            inside.paths = inside.paths.and(other.paths);
            inside
        });
    }
}

impl Inside {
    /// The methods for a rule; empty (any) if there are too many to be a list.
    pub(super) fn listed(&self) -> Vec<String> {
        if self.methods.len() > MOST_METHODS {
            Vec::new()
        } else {
            self.methods.iter().cloned().collect()
        }
    }
}
