//! What records say, checked: everything is of bounded length and makes sense.

mod read;

use std::net::IpAddr;

use sluice_policy::Action;

use crate::moment::Moment;
pub(super) use read::{Clock, read};

/// Who wrote a record, and its place in what they wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `<process>/<vm>`
    pub(super) instance: String,
    /// From 1, without a gap.
    pub(super) seq: i64,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// One decision.
    Audit(Box<Row>),
    /// Many.
    Summary(Box<Row>),
    /// A request that was answered before the filter was asked.
    Undecided(Box<Row>),
    /// A rejected target that an operator could list.
    Pending(Box<Row>),
    /// The state of a VM.
    Heartbeat(Box<Heartbeat>),
}

impl Event {
    /// The word for it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Audit(_) => "audit",
            Self::Summary(_) => "summary",
            Self::Undecided(_) => "undecided",
            Self::Pending(_) => "pending",
            Self::Heartbeat(_) => "heartbeat",
        }
    }
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InForce {
    pub(super) epoch: Option<i64>,
    pub(super) revision: Option<i64>,
    /// `audit_only`, `enforce`, or `none` without a policy.
    pub(super) mode: &'static str,
    pub(super) overridden: Option<String>,
}

/// A decision or several, or what came to none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) uid: String,
    /// When, by the sender's clock.
    pub(super) at: Moment,
    pub(super) host: Option<String>,
    pub(super) port: Option<i64>,
    pub(super) raw: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) path_cut: bool,
    pub(super) action: Action,
    pub(super) would_reject: bool,
    pub(super) status: i64,
    pub(super) duration_us: i64,
    pub(super) request_bytes: i64,
    pub(super) response_bytes: i64,
    pub(super) rule_id: Option<String>,
    pub(super) rule_scope: Option<&'static str>,
    pub(super) rejected_by: Option<String>,
    pub(super) nearest: Option<String>,
    pub(super) in_force: InForce,
    pub(super) sni: Option<String>,
    pub(super) client: Option<String>,
    pub(super) protocol: String,
    pub(super) outcome: &'static str,
    pub(super) details: Option<String>,
    pub(super) parent: Option<String>,
    /// Where it went, if a policy may have to say that it may.
    pub(super) peer: Option<IpAddr>,
    pub(super) count: i64,
    /// Of a summary the first decision; else when it was.
    pub(super) first: Moment,
}

/// Outcome of a stream that has not ended.
pub(super) const OPEN: &str = "open";

/// What a VM says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heartbeat {
    pub(super) in_force: InForce,
    pub(super) digest: Option<String>,
    pub(super) policy_error: Option<String>,
    pub(super) decisions: i64,
    pub(super) merged: i64,
    pub(super) dropped: i64,
    pub(super) refused: i64,
    pub(super) unsent_bytes: i64,
    pub(super) memory_bytes: i64,
    pub(super) closing: bool,
}

#[cfg(test)]
mod tests;
