//! How a request went, in the words of events.

use sluice_policy::Action;

use crate::events::{Course, Outcome};
use crate::host::stream as proxy;

/// Whether the details are those of a guard that the shipped configurations
/// put behind the filter, where addresses are known.
pub(super) fn is_our_guard(details: &str) -> bool {
    details.starts_with("rbac_access_denied_matched_policy[sluice_private_address")
}

/// How the request went, as the proxy tells.
pub(super) fn course(action: Action, tunnel: bool, closed: bool, duration_us: u64) -> Course {
    let status = proxy::number("response\0code");
    // Open, it has no other end than that one side closes it.
    let opened = status == Some(101) || tunnel && matches!(status, Some(200..=299));
    let details = proxy::property("response\0code_details").unwrap_or_default();
    let details = String::from_utf8_lossy(&details);
    let ours = details.starts_with("sluice_");
    let outcome = match (&*details, status) {
        _ if closed => Outcome::PolicyChanged,
        _ if ours || action == Action::Reject => Outcome::Ok,
        ("via_upstream" | "direct_response" | "", Some(_)) => Outcome::Ok,
        (details, _) if details.starts_with("downstream_") => {
            if opened {
                Outcome::Ok
            } else {
                Outcome::ClientCancel
            }
        }
        // The client was gone before there was an answer.
        (_, None | Some(0)) => Outcome::ClientCancel,
        _ => Outcome::Error,
    };
    let told = !ours && !matches!(&*details, "" | "via_upstream");
    Course {
        outcome,
        status: status.and_then(|status| u16::try_from(status).ok()).unwrap_or(0),
        request_bytes: proxy::number("request\0total_size").unwrap_or(0),
        response_bytes: proxy::number("response\0total_size").unwrap_or(0),
        duration_us,
        details: told.then(|| details.into()),
    }
}
