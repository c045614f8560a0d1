//! What a tunnel carries: if it begins with a ClientHello, that has to name the
//! host that the tunnel was opened for.
//!
//! Envoy hands over the bytes of a `CONNECT` as those of a body, and holds them
//! while the filter pauses (seen in Envoy 1.40). A server that speaks first is
//! not waited for: its bytes go the other way.

use sluice_policy::Seen;

use super::{Decided, Http, MOST_NAME, Request, State, VERDICT, refuse};
use crate::client_hello::{MOST_BYTES, Peek, peek};
use crate::dispatch;
use crate::events::{Course, Wire, printable};
use crate::host::stream as proxy;
use crate::host::{self, Flow};
use crate::stream::{Case, Draft, client, leave_verdict};
use crate::vm::vm;

/// How long the rest of a ClientHello is waited for, in nanoseconds: as long as
/// Envoy's listener filters wait by default.
const MOST_WAITING: u64 = 15_000_000_000;

/// How far a look into a tunnel has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inside {
    /// There is none to be taken: it is no tunnel, or nobody wants to know.
    Unseen,
    /// Its first bytes are waited for.
    Expected,
    /// Some are there, and held since then until there are enough.
    Held { since: u64 },
    /// The server name of its ClientHello, empty if it has none; `None` where
    /// it begins with something else.
    Seen(Option<Vec<u8>>),
}

impl Inside {
    fn server_name(&self) -> Option<&[u8]> {
        match self {
            Self::Seen(server_name) => server_name.as_deref(),
            Self::Unseen | Self::Expected | Self::Held { .. } => None,
        }
    }
}

impl Request {
    /// The form that a policy decides, with what was seen of its inside.
    pub(super) fn seen_with<'s>(&'s self, inside: &'s Inside) -> Seen<'s> {
        match inside {
            Inside::Seen(server_name) => Seen::Inside {
                authority: &self.authority,
                server_name: server_name.as_deref(),
            },
            Inside::Unseen | Inside::Expected | Inside::Held { .. } => self.seen(),
        }
    }
}

impl Http {
    /// Bytes that follow the headers, of which the proxy holds so many.
    pub(crate) fn body(&self, size: usize) -> Flow {
        let since = match &*self.state.borrow() {
            State::Decided(decided) => match decided.inside {
                Inside::Unseen | Inside::Seen(_) => return Flow::Continue,
                Inside::Expected => None,
                Inside::Held { since } => Some(since),
            },
            // Nothing follows what has not been decided.
            State::Fresh | State::Held { .. } => return Flow::Pause,
            State::Over => return Flow::Continue,
        };
        if size == 0 {
            return Flow::Continue;
        }
        let bytes = proxy::request_body(size.min(MOST_BYTES)).unwrap_or_else(|status| {
            log::error!("the first bytes of a tunnel cannot be read: {status}");
            Vec::new()
        });
        match peek(&bytes) {
            Peek::More => {
                let since = since.unwrap_or_else(host::monotonic_nanos);
                self.look(Inside::Held { since });
                Flow::Pause
            }
            Peek::NotTls => self.decide_inside(None),
            Peek::Hello(server_name) => self.decide_inside(Some(server_name)),
        }
    }

    fn look(&self, inside: Inside) {
        if let State::Decided(decided) = &mut *self.state.borrow_mut() {
            decided.inside = inside;
        }
    }

    /// Decides what a tunnel carries. It was counted and recorded as the tunnel,
    /// and is another decision only where it turns out otherwise.
    fn decide_inside(&self, server_name: Option<Vec<u8>>) -> Flow {
        let Some(serving) = &self.serving else {
            return Flow::Pause;
        };
        let ruling = serving.ruling();
        let refusal = {
            let mut state = self.state.borrow_mut();
            let State::Decided(decided) = &mut *state else {
                return Flow::Pause;
            };
            let Decided { request, past, inside } = &mut **decided;
            *inside = Inside::Seen(server_name);
            let Some(case) = Case::find(serving, &ruling, request.who.clone(), true) else {
                return Flow::Pause;
            };
            let seen = request.seen_with(inside);
            let decision = case.decide(&seen, request.destination);
            if !decision.would_reject() || past.would_reject {
                return Flow::Continue;
            }
            serving.decisions.count(decision.action(), decision.mode());
            leave_verdict(VERDICT, &decision);
            let server_name = inside.server_name();
            let draft = Draft::begin(&case, &decision, None, || Wire {
                protocol: if server_name.is_some() { "tls" } else { "tcp" },
                server_name: server_name
                    .filter(|name| !name.is_empty())
                    .map(|name| printable(name, MOST_NAME).0),
                client: client(),
                parent: past.draft.as_ref().map(|draft| draft.uid().into()),
                ..Wire::default()
            });
            if let Some(draft) = draft {
                draft.end(Course::decided_only());
            }
            case.refusal(&decision)
        };
        let Some(refusal) = refusal else { return Flow::Continue };
        refuse(&refusal);
        Flow::Pause
    }

    /// A client that begins a ClientHello and does not end it is not waited for
    /// without end: it has said no name.
    pub(super) fn give_up_waiting_inside(&self) {
        let waits = match &*self.state.borrow() {
            State::Decided(decided) => match decided.inside {
                Inside::Held { since } => vm().now().saturating_sub(since) >= MOST_WAITING,
                Inside::Unseen | Inside::Expected | Inside::Seen(_) => false,
            },
            State::Fresh | State::Held { .. } | State::Over => false,
        };
        if !waits {
            return;
        }
        let resumed = dispatch::with(self.id, || match self.decide_inside(Some(Vec::new())) {
            Flow::Continue => proxy::resume_request(),
            Flow::Pause => Ok(()),
        });
        if let Err(status) = resumed {
            log::error!("the first bytes of a tunnel stay held: {status}");
        }
    }
}
