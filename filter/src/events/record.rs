//! What is recorded of one request or connection, and of the filter itself.

use std::net::IpAddr;
use std::rc::Rc;

use sluice_policy::{Action, Mode, Scope, address};

use crate::refusal::Resource;
use crate::version::Version;

/// How a decided request or connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it should.
    Ok,
    /// Something between here and there failed; Envoy's details say what.
    Error,
    /// The client went before it was answered.
    ClientCancel,
    /// It has not ended yet.
    Open,
    /// A newer policy rejects it, and it was closed.
    PolicyChanged,
}

impl Outcome {
    /// The word in events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::ClientCancel => "client_cancel",
            Self::Open => "open",
            Self::PolicyChanged => "policy_changed",
        }
    }
}

/// What was in force when a decision was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct InForce {
    /// Of a live policy.
    pub(crate) version: Option<Version>,
    /// `None` where there was no policy at all.
    pub(crate) mode: Option<Mode>,
    /// The reason of the override that was in force.
    pub(crate) overridden: Option<Rc<str>>,
}

/// A decision in the words of events. Texts are printable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    pub(crate) resource: Option<Rc<Resource>>,
    pub(crate) in_force: InForce,
    pub(crate) host: Option<Box<str>>,
    pub(crate) port: Option<u16>,
    pub(crate) raw: Option<Box<str>>,
    pub(crate) action: Action,
    pub(crate) would_reject: bool,
    pub(crate) rule_id: Option<Box<str>>,
    pub(crate) rule_scope: Option<Scope>,
    pub(crate) rejected_by: Option<Box<str>>,
    /// JSON, `{"rule_id", "why"}`.
    pub(crate) nearest: Option<Box<str>>,
}

/// What was seen of a request or connection besides where it was going.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wire {
    /// `http`, `tls` or `tcp`.
    pub(crate) protocol: &'static str,
    pub(crate) method: Option<Box<str>>,
    pub(crate) path: Option<Box<str>>,
    pub(crate) path_cut: bool,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) client: Option<Box<str>>,
    /// Where it went, if that is told: see [`Wire::tell_peer`].
    pub(crate) peer: Option<Box<str>>,
    /// The `log.record.uid` of the `CONNECT` that it is inside of.
    pub(crate) parent: Option<Box<str>>,
}

impl Wire {
    /// Tells the address that it goes to where a policy may have to say that it
    /// may: one that is private, or that a rule denies.
    pub(crate) fn tell_peer(&mut self, address: IpAddr, denied: bool) {
        if denied || address::is_private(address) {
            self.peer = Some(address.to_string().into());
        }
    }
}

/// How it went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    pub(crate) outcome: Outcome,
    /// 0 if none.
    pub(crate) status: u16,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) duration_us: u64,
    /// Envoy's response code details, when it was not us.
    pub(crate) details: Option<Box<str>>,
}

impl Course {
    /// Of what was refused as soon as it was seen, or passed to go on as
    /// something that was recorded already.
    pub(crate) fn decided_only() -> Self {
        Self {
            outcome: Outcome::Ok,
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            duration_us: 0,
            details: None,
        }
    }
}

/// One decided request or connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Audit {
    /// Its number in the instance, which makes its `log.record.uid`.
    pub(crate) number: u64,
    /// When it was decided, nanoseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) decided: Decided,
    pub(crate) wire: Wire,
    pub(crate) course: Course,
    /// An `open` record with the same number went before, so that losing this
    /// one loses no decision.
    pub(crate) reported: bool,
}

/// Attempts at a target that was rejected and could be listed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pending {
    pub(crate) at: u64,
    pub(crate) decided: Decided,
    pub(crate) wire: Wire,
    /// Since the record of this target before.
    pub(crate) attempts: u64,
}

/// A request that Envoy answered before the filter was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Undecided {
    pub(crate) at: u64,
    pub(crate) resource: Option<Rc<Resource>>,
    /// `:authority` escaped, if it could be read.
    pub(crate) raw: Option<Box<str>>,
    pub(crate) wire: Wire,
    pub(crate) course: Course,
}

/// The filter's own state, every ten seconds and when it ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Heartbeat {
    pub(crate) at: u64,
    pub(crate) resource: Option<Rc<Resource>>,
    pub(crate) in_force: InForce,
    pub(crate) digest: Option<Box<str>>,
    /// Of every VM of the process, also of those that are gone.
    pub(crate) decisions: u64,
    /// Of this VM; it never gives any back.
    pub(crate) memory_bytes: u64,
    /// The last error of a policy that was refused, until one is accepted.
    pub(crate) policy_error: Option<Box<str>>,
    pub(crate) closing: bool,
}

/// Anything that waits to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Audit(Box<Audit>),
    Pending(Box<Pending>),
    Undecided(Box<Undecided>),
    Heartbeat(Box<Heartbeat>),
}

impl Record {
    /// What it takes in memory, in bytes, allocator overhead included.
    pub(crate) fn size(&self) -> usize {
        /// A box, its place in the queue, and what the allocator keeps.
        const OVERHEAD: usize = 48;
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len().saturating_add(8));
        let decided = |decided: &Decided| {
            [
                &decided.host,
                &decided.raw,
                &decided.rule_id,
                &decided.rejected_by,
                &decided.nearest,
            ]
            .into_iter()
            .map(text)
            .sum::<usize>()
        };
        let wire = |wire: &Wire| {
            [
                &wire.method,
                &wire.path,
                &wire.server_name,
                &wire.client,
                &wire.peer,
                &wire.parent,
            ]
            .into_iter()
            .map(text)
            .sum::<usize>()
        };
        let parts = match self {
            Self::Audit(audit) => [
                size_of::<Audit>(),
                decided(&audit.decided),
                wire(&audit.wire),
                text(&audit.course.details),
            ],
            Self::Pending(pending) => [size_of::<Pending>(), decided(&pending.decided), wire(&pending.wire), 0],
            Self::Undecided(undecided) => [
                size_of::<Undecided>(),
                text(&undecided.raw),
                wire(&undecided.wire),
                text(&undecided.course.details),
            ],
            Self::Heartbeat(heartbeat) => [
                size_of::<Heartbeat>(),
                text(&heartbeat.digest),
                text(&heartbeat.policy_error),
                0,
            ],
        };
        parts.into_iter().fold(OVERHEAD, usize::saturating_add)
    }
}

/// A path or method as an event carries it: printable ASCII, other bytes and
/// `%`-less spaces percent-encoded; without the query; cut at `limit` bytes.
pub(crate) fn printable(bytes: &[u8], limit: usize) -> (Box<str>, bool) {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    let mut text = String::with_capacity(bytes.len().min(limit));
    for &byte in bytes {
        let mut one = [byte, 0, 0];
        let encoded = if byte.is_ascii_graphic() {
            one.get(..1)
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'?');
            one = [b'%', digit(byte >> 4), digit(byte & 15)];
            one.get(..)
        };
        let encoded = encoded
            .and_then(|one| std::str::from_utf8(one).ok())
            .unwrap_or_default();
        if text.len().saturating_add(encoded.len()) > limit {
            return (text.into(), true);
        }
        text.push_str(encoded);
    }
    (text.into(), false)
}

/// A path without its query.
pub(crate) fn without_query(path: &[u8]) -> &[u8] {
    path.split(|&byte| byte == b'?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_printable_and_nothing_is_longer_than_it_may_be() {
        for byte in 0..=u8::MAX {
            let (text, cut) = printable(&[b'/', byte], 512);
            assert!(text.bytes().all(|b| b.is_ascii_graphic()) && !cut, "{byte}");
        }
        assert_eq!(printable(b"/a b\xff", 512), ("/a%20b%FF".into(), false));
        assert_eq!(printable(b"/abcdef", 4), ("/abc".into(), true));
        assert_eq!(printable(b"/ab\xff", 5), ("/ab".into(), true), "no half of an escape");
        assert_eq!(without_query(b"/a?b=secret?c"), b"/a");
    }
}
