//! What the checks know of a policy: its rules, and a target for each that it names.

use std::cell::RefCell;
use std::net::IpAddr;

use hashbrown::{HashMap, HashSet};

use crate::decision::Verdict;
use crate::glob::PathGlob;
use crate::host::Host;
use crate::index::Group;
use crate::pattern::HostPattern;
use crate::policy::Policy;
use crate::rule::{Rule, Visible};
use crate::target::{RequestLine, Seen, Surroundings};
use crate::timestamp::Timestamp;
use crate::words::Effect;

/// How many rules about one host are looked at for another rule.
pub(super) const BOUND: usize = 64;

/// A policy at a time.
pub(super) struct Survey<'p> {
    pub(super) policy: &'p Policy,
    pub(super) now: Timestamp,
    around: Surroundings,
    /// A port that no rule names: it stands for all others.
    pub(super) free_port: u16,
    /// What [`Survey::opaque`] has answered: rules about one host ask the same,
    /// and the answer takes longer the more they are.
    opaque: RefCell<HashMap<(&'p str, u16), Verdict<'p>>>,
}

/// A rule, and a host that it names.
pub(super) struct Subject<'p> {
    pub(super) number: u32,
    pub(super) rule: &'p Rule,
    pub(super) pattern: HostPattern,
    /// Some host that the pattern names, as general as can be.
    pub(super) host: Host,
}

impl Subject<'_> {
    /// How messages call a host of the subject: the one that stands for all
    /// goes by the pattern.
    pub(super) fn shown(&self, host: Host) -> String {
        if host == self.host {
            self.rule.host().to_owned()
        } else {
            host.to_string()
        }
    }
}

/// A request to ask about; without method and path, an opaque connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) request: Option<(String, String)>,
}

/// Numbers of a group's rules, looked up once for each group.
pub(super) type Shelves = HashMap<Group, Vec<u32>>;

impl<'p> Survey<'p> {
    pub(super) fn new(policy: &'p Policy, now: Timestamp) -> Self {
        let named: HashSet<u16> = policy.rules().iter().flat_map(Rule::ports).copied().collect();
        Self {
            policy,
            now,
            around: Surroundings::new(443),
            free_port: (1..=u16::MAX).rev().find(|port| !named.contains(port)).unwrap_or(443),
            opaque: RefCell::default(),
        }
    }

    /// Every rule with a host to ask about; a wildcard below the longest
    /// possible name has none, because nothing can be below it.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject<'p>> {
        (0_u32..).zip(self.policy.rules()).filter_map(|(number, rule)| {
            let pattern = HostPattern::parse(rule.host()).ok()?;
            let host = witness(&pattern)?;
            Some(Subject {
                number,
                rule,
                pattern,
                host,
            })
        })
    }

    /// The subjects whose rules exist at this time.
    pub(super) fn live(&self) -> impl Iterator<Item = Subject<'p>> {
        self.subjects().filter(|subject| self.is_live(subject.rule))
    }

    pub(super) fn is_live(&self, rule: &Rule) -> bool {
        rule.expires_at().is_none_or(|end| self.now < end)
    }

    pub(super) fn rule(&self, number: u32) -> Option<&'p Rule> {
        self.policy.rules().get(number as usize)
    }

    /// The groups whose rules with this effect name the host.
    pub(super) fn groups(&self, host: &Host, effect: Effect) -> Vec<Group> {
        let groups = self.policy.index().naming(self.policy.rules(), host);
        groups.with(effect).to_vec()
    }

    /// The numbers of a group's rules, the winner of each effect first.
    pub(super) fn numbers(&self, group: Group) -> &'p [u32] {
        self.policy.index().numbers(group)
    }

    /// The rules with this effect that name the host and exist: at most
    /// [`BOUND`] of each group.
    pub(super) fn naming(&self, host: &Host, effect: Effect) -> impl Iterator<Item = &'p Rule> {
        let (policy, now) = (self.policy, self.now);
        self.groups(host, effect)
            .into_iter()
            .flat_map(move |group| policy.index().rules(policy.rules(), group, effect).take(BOUND))
            .filter(move |rule| rule.expires_at().is_none_or(|end| now < end))
    }

    /// What the policy says of an opaque connection to a host of the subject.
    pub(super) fn opaque(&self, subject: &Subject<'p>, host: Host, port: u16) -> Verdict<'p> {
        let ask = || {
            self.verdict(&Ask {
                host,
                port,
                request: None,
            })
        };
        if host != subject.host {
            return ask();
        }
        let key = (subject.rule.host(), port);
        if let Some(known) = self.opaque.borrow().get(&key) {
            return *known;
        }
        let verdict = ask();
        self.opaque.borrow_mut().insert(key, verdict);
        verdict
    }

    /// What the policy says.
    pub(super) fn verdict(&self, ask: &Ask) -> Verdict<'p> {
        self.verdict_resolved(ask, &[])
    }

    pub(super) fn verdict_resolved(&self, ask: &Ask, resolved: &[IpAddr]) -> Verdict<'p> {
        let authority = ask.authority();
        let (method, path) = match &ask.request {
            Some((method, path)) => (method.as_bytes(), Some(path.as_bytes())),
            None => (b"CONNECT".as_slice(), None),
        };
        let seen = Seen::Request {
            authority: authority.as_bytes(),
            method,
            path,
        };
        *self
            .policy
            .decide_resolved(&seen, &self.around, resolved, self.now)
            .verdict()
    }
}

impl Ask {
    fn authority(&self) -> String {
        match self.host {
            Host::Ip(IpAddr::V6(v6)) => format!("[{v6}]:{}", self.port),
            host => format!("{host}:{}", self.port),
        }
    }

    /// Whether the rule matches once its host does, at the time `at`.
    pub(super) fn passes(&self, rule: &Rule, at: Timestamp) -> bool {
        let request = self.request.as_ref().map(|(method, path)| {
            Visible::new(RequestLine {
                method: method.as_bytes(),
                path: Some(path.as_bytes()),
            })
        });
        rule.check(self.port, request.as_ref(), at).is_ok()
    }
}

/// What lets a target pass: a rule, or the default.
pub(super) fn passed_by(verdict: Verdict<'_>) -> Option<Option<&Rule>> {
    match verdict {
        Verdict::Allow(rule) => Some(rule),
        Verdict::Warn(rule) => Some(Some(rule)),
        Verdict::Reject(_) => None,
    }
}

/// `rule gh` or `default_effect`.
pub(super) fn named(rule: Option<&Rule>) -> String {
    rule.map_or_else(|| "default_effect".to_owned(), |rule| format!("rule {}", rule.id()))
}

fn witness(pattern: &HostPattern) -> Option<Host> {
    let name = |text: String| Host::parse(text.as_bytes()).ok();
    match pattern {
        HostPattern::Exact(host) => Some(*host),
        HostPattern::Any => name("some-name.invalid".to_owned()),
        HostPattern::Below(base) => name(format!("some-name-below.{base}")).or_else(|| name(format!("x.{base}"))),
        // The first address of a block is often one of its own.
        HostPattern::Network(net) => Some(Host::Ip(net.broadcast())),
    }
}

/// Ports that both rules match, at most [`BOUND`]; `free` stands for all of them.
pub(super) fn common_ports(a: &[u16], b: &[u16], free: u16) -> Vec<u16> {
    let ports = match (a, b) {
        ([], []) => vec![free],
        ([], some) | (some, []) => some.to_vec(),
        (a, b) => {
            let in_b: HashSet<u16> = b.iter().copied().collect();
            a.iter().copied().filter(|port| in_b.contains(port)).collect()
        }
    };
    ports.into_iter().take(BOUND).collect()
}

/// A method and a path that the rule matches; `None` if it does not look at them.
pub(super) fn request_of(rule: &Rule) -> Option<(String, String)> {
    rule.needs_request().then(|| {
        let method = rule.methods().next().unwrap_or("GET").to_owned();
        let path = rule.path_glob().map_or_else(|| "/".to_owned(), some_path);
        (method, path)
    })
}

/// A path that the pattern matches: each of its wildcards stands for one `x`.
fn some_path(glob: &PathGlob) -> String {
    let path = glob.as_str().replace("**", "x").replace(['*', '?'], "x");
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// An address as written, and the IPv6 addresses that lead to an IPv4 one.
pub(super) fn forms(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V4(v4) = address else {
        return vec![address];
    };
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let v6 = |segments: [u16; 8]| IpAddr::V6(segments.into());
    vec![
        address,
        v6([0, 0, 0, 0, 0, 0xffff, high, low]),
        v6([0, 0, 0, 0, 0, 0, high, low]),
        v6([0x64, 0xff9b, 0, 0, 0, 0, high, low]),
        v6([0x64, 0xff9b, 1, 0, 0, 0, high, low]),
        v6([0x2002, high, low, 0, 0, 0, 0, 0]),
    ]
}
