//! Simulation: what a policy would do to what was seen.
//!
//! Read are the destinations of the window and not single events, so that each
//! count is one of whole days, and all of it is judged at one time: a rule that
//! has expired by then does not exist, though it did when the traffic came.
//! A destination is judged by every address that events told of, so that what
//! would be `private_address` is foreseen, and rejected if any of them is. They
//! tell of private addresses, and of public ones that a rule denied at the time:
//! that a new rule denies a public address, and a name leads to it, is not foreseen.

mod pending;
mod report;

use std::collections::BTreeMap;

use sluice_policy::{Action, Blocks, Mode, Policy, Why};

use super::destinations::{self, Destination, Wanted};
use super::judge::{Judge, Outcome, Part};
use super::selection::Selection;
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::store::Store;

pub use report::{Affected, Example, Simulation, Totals};

/// How many methods and paths stand as examples.
const EXAMPLES: usize = 5;

/// What is tried out.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The effective policy that is to be: its mode is taken to be `enforce`.
    pub policy: &'a Policy,
    /// The effective policy in force, to say what is allowed today; without it
    /// what counts is whether the destination was last let through.
    pub current: Option<&'a Policy>,
    /// Private blocks that any name may lead to, by the configuration of the proxies.
    pub resolves_to: &'a Blocks,
    /// The time at which rules expire or do not.
    pub at: Moment,
    /// Now.
    pub now: Moment,
}

/// Judges what the selected resources did since then.
///
/// Resources with policies of their own are simulated one by one, and the
/// answers put together with [`Simulation::and`].
///
/// # Errors
/// What the database says.
pub async fn of(store: &Store, selection: &Selection, since: Moment, trial: &Trial<'_>) -> Result<Simulation, Error> {
    let mut read = destinations::read(store, selection, since, Wanted::Everything).await?;
    pending::add(&mut read, store, selection, since).await?;
    let judge = Judge::new(
        trial.policy,
        trial.at.timestamp(),
        Some(Mode::Enforce),
        trial.resolves_to,
    )?;
    let current = trial
        .current
        .map(|policy| Judge::new(policy, trial.now.timestamp(), None, trial.resolves_to))
        .transpose()?;
    let mut simulation = Simulation::new(since, trial.at);
    for destination in read.destinations.iter() {
        let parts = judge.parts(destination);
        for part in &parts {
            simulation.totals.add(part.seen.count, &part.outcome);
        }
        let mut groups: BTreeMap<_, Vec<&Part<'_>>> = BTreeMap::new();
        for part in parts.iter().filter(|part| part.outcome.action != Action::Allow) {
            groups.entry(Cause::of(&part.outcome)).or_default().push(part);
        }
        let allowed_today = match &current {
            Some(current) => current
                .parts(destination)
                .iter()
                .any(|part| part.outcome.action != Action::Reject),
            None => destination.last_allowed >= destination.last_rejected,
        };
        let affected = groups
            .into_values()
            .map(|parts| affected(destination, &parts, allowed_today));
        simulation.destinations.extend(affected.flatten());
    }
    simulation.sort(Moment(trial.now.0.saturating_sub(DAY)));
    Ok(simulation)
}

/// What tells rows of one destination apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cause<'o> {
    action: Action,
    rule_id: Option<&'o str>,
    rejected_by: Option<&'o str>,
    nearest: Option<(&'o str, Why)>,
}

impl<'o> Cause<'o> {
    fn of(outcome: &'o Outcome) -> Self {
        let nearest = outcome.nearest.as_ref();
        Self {
            action: outcome.action,
            rule_id: outcome.rule_id.as_deref(),
            rejected_by: outcome.rejected_by.as_deref(),
            nearest: nearest.map(|nearest| (nearest.rule_id.as_ref(), nearest.why)),
        }
    }
}

fn affected(destination: &Destination, parts: &[&Part<'_>], allowed_today: bool) -> Option<Affected> {
    let outcome = parts.first()?.outcome.clone();
    let sum = |parts: &mut dyn Iterator<Item = &&Part<'_>>| parts.map(|part| part.seen.count).sum();
    let mut examples: Vec<Example> = parts
        .iter()
        .filter_map(|part| {
            Some(Example {
                method: part.method?.to_owned(),
                path: part.path.map(str::to_owned),
                count: part.seen.count,
            })
        })
        .collect();
    examples.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.cmp(other)));
    examples.truncate(EXAMPLES);
    Some(Affected {
        host: destination.host.clone(),
        port: (destination.port > 0).then_some(destination.port),
        members: destination.many.clone().unwrap_or_default(),
        count: sum(&mut parts.iter()),
        uncertain: sum(&mut parts.iter().filter(|part| part.outcome.uncertain)),
        last_seen: Moment(parts.iter().map(|part| part.seen.last).max()?),
        action: outcome.action,
        rule_id: outcome.rule_id,
        rejected_by: outcome.rejected_by,
        nearest: outcome.nearest,
        examples,
        seen_in: destination.resources.len(),
        allowed_today,
    })
}
