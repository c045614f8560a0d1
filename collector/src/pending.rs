//! The pending queue: rejected hosts that an operator could list, and what
//! operators decide about them.

mod decide;
mod rows;
#[cfg(test)]
mod tests;

pub use decide::{Approval, Approved, Reach, approve, block, dismiss};
pub use rows::{Pending, State, by_id, list};
