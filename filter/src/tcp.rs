//! `sluice.tcp`: decides every connection, on its server name and on where it goes.

mod sight;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use sluice_policy::{Action, Host, Target};

use self::sight::{Look, Sight};
use crate::address;
use crate::dispatch;
use crate::events::{Course, Outcome, Wire, printable};
use crate::host::Flow;
use crate::host::stream::{self as proxy, Side};
use crate::http::refuse;
use crate::refusal::Resource;
use crate::root::Serving;
use crate::stream::{Case, Draft, Past, client, leave_verdict};

/// The filter state with the verdict of a connection.
const VERDICT: &str = "sluice_tcp_verdict";

/// The filter state with what was decided on, `host:port`, for what is to dial
/// it: the text of the client's server name is nothing to build a request from.
const TARGET: &str = "sluice_tcp_target";

/// The filter state with the address that was about to be dialled last.
const ADDRESS: &str = "sluice_tcp_address";

/// The longest server name in an event, in bytes.
const MOST_NAME: usize = 255;

/// One connection.
pub(crate) struct Tcp {
    id: u32,
    serving: Option<Rc<Serving>>,
    decided: RefCell<Option<Decided>>,
}

struct Decided {
    sight: Sight,
    who: Option<Rc<Resource>>,
    past: Past,
}

impl Tcp {
    pub(crate) fn new(id: u32, serving: Option<Rc<Serving>>) -> Self {
        Self {
            id,
            serving,
            decided: RefCell::default(),
        }
    }

    /// A connection has come.
    pub(crate) fn connection(&self) -> Flow {
        let Some(serving) = &self.serving else {
            log::error!("a connection reached a plugin without a configuration");
            return close();
        };
        let ruling = serving.ruling();
        let sight = match Look::at(&ruling.plan) {
            Look::Decide(sight) => sight,
            Look::Leave => return Flow::Continue,
        };
        let who = ruling.plan.identity.resolve(|path| proxy::property(path).ok());
        // A connection cannot be held: paused it would hang, and leak once the
        // client has gone (seen in Envoy 1.40). So it counts as having waited.
        let Some(case) = Case::find(serving, &ruling, who.clone(), true) else {
            return close();
        };
        let decision = case.decide(&sight.seen(), sight.destination());
        serving.decisions.count(decision.action(), decision.mode());
        leave_verdict(VERDICT, &decision);
        let draft = Draft::begin(&case, &decision, sight.destination(), || {
            let server_name = sight.server_name().map(|name| printable(name, MOST_NAME).0);
            Wire {
                protocol: if server_name.is_some() { "tls" } else { "tcp" },
                server_name,
                ..Wire::default()
            }
        });
        let past = Past::new(&case, &decision, draft);
        let action = past.action;
        if action != Action::Reject && address::expect(self.id) {
            leave_target(decision.target());
        }
        *self.decided.borrow_mut() = Some(Decided { sight, who, past });
        match action {
            Action::Reject => close(),
            Action::Allow | Action::Warn => Flow::Continue,
        }
    }

    /// Whether it may go to this address, which its name was resolved to.
    pub(crate) fn resolved(&self, address: SocketAddr) -> Flow {
        let refusal = {
            let mut decided = self.decided.borrow_mut();
            let (Some(Decided { sight, who, past }), Some(serving)) = (decided.as_mut(), &self.serving) else {
                return Flow::Pause;
            };
            let Some(case) = Case::find(serving, &serving.ruling(), who.clone(), true) else {
                return Flow::Pause;
            };
            let decision = past.turns_out(&case, &sight.seen(), sight.destination(), address.ip());
            let told = dispatch::with(self.id, || {
                if let Some(decision) = &decision {
                    leave_verdict(VERDICT, decision);
                }
                proxy::set_property(ADDRESS, address.to_string().as_bytes())
            });
            if let Err(status) = told {
                log::error!("{ADDRESS} could not be written: {status}");
            }
            decision.and_then(|decision| case.refusal(&decision))
        };
        let Some(refusal) = refusal else { return Flow::Continue };
        refuse(&refusal);
        Flow::Pause
    }

    /// Something may have changed for this connection.
    pub(crate) fn settle(&self, changed: bool, second: bool) {
        if let Some(decided) = &mut *self.decided.borrow_mut()
            && second
            && let Some(draft) = &mut decided.past.draft
        {
            draft.tell_if_open_long();
        }
        if (changed || second) && self.is_rejected_now() {
            log::info!("a newer policy rejects an open connection, which is closed");
            if let Err(status) = dispatch::with(self.id, || proxy::close(Side::Downstream)) {
                log::error!("an open connection that a newer policy rejects could not be closed: {status}");
            }
        }
    }

    fn is_rejected_now(&self) -> bool {
        let Some(serving) = &self.serving else { return false };
        let mut decided = self.decided.borrow_mut();
        let Some(decided) = decided.as_mut() else { return false };
        if !decided.past.passes() {
            return false;
        }
        let ruling = serving.ruling();
        // What has no policy yet stays open until it has one.
        let Some(case) = Case::find(serving, &ruling, decided.who.clone(), false) else {
            return false;
        };
        let Decided { sight, past, .. } = decided;
        past.is_rejected_by(&case, &sight.seen(), sight.destination())
    }

    /// The connection has ended.
    pub(crate) fn log(&self) {
        let Some(Decided { past, .. }) = self.decided.take() else {
            return;
        };
        let Past { action, closed, .. } = past;
        let Some(mut draft) = past.draft else { return };
        draft.set_client(client);
        let flags = proxy::number("response\0flags").unwrap_or(0);
        let outcome = match action {
            _ if closed => Outcome::PolicyChanged,
            Action::Reject => Outcome::Ok,
            _ if flags & UPSTREAM_FAILED != 0 => Outcome::Error,
            _ => Outcome::Ok,
        };
        let course = Course {
            outcome,
            status: 0,
            request_bytes: proxy::number("request\0total_size").unwrap_or(0),
            response_bytes: proxy::number("response\0total_size").unwrap_or(0),
            duration_us: draft.duration_us(),
            details: None,
        };
        draft.end(course);
    }
}

fn leave_target(target: Option<&Target<'_>>) {
    let text = match target {
        None => return,
        Some(Target {
            host: Host::Name(name),
            port,
            ..
        }) => format!("{name}:{port}"),
        Some(Target {
            host: Host::Ip(ip),
            port,
            ..
        }) => SocketAddr::new(*ip, *port).to_string(),
    };
    if let Err(status) = proxy::set_property(TARGET, text.as_bytes()) {
        log::error!("{TARGET} could not be written: {status}");
    }
}

/// Of Envoy's response flags: no healthy upstream, upstream connection failure,
/// no route, no cluster and DNS failure (`envoy/stream_info/stream_info.h`).
const UPSTREAM_FAILED: u64 = 1 << 1 | 1 << 5 | 1 << 8 | 1 << 25 | 1 << 27;

/// Closes the connection before anything is dialled. Pausing alone would hang
/// the client and leak the connection (seen in Envoy 1.40), so it is only what keeps
/// traffic from passing where closing fails.
pub(crate) fn close() -> Flow {
    match proxy::close(Side::Downstream) {
        Ok(()) => Flow::Continue,
        Err(status) => {
            log::error!("a rejected connection could not be closed, it stays held: {status}");
            Flow::Pause
        }
    }
}
