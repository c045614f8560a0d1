//! `sluice.tcp`: decides every connection on its server name.

use std::rc::Rc;

use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::Action as Flow;
use sluice_policy::{Action, Seen};

use crate::host::{self, Status};
use crate::http::leave_verdict;
use crate::root::{self, Serving};

/// The filter state with the verdict of a connection.
const VERDICT: &str = "sluice_tcp_verdict";

/// The server name that `tls_inspector` read; lower-cased, with its trailing
/// dot, empty if there is none. Segments joined by NUL.
const SERVER_NAME: &str = "connection\0requested_server_name";

/// One connection.
pub(crate) struct Tcp {
    serving: Option<Rc<Serving>>,
}

impl Tcp {
    pub(crate) fn new(serving: Option<Rc<Serving>>) -> Self {
        Self { serving }
    }
}

impl Context for Tcp {}

impl StreamContext for Tcp {
    fn on_new_connection(&mut self) -> Flow {
        let Some(serving) = self.serving.clone() else {
            log::error!("a connection reached a plugin without a configuration");
            return close();
        };
        let plan = serving.plan();
        let server_name = host::property(SERVER_NAME).unwrap_or_else(|status| {
            if status != Status::NOT_FOUND {
                log::error!("the server name cannot be read: {status}");
            }
            Vec::new()
        });
        let seen = Seen::Connection {
            server_name: &server_name,
            port: plan.surroundings.default_port,
        };
        let decision = plan.policy.decide(&seen, &plan.surroundings, root::now(&plan));
        serving.decisions.count(decision.action(), decision.mode());
        leave_verdict(VERDICT, &decision);
        match decision.action() {
            Action::Reject => close(),
            Action::Allow | Action::Warn => Flow::Continue,
        }
    }
}

/// Closes the connection before anything is dialled. Pausing alone would hang
/// the client and leak the connection (seen in Envoy 1.40), so it is only what keeps
/// traffic from passing where closing fails.
fn close() -> Flow {
    match host::close_downstream() {
        Ok(()) => Flow::Continue,
        Err(status) => {
            log::error!("a rejected connection could not be closed, it stays held: {status}");
            Flow::Pause
        }
    }
}
