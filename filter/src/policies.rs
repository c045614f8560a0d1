//! Live policies: what a policy service says, in force in every VM of the
//! process.
//!
//! One VM, the leader, holds the `Watch` stream. It writes what it receives
//! into shared data and a note of it into each VM's queue; a VM that misses the
//! note finds out with its next tick.

mod leader;
#[cfg(target_arch = "wasm32")]
mod live;
mod proto;
mod received;
mod shared;
mod slots;

#[cfg(target_arch = "wasm32")]
pub(crate) use live::Policies;
pub(crate) use received::Known;
pub(crate) use slots::Lookup;
