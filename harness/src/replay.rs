//! Puts recorded traffic through an engine, on as many VMs as asked for.

mod backend;
mod report;
mod workers;

pub use backend::Backend;
pub use report::{LeftOut, Replay, ReplayedDecision, Summary};

use std::num::NonZeroUsize;

use sluice_policy::Timestamp;

use crate::engine::EngineError;
use crate::progress::Progress;
use crate::recording::{Recorded, Skipped, Visibility};

/// How recorded traffic is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Where the filter stands.
    pub visibility: Visibility,
    /// What time it is for the filter.
    pub clock: Clock,
    /// How many VMs decide at once; never more than there is work for.
    pub vms: NonZeroUsize,
}

/// What time it is for the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Always this.
    Fixed(Timestamp),
    /// When the traffic was recorded.
    Recorded,
}

impl Clock {
    fn at(self, recorded: &Recorded) -> Option<Timestamp> {
        match self {
            Self::Fixed(at) => Some(at),
            Self::Recorded => recorded.at,
        }
    }
}

/// Why there is no replay. One failed decision fails all: a report with a
/// hole in it would be read as a report.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No engine could be started.
    #[error(transparent)]
    Start(EngineError),
    /// The engine failed on an entry.
    #[error("{source_name}: {error}")]
    Decision {
        /// The entry.
        source_name: String,
        /// What went wrong.
        #[source]
        error: EngineError,
    },
}

/// Decides everything that was recorded, in order. `skipped` are the entries
/// the reader left out; they are counted and kept with the result.
///
/// # Errors
/// [`ReplayError`], the one of the earliest entry if there are several.
pub fn replay(
    recorded: &[Recorded],
    skipped: Vec<Skipped>,
    backend: &Backend,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Replay, ReplayError> {
    let outcomes = workers::decide_all(recorded, backend, options, progress)?;
    let mut left_out: Vec<LeftOut> = skipped.into_iter().map(LeftOut::Unreadable).collect();
    let mut decisions = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(decision) => decisions.push(decision),
            Err(reason) => left_out.push(reason),
        }
    }
    Ok(Replay {
        summary: Summary::of(&decisions, left_out.len()),
        decisions,
        skipped: left_out,
    })
}

#[cfg(test)]
mod tests;
