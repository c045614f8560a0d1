//! Review: what resources talked to, what to make of it, and what a policy would do to it.
//!
//! Everything here reads what ingest counted by day, never the single events: so
//! an answer takes as long as there are destinations, whatever the number of
//! events, and stays right when those have expired. The price is that a window
//! is counted in whole days (UTC), its first one included, of which a
//! destination is left out only if it was last seen before the window began.

mod choice;
pub mod coverage;
mod destinations;
pub mod explain;
mod infrastructure;
mod joined;
mod judge;
mod kept;
pub mod recorded;
mod selection;
pub mod simulation;
pub mod suggestions;
#[cfg(test)]
mod tests;
pub mod timeseries;

pub use choice::Choice;
pub use infrastructure::Infrastructure;
pub use joined::joined;
pub use kept::Kept;
pub(crate) use selection::Filter;
pub use selection::Selection;
