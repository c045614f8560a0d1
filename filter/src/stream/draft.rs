//! The event of a decided stream, until it ends.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use sluice_policy::{Action, Decision, Reason, Rejection};

use super::Case;
use crate::events::{Audit, Course, Outcome, Wire};
use crate::host;
use crate::mail::Mail;

/// Whether an operator could list what was rejected.
fn could_be_listed(decision: &Decision<'_, '_>) -> bool {
    match decision.rejection() {
        Some(Rejection::Rule(_) | Rejection::Default(_)) => true,
        Some(Rejection::Reason(reason)) => matches!(reason, Reason::PrivateAddress | Reason::SniMismatch),
        // Without a name there may be an address, and that can be listed.
        Some(Rejection::Invalid(_)) => decision.target().is_some(),
        None => false,
    }
}

/// How long a stream is open before it is told of.
const LONG: u64 = 10_000_000_000;

/// The event of a decided stream, until it ends.
pub(crate) struct Draft {
    mail: Rc<Mail>,
    audit: Audit,
}

impl Draft {
    /// Begins one, and counts the decision.
    pub(crate) fn begin(
        case: &Case,
        decision: &Decision<'_, '_>,
        destination: Option<SocketAddr>,
        wire: impl FnOnce() -> Wire,
    ) -> Option<Self> {
        let mail = Rc::clone(case.ruling.mail.as_ref()?);
        let number = mail.count_decision();
        let mut wire = wire();
        if let Some(dialled) = destination
            && !case.expects(dialled.ip())
        {
            wire.tell_peer(dialled.ip(), false);
        }
        let audit = Audit {
            number,
            at: case.moment.wall,
            decided: case.decided(decision),
            wire,
            course: Course {
                outcome: Outcome::Open,
                status: 0,
                request_bytes: 0,
                response_bytes: 0,
                duration_us: 0,
                details: None,
            },
            reported: false,
        };
        let draft = Self { mail, audit };
        draft.tell_if_pending(decision);
        Some(draft)
    }

    fn tell_if_pending(&self, decision: &Decision<'_, '_>) {
        if decision.action() == Action::Reject && could_be_listed(decision) {
            self.mail.rejected(&self.audit);
        }
    }

    /// It is about to go to this address, which its rule or its name may have
    /// to permit; `otherwise` if the address changed what was decided.
    pub(super) fn goes_to(&mut self, address: IpAddr, case: &Case, otherwise: bool) {
        if otherwise || !case.expects(address) {
            self.audit.wire.tell_peer(address, otherwise);
        }
    }

    /// A newer policy rejects it.
    pub(super) fn decided_again(&mut self, case: &Case, decision: &Decision<'_, '_>) {
        self.audit.decided = case.decided(decision);
        self.tell_if_pending(decision);
    }

    /// The proxy's own guard rejected it after all, for the address that its
    /// name resolved to.
    pub(crate) fn rejected_by_guard(&mut self) {
        let decided = &mut self.audit.decided;
        decided.action = Action::Reject;
        decided.would_reject = true;
        decided.rule_id = None;
        decided.rule_scope = None;
        decided.nearest = None;
        decided.rejected_by = Some(Reason::PrivateAddress.as_str().into());
        self.mail.rejected(&self.audit);
    }

    /// Tells of a stream that has been open for long.
    pub(crate) fn tell_if_open_long(&mut self) {
        let Ok(now) = host::now_nanos() else { return };
        let age = now.saturating_sub(self.audit.at);
        if self.audit.reported || age < LONG {
            return;
        }
        let mut audit = self.audit.clone();
        audit.course.duration_us = age / 1_000;
        self.mail.record(audit);
        self.audit.reported = true;
    }

    /// It has ended.
    pub(crate) fn end(mut self, course: Course) {
        self.audit.course = course;
        self.mail.record(self.audit);
    }

    pub(crate) fn duration_us(&self) -> u64 {
        host::now_nanos().map_or(0, |now| now.saturating_sub(self.audit.at) / 1_000)
    }

    /// Who it was, if nothing has told yet.
    pub(crate) fn set_client(&mut self, client: impl FnOnce() -> Option<Box<str>>) {
        let known = &mut self.audit.wire.client;
        if known.is_none() {
            *known = client();
        }
    }

    /// Its `log.record.uid`.
    pub(crate) fn uid(&self) -> String {
        self.mail.uid(self.audit.number)
    }
}
