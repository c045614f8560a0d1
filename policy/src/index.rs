//! Finds the rules that name a host, without looking at the others.

use std::net::{IpAddr, Ipv4Addr};

use arrayvec::ArrayVec;
use hashbrown::{DefaultHashBuilder, HashTable};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;
use std::hash::BuildHasher;

use crate::address;
use crate::host::{Host, Name};
use crate::pattern::HostPattern;
use crate::rule::Rule;
use crate::words::Effect;

/// A name of 253 bytes has 127 labels at most, so with the exact one and `*`
/// no host is in more groups; an address has a prefix length for each bit, and
/// four more IPv4 addresses inside.
pub(crate) const MAX_GROUPS: usize = 300;

/// Rules about the same hosts, as a range of [`Index::order`]: denies first,
/// each effect with the rule that wins first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    start: u32,
    end: u32,
}

/// The groups that name a host, found once for both effects.
pub(crate) struct Groups {
    found: ArrayVec<Group, MAX_GROUPS>,
    /// How many of them, from the front, an allow rule may be in.
    allowing: usize,
}

impl Groups {
    /// Those whose rules with this effect name the host, most specific first.
    pub(crate) fn with(&self, effect: Effect) -> &[Group] {
        let end = match effect {
            Effect::Allow => self.allowing,
            Effect::Deny => self.found.len(),
        };
        self.found.get(..end).unwrap_or_default()
    }
}

/// Groups by host.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Rule numbers, group by group.
    order: Vec<u32>,
    names: Names,
    v4: PrefixMap<Ipv4Net, Group>,
    v6: PrefixMap<Ipv6Net, Group>,
    /// `*`
    any: Group,
}

/// Names, each with the rules about itself and those about what is below it.
/// The text of a name is kept once, in the first rule that has it.
#[derive(Debug, Default)]
struct Names {
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    entries: Vec<Entry>,
    /// The most labels that any wildcard has: longer suffixes are not looked up.
    wildcard_labels: usize,
}

#[derive(Debug)]
struct Entry {
    named_by: u32,
    exact: Group,
    below: Group,
}

/// Which group a rule belongs to.
#[derive(Clone, Copy)]
enum Slot {
    Exact(u32),
    Below(u32),
    Network(IpNet),
    Any,
}

/// An [`Index`] in the making, fed with rules one by one.
#[derive(Default)]
pub(crate) struct Builder {
    index: Index,
    slots: Vec<Slot>,
}

impl Builder {
    /// Adds the last of `rules`, whose pattern this is.
    pub(crate) fn add(&mut self, pattern: &HostPattern, rules: &[Rule]) {
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let names = &mut self.index.names;
        self.slots.push(match pattern {
            HostPattern::Any => Slot::Any,
            HostPattern::Exact(Host::Ip(ip)) => Slot::Network(IpNet::from(*ip)),
            HostPattern::Network(net) => Slot::Network(*net),
            HostPattern::Exact(Host::Name(name)) => Slot::Exact(names.entry(name, number, rules)),
            HostPattern::Below(name) => {
                names.wildcard_labels = names.wildcard_labels.max(labels(name.as_str()));
                Slot::Below(names.entry(name, number, rules))
            }
        });
    }

    /// The index of all `rules`.
    pub(crate) fn finish(self, rules: &[Rule]) -> Index {
        let Self { mut index, slots } = self;
        index.count(&slots);
        index.place();
        index.fill(&slots);
        index.sort(rules);
        index
    }
}

impl Index {
    /// First pass: each group's `end` is its size.
    fn count(&mut self, slots: &[Slot]) {
        for &slot in slots {
            if let Some(group) = self.group_mut(slot) {
                group.end = group.end.saturating_add(1);
            }
        }
    }

    /// Second pass: groups get their places; `end` is where they are filled to.
    fn place(&mut self) {
        let mut next = 0_u32;
        let mut place = |group: &mut Group| {
            let size = group.end;
            *group = Group { start: next, end: next };
            next = next.saturating_add(size);
        };
        for entry in &mut self.names.entries {
            place(&mut entry.exact);
            place(&mut entry.below);
        }
        self.v4.values_mut().for_each(&mut place);
        self.v6.values_mut().for_each(&mut place);
        place(&mut self.any);
        self.order = vec![0; next as usize];
    }

    /// Third pass: rule numbers go to their groups.
    fn fill(&mut self, slots: &[Slot]) {
        for (number, &slot) in (0_u32..).zip(slots) {
            let Some(group) = self.group_mut(slot) else {
                continue;
            };
            let at = group.end as usize;
            group.end = group.end.saturating_add(1);
            if let Some(place) = self.order.get_mut(at) {
                *place = number;
            }
        }
    }

    /// Last pass: the rule that wins comes first.
    fn sort(&mut self, rules: &[Rule]) {
        let Self {
            order,
            names,
            v4,
            v6,
            any,
            ..
        } = self;
        let groups = names
            .entries
            .iter()
            .flat_map(|entry| [&entry.exact, &entry.below])
            .chain(v4.values())
            .chain(v6.values())
            .chain([&*any]);
        for group in groups {
            let Some(numbers) = order.get_mut(group.start as usize..group.end as usize) else {
                continue;
            };
            if numbers.len() > 1 {
                // No two are equal, since each has its own number.
                numbers.sort_unstable_by_key(|&number| {
                    rules
                        .get(number as usize)
                        .map(|rule| (rule.effect() == Effect::Allow, rule.rank(), number))
                });
            }
        }
    }

    fn group_mut(&mut self, slot: Slot) -> Option<&mut Group> {
        match slot {
            Slot::Any => Some(&mut self.any),
            Slot::Exact(entry) => self.names.entries.get_mut(entry as usize).map(|entry| &mut entry.exact),
            Slot::Below(entry) => self.names.entries.get_mut(entry as usize).map(|entry| &mut entry.below),
            Slot::Network(IpNet::V4(net)) => Some(self.v4.entry(net).or_default()),
            Slot::Network(IpNet::V6(net)) => Some(self.v6.entry(net).or_default()),
        }
    }

    /// The groups that name the host: for deny rules in any form it can take,
    /// for allow rules as written.
    pub(crate) fn naming(&self, rules: &[Rule], host: &Host) -> Groups {
        let mut groups = Groups {
            found: ArrayVec::new(),
            allowing: 0,
        };
        let found = &mut groups.found;
        match host {
            Host::Name(name) => {
                self.names.groups(rules, name, found);
                push(found, self.any);
                groups.allowing = found.len();
            }
            Host::Ip(ip) => {
                self.covering(*ip, found);
                // A `*` that allows means names; addresses need a rule of their own.
                groups.allowing = found.len();
                for v4 in address::embedded_ipv4(*ip) {
                    self.covering(IpAddr::V4(v4), found);
                }
                push(found, self.any);
            }
        }
        groups
    }

    fn covering(&self, ip: IpAddr, groups: &mut ArrayVec<Group, MAX_GROUPS>) {
        let from = groups.len();
        match ip {
            IpAddr::V4(v4) => self.covering_v4(v4, groups),
            IpAddr::V6(v6) => {
                for (_, &group) in self.v6.cover(&Ipv6Net::from(v6)) {
                    push(groups, group);
                }
            }
        }
        // The trie is walked from its root: shortest prefix first.
        if let Some(found) = groups.get_mut(from..) {
            found.reverse();
        }
    }

    fn covering_v4(&self, v4: Ipv4Addr, groups: &mut ArrayVec<Group, MAX_GROUPS>) {
        for (_, &group) in self.v4.cover(&Ipv4Net::from(v4)) {
            push(groups, group);
        }
    }

    /// The numbers of a group's rules: denies first, each effect with the winner first.
    #[cfg(feature = "authoring")]
    pub(crate) fn numbers(&self, group: Group) -> &[u32] {
        self.order
            .get(group.start as usize..group.end as usize)
            .unwrap_or_default()
    }

    /// The rules of a group with this effect, the winner first.
    pub(crate) fn rules<'r>(&self, rules: &'r [Rule], group: Group, effect: Effect) -> impl Iterator<Item = &'r Rule> {
        self.order
            .get(group.start as usize..group.end as usize)
            .unwrap_or_default()
            .iter()
            .filter_map(|&number| rules.get(number as usize))
            // Denies come first, so a search for them can stop at an allow.
            .take_while(move |rule| effect == Effect::Allow || rule.effect() == Effect::Deny)
            .filter(move |rule| rule.effect() == effect)
    }
}

fn push(groups: &mut ArrayVec<Group, MAX_GROUPS>, group: Group) {
    if group.start < group.end {
        // `MAX_GROUPS` is more than one host can be in.
        let _ = groups.try_push(group);
    }
}

impl Names {
    /// The entry of a name, made if it is new.
    fn entry(&mut self, name: &Name, number: u32, rules: &[Rule]) -> u32 {
        let Self {
            hasher, table, entries, ..
        } = self;
        let text = name.as_str();
        let hash = hasher.hash_one(text);
        let is = |&at: &u32| text_of(entries, at, rules) == Some(text);
        if let Some(&at) = table.find(hash, is) {
            return at;
        }
        let at = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        entries.push(Entry {
            named_by: number,
            exact: Group::default(),
            below: Group::default(),
        });
        table.insert_unique(hash, at, |&at| {
            hasher.hash_one(text_of(entries, at, rules).unwrap_or_default())
        });
        at
    }

    fn find(&self, rules: &[Rule], text: &str) -> Option<&Entry> {
        let is = |&at: &u32| text_of(&self.entries, at, rules) == Some(text);
        let at = self.table.find(self.hasher.hash_one(text), is)?;
        self.entries.get(*at as usize)
    }

    fn groups(&self, rules: &[Rule], name: &Name, groups: &mut ArrayVec<Group, MAX_GROUPS>) {
        let text = name.as_str();
        if let Some(entry) = self.find(rules, text) {
            push(groups, entry.exact);
        }
        let mut left = labels(text);
        let mut rest = text;
        while let Some((_, parent)) = rest.split_once('.') {
            rest = parent;
            left = left.saturating_sub(1);
            if left > self.wildcard_labels {
                continue;
            }
            if let Some(entry) = self.find(rules, parent) {
                push(groups, entry.below);
            }
        }
    }
}

fn labels(name: &str) -> usize {
    name.bytes().filter(|&b| b == b'.').count().saturating_add(1)
}

/// The name of an entry: the host of the rule that made it, without its `*.`.
fn text_of<'r>(entries: &[Entry], at: u32, rules: &'r [Rule]) -> Option<&'r str> {
    let entry = entries.get(at as usize)?;
    let host = rules.get(entry.named_by as usize)?.host();
    Some(host.strip_prefix("*.").unwrap_or(host))
}
