//! What a simulation answers.

use std::cmp::Reverse;

use serde::Serialize;
use sluice_policy::{Action, NearestRecord};

use super::super::judge::Outcome;
use crate::moment::Moment;

/// What would become of what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// Where the window begins.
    pub since: Moment,
    /// The time at which rules expire or do not.
    pub at: Moment,
    /// The sums.
    pub totals: Totals,
    /// What would not simply pass, the last seen first.
    pub destinations: Vec<Affected>,
    /// Those of them that are allowed today, would be rejected, and were seen in the last day.
    pub breaks: Vec<Affected>,
}

/// How many requests and connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// All: the sum of the next three.
    pub requests: u64,
    /// Those that would pass.
    pub allowed: u64,
    /// Those that would pass on trial.
    pub warned: u64,
    /// Those that would not.
    pub rejected: u64,
    /// Those of all of which something that a rule looks at is not known: they
    /// are counted as the best that may become of them.
    pub uncertain: u64,
}

/// Traffic to one destination that one rule, or the default, would not simply let pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// A canonical host, or what stands for many.
    pub host: String,
    /// The port; null for several.
    pub port: Option<u16>,
    /// The first hosts in it, if it stands for many.
    pub members: Vec<String>,
    /// How many.
    pub count: u64,
    /// How many of them are uncertain: see [`Totals::uncertain`].
    pub uncertain: u64,
    /// The last of them.
    pub last_seen: Moment,
    /// `warn` or `reject`.
    pub action: Action,
    /// The rule that says so.
    pub rule_id: Option<String>,
    /// The rule or the reason that rejects.
    pub rejected_by: Option<String>,
    /// The rule that named the host and would not match.
    pub nearest: Option<NearestRecord<'static>>,
    /// What was seen of them in clear, the most frequent first.
    pub examples: Vec<Example>,
    /// How many resources talk to the destination.
    pub seen_in: usize,
    /// Whether it is let through today.
    pub allowed_today: bool,
}

/// A request in clear.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Example {
    /// Its method.
    pub method: String,
    /// Its path, where it was recorded.
    pub path: Option<String>,
    /// How many of them.
    pub count: u64,
}

impl Simulation {
    pub(super) fn new(since: Moment, at: Moment) -> Self {
        Self {
            since,
            at,
            totals: Totals::default(),
            destinations: Vec::new(),
            breaks: Vec::new(),
        }
    }

    /// The last seen first, and what breaks.
    pub(super) fn sort(&mut self, last_day: Moment) {
        order(&mut self.destinations);
        let breaks = self.destinations.iter().filter(|affected| affected.breaks(last_day));
        self.breaks = breaks.cloned().collect();
    }

    /// Puts the answers of other resources to it, row by row: a host that two
    /// of them talk to has a row of each, because their policies differ.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.since = self.since.min(other.since);
        self.totals.merge(other.totals);
        self.destinations.extend(other.destinations);
        self.breaks.extend(other.breaks);
        order(&mut self.destinations);
        order(&mut self.breaks);
        self
    }

    /// Whether locking down would break something in use.
    #[must_use]
    pub fn would_break(&self) -> bool {
        !self.breaks.is_empty()
    }
}

fn order(rows: &mut [Affected]) {
    rows.sort_by(|one, other| {
        let key = |row: &Affected| Reverse((row.last_seen, row.count));
        key(one)
            .cmp(&key(other))
            .then_with(|| one.host.cmp(&other.host))
            .then_with(|| one.port.cmp(&other.port))
    });
}

impl Affected {
    fn breaks(&self, last_day: Moment) -> bool {
        self.allowed_today && self.action == Action::Reject && self.last_seen >= last_day
    }
}

impl Totals {
    pub(super) fn add(&mut self, count: u64, outcome: &Outcome) {
        self.requests += count;
        match outcome.action {
            Action::Allow => self.allowed += count,
            Action::Warn => self.warned += count,
            Action::Reject => self.rejected += count,
        }
        if outcome.uncertain {
            self.uncertain += count;
        }
    }

    fn merge(&mut self, other: Self) {
        let Self {
            requests,
            allowed,
            warned,
            rejected,
            uncertain,
        } = other;
        self.requests += requests;
        self.allowed += allowed;
        self.warned += warned;
        self.rejected += rejected;
        self.uncertain += uncertain;
    }
}
