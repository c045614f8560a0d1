//! Decisions brought together: by destination, and by what was said of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use sluice_harness::replay::ReplayedDecision;
use sluice_policy::{Action, Why};

/// How many entries a row remembers by name.
const REMEMBERED: usize = 5;

/// Where traffic was going: a host and a port, or the escaped bytes of what is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Destination<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) port: Option<u16>,
    pub(crate) raw: Option<&'a str>,
}

impl Destination<'_> {
    /// The host as a cell of a table.
    pub(crate) fn host_cell(&self) -> String {
        match self.host {
            Some(host) => host.to_owned(),
            None => format!("\"{}\"", self.raw.unwrap_or_default()),
        }
    }

    /// The port as a cell of a table.
    pub(crate) fn port_cell(&self) -> String {
        self.port.map(|port| port.to_string()).unwrap_or_default()
    }
}

/// As an authority; what is no target is quoted.
impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.host.is_some_and(|host| host.contains(':'));
        match (self.host, self.port) {
            (Some(host), Some(port)) if brackets => write!(f, "[{host}]:{port}"),
            (Some(host), Some(port)) => write!(f, "{host}:{port}"),
            _ => f.write_str(&self.host_cell()),
        }
    }
}

/// What was said of a destination. Ordered: what an operator has to look at comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Judged<'a> {
    concern: Concern,
    /// A rule id or a reason; none where nothing matched and the default is to allow.
    pub(crate) by: Option<&'a str>,
    /// The rule that named the host, and why it did not match.
    pub(crate) nearest: Option<(&'a str, Why)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Concern {
    Rejected,
    WouldBeRejected,
    Warned,
    Allowed,
}

impl Concern {
    fn of(action: Action, would_reject: bool) -> Self {
        match action {
            Action::Reject => Self::Rejected,
            _ if would_reject => Self::WouldBeRejected,
            Action::Warn => Self::Warned,
            Action::Allow => Self::Allowed,
        }
    }
}

/// What is done, and what `enforce` would do where that is something else.
pub(crate) fn action_words(action: Action, would_reject: bool) -> &'static str {
    match Concern::of(action, would_reject) {
        Concern::Rejected => "reject",
        Concern::WouldBeRejected => "allow, would reject",
        Concern::Warned => "warn",
        Concern::Allowed => "allow",
    }
}

/// Who decided, in a cell: the rule, the reason, or the policy's default.
pub(crate) fn by_cell(by: Option<&str>) -> &str {
    by.unwrap_or("default_effect")
}

impl<'a> Judged<'a> {
    fn of(decision: &'a ReplayedDecision) -> Self {
        let nearest = decision.nearest.as_ref();
        Self {
            concern: Concern::of(decision.action, decision.would_reject),
            by: decision.rejected_by.as_deref().or(decision.rule_id.as_deref()),
            nearest: nearest.map(|nearest| (&*nearest.rule_id, nearest.why)),
        }
    }

    /// What is done, in words.
    pub(crate) fn action(&self) -> &'static str {
        match self.concern {
            Concern::Rejected => action_words(Action::Reject, true),
            Concern::WouldBeRejected => action_words(Action::Allow, true),
            Concern::Warned => action_words(Action::Warn, false),
            Concern::Allowed => action_words(Action::Allow, false),
        }
    }

    /// Whether the verdict is reject, in any mode.
    pub(crate) fn is_rejected(&self) -> bool {
        matches!(self.concern, Concern::Rejected | Concern::WouldBeRejected)
    }

    /// Whether it passes on trial.
    pub(crate) fn is_warned(&self) -> bool {
        self.concern == Concern::Warned
    }

    /// The nearest rule as a cell of a table.
    pub(crate) fn nearest_cell(&self) -> String {
        self.nearest
            .map(|(rule, why)| format!("{rule} ({why})"))
            .unwrap_or_default()
    }
}

/// All decisions on one destination that say the same.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    pub(crate) destination: Destination<'a>,
    pub(crate) judged: Judged<'a>,
    /// How many decisions, counted as often as the recording says.
    pub(crate) count: u64,
    /// How many entries of the recordings.
    pub(crate) entries: usize,
    /// The first of them.
    pub(crate) sources: Vec<&'a str>,
}

/// The rows of a replay: rejections first, then the most frequent.
pub(crate) fn rows(decisions: &[ReplayedDecision]) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<(Destination<'_>, Judged<'_>), Row<'_>> = BTreeMap::new();
    for decision in decisions {
        let destination = Destination {
            host: decision.host.as_deref(),
            port: decision.port,
            raw: decision.raw.as_deref(),
        };
        let judged = Judged::of(decision);
        let row = rows.entry((destination, judged)).or_insert_with(|| Row {
            destination,
            judged,
            count: 0,
            entries: 0,
            sources: Vec::new(),
        });
        row.count = row.count.saturating_add(decision.count);
        row.entries += 1;
        if row.sources.len() < REMEMBERED {
            row.sources.push(&decision.source);
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    rows.sort_by_key(|row| (row.judged.concern, Reverse(row.count), row.destination, row.judged));
    rows
}
