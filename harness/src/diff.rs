//! What another policy would change about recorded traffic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_policy::Action;

use crate::progress::Progress;
use crate::recording::{Recorded, Skipped};
use crate::replay::{Backend, Options, Replay, ReplayError, ReplayedDecision, replay};

/// The differences between two policies over the same recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The sums.
    pub summary: DiffSummary,
    /// What changes, by destination.
    pub changes: Vec<Change>,
}

/// How much changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffSummary {
    /// Destinations in the recordings: host and port, or one invalid target.
    pub destinations: u64,
    /// Those for which anything changes.
    pub changed_destinations: u64,
    /// Decisions, counted as often as the recordings say.
    pub decisions: u64,
    /// Those that change.
    pub changed_decisions: u64,
    /// Entries that were not decided.
    pub skipped: u64,
}

/// One change. Method and path are given where requests to the same
/// destination do not all change alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Canonical host; none for an invalid target.
    pub host: Option<String>,
    /// Port; none for an invalid target.
    pub port: Option<u16>,
    /// The escaped bytes of an invalid target.
    pub raw: Option<String>,
    /// The method, where it makes the difference.
    pub method: Option<String>,
    /// The path, where it makes the difference.
    pub path: Option<String>,
    /// What the first policy says.
    pub from: Judgement,
    /// What the second policy says.
    pub to: Judgement,
    /// How many decisions change so.
    pub count: u64,
}

/// What a policy says of a destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Judgement {
    /// What is done.
    pub action: Action,
    /// Whether the verdict is reject.
    pub would_reject: bool,
    /// The verdict's rule.
    pub rule_id: Option<String>,
    /// A rule id or a reason.
    pub rejected_by: Option<String>,
}

impl Judgement {
    fn of(decision: &ReplayedDecision) -> Self {
        Self {
            action: decision.action,
            would_reject: decision.would_reject,
            rule_id: decision.rule_id.clone(),
            rejected_by: decision.rejected_by.clone(),
        }
    }
}

/// Replays the recordings under both policies and compares.
///
/// # Errors
/// [`ReplayError`] of either replay.
pub fn diff(
    recorded: &[Recorded],
    skipped: Vec<Skipped>,
    from: &Backend,
    to: &Backend,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Diff, ReplayError> {
    let from = replay(recorded, skipped, from, options, progress)?;
    let to = replay(recorded, Vec::new(), to, options, progress)?;
    Ok(Diff::between(&from, &to))
}

type Destination<'a> = (Option<&'a str>, Option<u16>, Option<&'a str>);
type Request<'a> = (Option<&'a str>, Option<&'a str>);
type Turn = (Judgement, Judgement);

impl Diff {
    /// Two replays of the same entries: what was left out of one was left out
    /// of the other, for the reasons do not depend on the policy.
    fn between(from: &Replay, to: &Replay) -> Self {
        let mut destinations: BTreeMap<Destination<'_>, BTreeMap<(Request<'_>, Turn), u64>> = BTreeMap::new();
        for (old, new) in from.decisions.iter().zip(&to.decisions) {
            let destination = (old.host.as_deref(), old.port, old.raw.as_deref());
            let request = (old.method.as_deref(), old.path.as_deref());
            let turn = (Judgement::of(old), Judgement::of(new));
            let requests = destinations.entry(destination).or_default();
            let count = requests.entry((request, turn)).or_default();
            *count = count.saturating_add(old.count);
        }
        let mut summary = DiffSummary {
            skipped: from.summary.skipped,
            decisions: from.summary.total,
            ..DiffSummary::default()
        };
        let mut changes = Vec::new();
        for ((host, port, raw), requests) in destinations {
            summary.destinations += 1;
            let before = changes.len();
            for (((method, path), (from, to)), count) in grouped(requests) {
                if from == to {
                    continue;
                }
                summary.changed_decisions = summary.changed_decisions.saturating_add(count);
                changes.push(Change {
                    host: host.map(str::to_owned),
                    port,
                    raw: raw.map(str::to_owned),
                    method: method.map(str::to_owned),
                    path: path.map(str::to_owned),
                    from,
                    to,
                    count,
                });
            }
            summary.changed_destinations += u64::from(changes.len() > before);
        }
        Self { summary, changes }
    }
}

/// Leaves out the path, or path and method, wherever all requests that would
/// then look alike change alike.
fn grouped<'a>(requests: BTreeMap<(Request<'a>, Turn), u64>) -> BTreeMap<(Request<'a>, Turn), u64> {
    if alike(requests.keys()) {
        return merged(requests, |_| (None, None));
    }
    let mut by_method: BTreeMap<Option<&str>, BTreeMap<(Request<'a>, Turn), u64>> = BTreeMap::new();
    for ((request, turn), count) in requests {
        let method = by_method.entry(request.0).or_default();
        method.insert((request, turn), count);
    }
    by_method
        .into_values()
        .flat_map(|requests| {
            if alike(requests.keys()) {
                merged(requests, |(method, _)| (method, None))
            } else {
                requests
            }
        })
        .collect()
}

fn alike<'a, 'b: 'a>(mut requests: impl Iterator<Item = &'a (Request<'b>, Turn)>) -> bool {
    let first = requests.next().map(|(_, turn)| turn);
    requests.all(|(_, turn)| Some(turn) == first)
}

fn merged<'a>(
    requests: BTreeMap<(Request<'a>, Turn), u64>,
    shorten: impl Fn(Request<'a>) -> Request<'a>,
) -> BTreeMap<(Request<'a>, Turn), u64> {
    let mut sums: BTreeMap<_, u64> = BTreeMap::new();
    for ((request, turn), count) in requests {
        let sum = sums.entry((shorten(request), turn)).or_default();
        *sum = sum.saturating_add(count);
    }
    sums
}

#[cfg(test)]
mod tests;
