//! Makes suggestions of recordings: what to allow, what to deny, and what to ask about first.

mod advice;
mod aggregate;
mod catalogue;
mod group;
mod leads_to;
mod observed;
mod paths;
mod policy;
mod ports;
mod suggestion;
#[cfg(test)]
mod tests;

pub use advice::{Class, FREQUENT, REGULAR_DAYS, REPEATED, Recommendation};
pub use aggregate::{Days, Destination, LedTo, Many, Total};
pub use catalogue::{Catalogue, CatalogueError};
pub use group::{WILDCARD_FROM, neighbourhood};
pub use leads_to::blocks_of;
pub use observed::{Observed, Services};
pub use policy::policy_of;
pub use suggestion::{LeftOut, Omission, Suggestion, Suggestions};

use crate::recording::Visibility;

/// How suggestions are made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where the filter will stand. Methods and paths are suggested only for
    /// traffic that it will see in clear there.
    pub visibility: Visibility,
    /// The port that the filter assumes for a request that names none.
    pub default_port: u16,
    /// How many hosts below one domain make a wildcard.
    pub wildcard_from: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            visibility: Visibility::Proxy,
            default_port: 80,
            wildcard_from: WILDCARD_FROM,
        }
    }
}
