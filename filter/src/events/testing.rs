//! Records to test with.

use sluice_policy::{Action, Mode};

use super::record::{Audit, Course, Decided, InForce, Outcome, Wire};

/// A decision on `host` as an event.
pub(crate) fn audit(number: u64, at: u64, host: &str, action: Action) -> Audit {
    let reject = action == Action::Reject;
    Audit {
        number,
        at,
        decided: Decided {
            resource: None,
            in_force: InForce {
                mode: Some(Mode::Enforce),
                ..InForce::default()
            },
            host: Some(host.into()),
            port: Some(443),
            raw: None,
            action,
            would_reject: reject,
            rule_id: (!reject).then(|| "ok".into()),
            rule_scope: None,
            rejected_by: reject.then(|| "default_deny".into()),
            nearest: None,
        },
        wire: Wire {
            protocol: "http",
            method: Some("GET".into()),
            ..Wire::default()
        },
        course: Course {
            outcome: Outcome::Ok,
            status: if reject { 403 } else { 200 },
            request_bytes: 100,
            response_bytes: 1000,
            duration_us: 1500,
            details: None,
        },
        reported: false,
    }
}
