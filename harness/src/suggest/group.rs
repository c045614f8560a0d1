//! Puts hosts of one domain under a wildcard where they are many, and makes a
//! suggestion of each group and each host that stays by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sluice_policy::{Effect, Policy, PolicyDocument, RuleDocument};

use super::advice::{Class, Facts, Gathered, Recommendation, advice};
use super::aggregate::{Days, pattern_of};
use super::observed::{Crowd, HostSeen, Inside, Observed, PortSeen, Services};
use super::ports::Ports;
use super::suggestion::Suggestion;

/// From how many hosts below one domain a wildcard is suggested. Two names are
/// often all there is; from three on the next is likely to be new again, and a
/// list of names would reject it.
pub const WILDCARD_FROM: usize = 3;

/// The last two labels of a name. Hosts of one domain share them, so what is grouped together is never in
/// two neighbourhoods; an address is one of its own.
#[must_use]
pub fn neighbourhood(name: &str) -> &str {
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    let second = dots.nth(1).map_or(0, |at| at.saturating_add(1));
    name.get(second..).unwrap_or(name)
}

/// Hosts with their names.
type Hosts<'o> = Vec<(&'o str, &'o HostSeen)>;

/// A domain, and the service of the catalogue within it.
type Owner<'o> = (&'o str, Option<usize>);

/// What one suggestion is about: a host, or the hosts below a name.
struct Subject<'o> {
    /// The wildcard, if it is one.
    pattern: Option<String>,
    hosts: Hosts<'o>,
    /// Those that nobody kept apart.
    crowd: Option<&'o Crowd>,
    /// What was seen of the service or domain that the hosts belong to.
    volume: &'o Volume,
}

/// All suggestions, in no order that matters.
pub(super) fn grouped(observed: &Observed<'_>, seen: &Services) -> Vec<Suggestion> {
    let volumes = volumes(observed);
    let subjects = subjects(observed, &volumes).into_iter();
    let mut suggestions = Vec::with_capacity(subjects.len());
    suggestions.extend(subjects.flat_map(|subject| subject.suggestions(observed, seen)));
    suggestions
}

fn subjects<'o>(observed: &'o Observed<'_>, volumes: &'o Volumes<'o>) -> Vec<Subject<'o>> {
    let mut alone = Vec::new();
    let mut families: BTreeMap<Owner<'_>, Hosts<'_>> = BTreeMap::new();
    for (name, host) in &observed.hosts {
        match family(observed, name, host) {
            Some(domain) => families.entry((domain, host.entry())).or_default().push((name, host)),
            None => alone.push((name.as_str(), host)),
        }
    }
    let of_owner = |name: &'o str, host: &HostSeen| volumes.of.get(&owner(name, host)).unwrap_or(&volumes.nothing);
    let mut subjects = Vec::new();
    let mut crowds: BTreeMap<&str, &Crowd> = observed.crowds.iter().map(|(of, crowd)| (of.as_str(), crowd)).collect();
    for ((domain, entry), hosts) in families {
        let top = common_ancestor(domain, &hosts);
        let (below, top_itself): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(name, _)| *name != top);
        // `*.top` does not match `top`, which stays a host of its own.
        alone.extend(top_itself);
        let enough = below.len() >= observed.options.wildcard_from;
        if enough && !observed.catalogue.takes_in_others(top, entry) {
            let volume = below
                .first()
                .map_or(&volumes.nothing, |(name, host)| of_owner(name, host));
            subjects.push(Subject {
                pattern: Some(format!("*.{top}")),
                hosts: below,
                // Two suggestions for one wildcard would be one too many.
                crowd: if is_of(&crowds, top, entry) {
                    crowds.remove(top)
                } else {
                    None
                },
                volume,
            });
        } else {
            alone.extend(below);
        }
    }
    let alone = alone.into_iter();
    subjects.extend(alone.map(|(name, host)| Subject {
        pattern: None,
        hosts: vec![(name, host)],
        crowd: None,
        volume: of_owner(name, host),
    }));
    subjects.extend(crowds.into_iter().map(|(of, crowd)| Subject {
        pattern: pattern_of(of),
        hosts: Vec::new(),
        crowd: Some(crowd),
        volume: &volumes.flooded,
    }));
    subjects
}

/// Whether there is a crowd below this name, and it is of this service.
fn is_of(crowds: &BTreeMap<&str, &Crowd>, top: &str, entry: Option<usize>) -> bool {
    crowds
        .get(top)
        .is_some_and(|crowd| crowd.found.map(|found| found.entry) == entry)
}

/// Whom a host belongs to: its registrable domain, within it the service that
/// the catalogue knows; or nobody else, where neighbours are strangers.
fn owner<'o>(name: &'o str, host: &HostSeen) -> Owner<'o> {
    let stranger = host.address.is_some() || host.shared;
    let domain = if stranger { None } else { host.domain(name) };
    (domain.unwrap_or(name), host.entry())
}

/// What was seen of one owner's hosts.
#[derive(Debug, Clone, Default)]
struct Volume {
    requests: u64,
    hosts: usize,
    days: Days,
    /// There were too many hosts to keep them apart.
    flooded: bool,
}

/// What was seen by owner.
struct Volumes<'o> {
    of: HashMap<Owner<'o>, Volume>,
    /// For who has no hosts.
    nothing: Volume,
    /// For hosts that were not kept apart.
    flooded: Volume,
}

/// All that was seen by owner, because a domain that is asked often is regular
/// as a whole, `example.com` with few requests beside its busy `www` too.
fn volumes<'o>(observed: &'o Observed<'_>) -> Volumes<'o> {
    let mut of: HashMap<_, Volume> = HashMap::with_capacity(observed.hosts.len());
    for (name, host) in &observed.hosts {
        let owner = owner(name, host);
        let total = of.entry(owner).or_default();
        total.requests = total.requests.saturating_add(host.requests());
        total.hosts += 1;
        host.ports.values().for_each(|port| total.days.extend(&port.days));
        total.flooded = total.flooded || observed.crowds.contains_key(owner.0);
    }
    let flooded = Volume {
        flooded: true,
        ..Volume::default()
    };
    Volumes {
        of,
        nothing: Volume::default(),
        flooded,
    }
}

/// The registrable domain under which a host may be grouped, if it may.
///
/// Not grouped are: addresses; public suffixes and registrable domains
/// themselves; names whose neighbours belong to others; names that the
/// catalogue lists one by one, because a wildcard would widen what is known;
/// and what is to be denied, so that a deny never reaches further than
/// what was seen.
fn family<'o>(observed: &Observed<'_>, name: &'o str, host: &HostSeen) -> Option<&'o str> {
    let domain = host.domain(name)?;
    let listed = host.found.is_some_and(|found| found.listed);
    let grouped = host.address.is_none()
        && name != domain
        && !listed
        && !observed.class(host).is_denied()
        && !host.leads_to_metadata()
        && !host.shared;
    grouped.then_some(domain)
}

/// The longest name that all hosts are at or below: at least their domain, so
/// that a wildcard on it is never over a public suffix.
fn common_ancestor<'o>(domain: &'o str, hosts: &[(&'o str, &HostSeen)]) -> &'o str {
    let Some((first, _)) = hosts.first() else {
        return domain;
    };
    let parent = |name: &&'o str| name.split_once('.').map(|(_, parent)| parent);
    let mut ancestors = std::iter::successors(Some(*first), parent);
    let is_common = |ancestor: &&str| {
        hosts.iter().all(|(name, _)| {
            name.strip_suffix(ancestor)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    };
    ancestors.find(is_common).unwrap_or(domain)
}

impl Observed<'_> {
    pub(super) fn class(&self, host: &HostSeen) -> Class {
        match (host.entry(), host.address) {
            (Some(entry), _) => self.catalogue.entry(entry).class,
            (None, Some(_)) => Class::RawIp,
            (None, None) => Class::Unknown,
        }
    }
}

impl Subject<'_> {
    /// One suggestion, or two where some ports were always seen in clear and
    /// others were not: a rule with methods does not match what is not in clear.
    fn suggestions(self, observed: &Observed<'_>, seen: &Services) -> impl Iterator<Item = Suggestion> {
        let hosts = self.hosts.iter().map(|(_, host)| &host.ports);
        let mut each = hosts.chain(self.crowd.iter().map(|crowd| &crowd.ports));
        let mut ports = each.next().cloned().unwrap_or_default();
        for (port, traffic) in each.flat_map(Ports::iter) {
            ports.absorb(port, traffic.clone());
        }
        if self.is_denied(observed) {
            // A deny that looks inside would let opaque connections pass.
            ports.values_mut().for_each(|traffic| traffic.inside = None);
        }
        let (clear, opaque) = ports.partition(|traffic| traffic.inside.is_some());
        let both = [clear, opaque].into_iter().filter(|ports| !ports.is_empty());
        both.map(move |ports| self.suggestion(observed, seen, ports))
    }

    fn suggestion(&self, observed: &Observed<'_>, seen: &Services, ports: Ports) -> Suggestion {
        let mut numbers: Vec<u16> = ports.numbers().collect();
        let seen_there = |ports: &Ports| ports.numbers().any(|port| numbers.contains(&port));
        let members = self.hosts.iter().filter(|(_, host)| seen_there(&host.ports));
        let mut members: BTreeSet<String> = members.map(|(name, _)| (*name).to_owned()).collect();
        let crowd = self.crowd.filter(|crowd| seen_there(&crowd.ports));
        members.extend(crowd.iter().flat_map(|crowd| crowd.samples.iter().cloned()));
        if numbers.contains(&0) {
            // Not known which, so any.
            numbers.clear();
        }
        let mut total = PortSeen::nothing();
        ports.into_values().for_each(|traffic| total.absorb(traffic));
        let first = self.hosts.first().map(|(_, host)| *host);
        let found = crowd.and_then(|crowd| crowd.found).map(|found| found.entry);
        let entry = first.and_then(HostSeen::entry).or(found);
        let class = self.class(observed);
        let (recommendation, reason) = advice(&Facts {
            class,
            service: entry.map(|entry| observed.catalogue.entry(entry).name.as_str()),
            address: first.and_then(|host| host.address),
            requests: self.volume.requests,
            days: self.volume.days.len(),
            hosts: self.volume.hosts,
            flooded: self.volume.flooded,
            leads_to: &total.leads_to,
            several: members.len() > 1,
            crowd: crowd.map(|crowd| Gathered {
                requests: crowd.ports.values().fold(0, |sum, port| sum.saturating_add(port.count)),
                samples: crowd.samples.len(),
                has_owner: self.pattern.is_some(),
            }),
        });
        Suggestion {
            host: match self.pattern {
                None if self.crowd.is_none() => members.first().cloned(),
                _ => None,
            },
            pattern: self.pattern.clone(),
            ports: numbers,
            methods: total.inside.as_ref().map(methods).unwrap_or_default(),
            // The paths of one host say nothing about its neighbours.
            path_glob: total
                .inside
                .filter(|_| self.pattern.is_none())
                .and_then(|inside| inside.paths.glob()),
            resolves_to: match recommendation {
                Recommendation::Deny => Vec::new(),
                Recommendation::Keep | Recommendation::Question => total.leads_to.blocks(),
            },
            request_count: total.count,
            first_seen: total.first,
            last_seen: total.last,
            days_active: total.days.len(),
            class,
            recommendation,
            reason,
            members: members.into_iter().collect(),
            companions: entry
                .map(|entry| observed.catalogue.companions(entry, |other| seen.contain(other)))
                .unwrap_or_default(),
            crowd: crowd.map(|crowd| crowd.of.clone()),
        }
    }

    /// Whether it is to be denied, for what it is or for where it leads.
    fn is_denied(&self, observed: &Observed<'_>) -> bool {
        self.class(observed).is_denied() || self.hosts.iter().any(|(_, host)| host.leads_to_metadata())
    }

    fn class(&self, observed: &Observed<'_>) -> Class {
        let found = self.crowd.and_then(|crowd| crowd.found);
        match (self.hosts.first(), found) {
            (Some((_, host)), _) => observed.class(host),
            (None, Some(found)) => observed.catalogue.entry(found.entry).class,
            (None, None) => Class::Unknown,
        }
    }
}

/// Methods that any policy takes, and that nearly all traffic has: with very
/// many destinations it takes long to try each.
const USUAL: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The methods for a rule: none (any) where a policy would refuse one of them.
fn methods(inside: &Inside) -> Vec<String> {
    let methods = inside.listed();
    if methods.iter().all(|method| USUAL.contains(&method.as_str())) {
        return methods;
    }
    let rule = RuleDocument {
        methods: methods.clone(),
        ..RuleDocument::new("methods", Effect::Allow, "*")
    };
    let loads = Policy::compile(&PolicyDocument {
        rules: vec![rule],
        ..PolicyDocument::default()
    })
    .is_ok();
    if loads { methods } else { Vec::new() }
}
