//! Records decisions and gets them to a collector: at least once, and never
//! silently lossy. Whatever is not delivered one by one is counted.

mod otlp;
mod outbox;
mod pending;
mod record;
mod retry;
mod summary;
#[cfg(test)]
mod testing;

pub(crate) use otlp::partial_success;
pub(crate) use outbox::{Notice, Outbox};
pub(crate) use pending::PendingTargets;
pub(crate) use record::{
    Audit, Course, Decided, Heartbeat, InForce, Outcome, Record, Undecided, Wire, printable, without_query,
};
