//! `sluice.http`: decides every request on `:authority`.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action as Flow;
use sluice_policy::{Action, Decision, Seen};

use crate::config::Plan;
use crate::host::{self, Status};
use crate::refusal::Refusal;
use crate::root::{self, Serving};

/// The filter state with the verdict of an HTTP request; a network filter of
/// the same connection has its own, because both write into one place.
const VERDICT: &str = "sluice_http_verdict";

/// One HTTP stream.
pub(crate) struct Http {
    serving: Option<Rc<Serving>>,
}

impl Http {
    pub(crate) fn new(serving: Option<Rc<Serving>>) -> Self {
        Self { serving }
    }

    fn carry_out(&self, serving: &Serving, plan: &Plan, decision: &Decision<'_, '_>) -> Flow {
        serving.decisions.count(decision.action(), decision.mode());
        leave_verdict(VERDICT, decision);
        if decision.action() != Action::Reject {
            return Flow::Continue;
        }
        if let Some(refusal) = Refusal::of(decision, plan.resource.as_ref()) {
            refuse(&refusal);
        }
        // Nothing passes a rejection, even if the answer could not be sent.
        Flow::Pause
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Flow {
        let Some(serving) = self.serving.clone() else {
            log::error!("a request reached a plugin without a configuration");
            refuse(&Refusal::unconfigured());
            return Flow::Pause;
        };
        let plan = serving.plan();
        let authority = header(":authority");
        let method = header(":method");
        let path = host::request_header(":path").ok();
        let seen = Seen::Request {
            authority: &authority,
            method: &method,
            path: path.as_deref(),
        };
        let decision = plan.policy.decide(&seen, &plan.surroundings, root::now(&plan));
        self.carry_out(&serving, &plan, &decision)
    }
}

/// A header that a request must have. Without it there is nothing to decide
/// on, and an empty value is decided as that: not a target.
fn header(name: &str) -> Vec<u8> {
    host::request_header(name).unwrap_or_else(|status| {
        if status != Status::NOT_FOUND {
            log::error!("{name} cannot be read: {status}");
        }
        Vec::new()
    })
}

fn refuse(refusal: &Refusal) {
    let headers = [
        ("content-type", "application/json"),
        ("x-sluice-rejected-by", refusal.rejected_by.as_str()),
    ];
    if let Err(status) = host::send_local_response(refusal.status, &refusal.details, &headers, &refusal.body) {
        log::error!("a refusal could not be sent, the request stays held: {status}");
    }
}

/// Puts the decision where Envoy's access log can print it.
pub(crate) fn leave_verdict(key: &str, decision: &Decision<'_, '_>) {
    let written = serde_json::to_vec(&decision.record())
        .map_err(|error| error.to_string())
        .and_then(|json| host::set_property(key, &json).map_err(|status| status.to_string()));
    if let Err(why) = written {
        log::error!("{key} could not be written: {why}");
    }
}
