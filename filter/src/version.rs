//! Which of two effective policies of a resource is the newer one.

use std::fmt;

/// The higher epoch, then the higher revision. A restored database starts a
/// new epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Version {
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, revision {}", self.epoch, self.revision)
    }
}
