//! Decisions that were too many to be kept one by one, counted by what they had
//! in common. Bounded: a client can invent hosts without end, and must neither
//! fill the memory with them nor bury another domain's rejection under them.

use std::rc::Rc;

use hashbrown::HashMap;
use sluice_policy::Action;

use super::record::{Audit, InForce};
use crate::refusal::Resource;

/// What the decisions of a summary have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) resource: Option<Rc<Resource>>,
    pub(crate) in_force: InForce,
    /// A host; `*.domain` for those of a domain that had too many, `*` for
    /// what even has too many domains. `None` for invalid targets.
    pub(crate) host: Option<Box<str>>,
    pub(crate) port: Option<u16>,
    pub(crate) action: Action,
    pub(crate) would_reject: bool,
    pub(crate) rule_id: Option<Box<str>>,
    pub(crate) rejected_by: Option<Box<str>>,
}

/// A [`Key`] with its count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) key: Key,
    pub(crate) count: u64,
    /// Nanoseconds since the Unix epoch, of the first and last decision.
    pub(crate) first: u64,
    pub(crate) last: u64,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u64,
    first: u64,
    last: u64,
}

/// Hosts of one domain that are kept apart.
const HOSTS_OF_A_DOMAIN: usize = 32;

/// Summaries in the making.
#[derive(Debug)]
pub(crate) struct Summaries {
    tallies: HashMap<Key, Tally>,
    /// How many hosts of a domain are kept apart.
    apart: HashMap<Box<str>, usize>,
    /// The most keys there are; then only `*`, once for each verdict.
    most: usize,
}

impl Summaries {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            tallies: HashMap::new(),
            apart: HashMap::new(),
            most,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Counts a decision.
    pub(crate) fn add(&mut self, audit: &Audit) {
        let decided = &audit.decided;
        let key = Key {
            resource: decided.resource.clone(),
            in_force: decided.in_force.clone(),
            host: decided.host.clone(),
            port: decided.port,
            action: decided.action,
            would_reject: decided.would_reject,
            rule_id: decided.rule_id.clone(),
            rejected_by: decided.rejected_by.clone(),
        };
        let key = self.place(key);
        let tally = self.tallies.entry(key).or_insert(Tally {
            count: 0,
            first: audit.at,
            last: audit.at,
        });
        tally.count = tally.count.saturating_add(1);
        tally.first = tally.first.min(audit.at);
        tally.last = tally.last.max(audit.at);
    }

    /// The key that a decision is counted under, which gets coarser the more there are.
    fn place(&mut self, mut key: Key) -> Key {
        if self.tallies.contains_key(&key) {
            return key;
        }
        let Some(host) = key.host.take() else {
            return key;
        };
        let domain = domain(&host);
        let apart = self.apart.get(domain).copied().unwrap_or(0);
        let room = self.tallies.len() < self.most;
        if room && apart < HOSTS_OF_A_DOMAIN {
            self.apart.insert(domain.into(), apart.saturating_add(1));
            key.host = Some(host);
            return key;
        }
        key.port = None;
        key.host = Some(format!("*.{domain}").into());
        if room || self.tallies.contains_key(&key) {
            return key;
        }
        key.host = Some("*".into());
        key
    }

    /// Takes one summary out.
    pub(crate) fn take(&mut self) -> Option<Summary> {
        let key = self.tallies.keys().next()?.clone();
        let tally = self.tallies.remove(&key)?;
        if self.tallies.is_empty() {
            self.apart.clear();
        }
        Some(Summary {
            key,
            count: tally.count,
            first: tally.first,
            last: tally.last,
        })
    }
}

/// The domain that hosts are grouped by: the last two labels of a name of three
/// and more, else the last. The public suffix list stays out of the filter.
fn domain(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next(), dots.next());
    match second.or(last).and_then(|dot| host.get(dot.saturating_add(1)..)) {
        // An address has no domain.
        Some(domain) if !domain.bytes().all(|b| b.is_ascii_digit() || b == b'.') => domain,
        Some(_) => "address",
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::audit;
    use super::*;

    fn hosts(summaries: &mut Summaries) -> Vec<(String, u64)> {
        let mut found: Vec<_> = std::iter::from_fn(|| summaries.take())
            .map(|summary| (summary.key.host.unwrap_or_default().to_string(), summary.count))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn what_is_alike_is_counted_together() {
        let mut summaries = Summaries::new(100);
        for at in [30, 10, 20] {
            summaries.add(&audit(1, at, "a.example.com", Action::Allow));
        }
        summaries.add(&audit(2, 5, "a.example.com", Action::Reject));
        assert_eq!(summaries.len(), 2);
        let taken: Vec<_> = std::iter::from_fn(|| summaries.take()).collect();
        let allowed = taken.iter().find(|one| one.key.action == Action::Allow).unwrap();
        assert_eq!((allowed.count, allowed.first, allowed.last), (3, 10, 30));
        assert!(summaries.is_empty());
    }

    #[test]
    fn a_domain_with_too_many_hosts_does_not_bury_another() {
        let mut summaries = Summaries::new(1000);
        for host in 0..100_000 {
            summaries.add(&audit(1, 1, &format!("h{host}.junk.example.com"), Action::Reject));
        }
        summaries.add(&audit(1, 1, "api.example.org", Action::Reject));
        assert!(summaries.len() <= HOSTS_OF_A_DOMAIN + 2, "{}", summaries.len());
        let hosts = hosts(&mut summaries);
        assert!(hosts.contains(&("api.example.org".into(), 1)), "{hosts:?}");
        assert!(hosts.contains(&("*.example.com".into(), 100_000 - 32)), "{hosts:?}");
    }

    #[test]
    fn too_many_domains_are_bounded_and_nothing_is_uncounted() {
        let mut summaries = Summaries::new(500);
        for host in 0..1_000_000_u64 {
            summaries.add(&audit(
                1,
                1,
                &format!("junk{host}.test{}.example", host % 7777),
                Action::Reject,
            ));
        }
        assert!(summaries.len() <= 501, "{}", summaries.len());
        let counted: u64 = hosts(&mut summaries).iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 1_000_000);
    }

    #[test]
    fn domains_of_names_and_addresses() {
        for (host, expected) in [
            ("a.b.example.com", "example.com"),
            ("example.com", "com"),
            ("localhost", "localhost"),
            ("192.0.2.7", "address"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(domain(host), expected, "{host}");
        }
    }
}
