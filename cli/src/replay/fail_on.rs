//! Which decisions make a replay fail.

use std::fmt;

use clap::ValueEnum;
use sluice_harness::replay::ReplayedDecision;
use sluice_policy::Action;

use crate::decisions::Judged;

/// The least decision that makes a replay fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// What is rejected, or would be in enforce
    Reject,
    /// That, and what passes by a warn_only rule
    Warn,
    /// Nothing
    None,
}

impl FailOn {
    /// How many decisions it names, counted as often as the recordings say.
    pub(super) fn count(self, decisions: &[ReplayedDecision]) -> u64 {
        let named = decisions
            .iter()
            .filter(|decision| self.is(decision.would_reject, decision.action == Action::Warn));
        named.fold(0, |sum, decision| sum.saturating_add(decision.count))
    }

    /// Whether it names what was said of a destination.
    pub(super) fn names(self, judged: &Judged<'_>) -> bool {
        self.is(judged.is_rejected(), judged.is_warned())
    }

    /// In `audit_only` nothing is rejected, and the question is what would be.
    fn is(self, rejected: bool, warned: bool) -> bool {
        match self {
            Self::Reject => rejected,
            Self::Warn => rejected || warned,
            Self::None => false,
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reject => "reject",
            Self::Warn => "warn",
            Self::None => "none",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_rejected_counts_as_rejected() {
        let replay = super::super::sample();
        assert_eq!(FailOn::Reject.count(&replay.decisions), 5);
        assert_eq!(FailOn::Warn.count(&replay.decisions), 6);
        assert_eq!(FailOn::None.count(&replay.decisions), 0);
    }
}
