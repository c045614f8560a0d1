//! Counters of decisions, by what was done and in which mode.

use sluice_policy::{Action, Mode};

/// The name of the counter for an action in a mode.
///
/// Proxy-wasm metrics have no labels, so they are parts of the name that
/// Envoy's `stats_tags` take out again, with the regular expressions
/// `(_action_=_(.+?)_;)` and `(_mode_=_(.+?)_;)`:
/// `sluice_decisions_total{action="reject",mode="enforce"}`.
#[must_use]
pub fn decisions_counter(action: Action, mode: Mode) -> String {
    format!("sluice_decisions_action_=_{action}_;_mode_=_{mode}_;_total")
}

/// The counters of a VM, by action and mode.
#[cfg(target_arch = "wasm32")]
pub(crate) struct Decisions(Vec<(Action, Mode, u32)>);

#[cfg(target_arch = "wasm32")]
impl Decisions {
    /// Defines the counters. One that the proxy refuses is told of and not
    /// counted: a missing metric is no reason to leave traffic undecided.
    pub(crate) fn define() -> Self {
        let mut counters = Vec::new();
        for &action in Action::ALL {
            for &mode in Mode::ALL {
                let name = decisions_counter(action, mode);
                match crate::host::shared::define_counter(&name) {
                    Ok(id) => counters.push((action, mode, id)),
                    Err(status) => log::error!("counter {name} cannot be defined: {status}"),
                }
            }
        }
        Self(counters)
    }

    /// Counts one decision.
    pub(crate) fn count(&self, action: Action, mode: Mode) {
        let counter = self.0.iter().find(|(a, m, _)| (*a, *m) == (action, mode));
        if let Some(&(_, _, id)) = counter
            && let Err(status) = crate::host::shared::add(id, 1)
        {
            log::error!("a decision was not counted: {status}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_labels() {
        assert_eq!(
            decisions_counter(Action::Reject, Mode::AuditOnly),
            "sluice_decisions_action_=_reject_;_mode_=_audit_only_;_total"
        );
    }
}
