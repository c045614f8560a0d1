//! How a command went that could do its work.

use std::process::ExitCode;

/// What a command that had good input comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, and nothing speaks against it.
    Done,
    /// Done, and the answer is no.
    No,
}

impl Outcome {
    /// No if anything is wrong.
    pub(crate) fn no_if(wrong: bool) -> Self {
        if wrong { Self::No } else { Self::Done }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::No => Self::from(1),
        }
    }
}
