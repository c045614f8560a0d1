//! A decision in words: the JSON that the filter leaves in Envoy's filter
//! state, and that reports are made of.

mod json;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Rejection, Verdict};
use crate::target::escape_raw;
use crate::words::{Action, Mode, Scope, Why};

/// A decision as data. Absent members are not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord<'a> {
    /// Canonical host; absent for an invalid target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Cow<'a, str>>,
    /// Port; absent for an invalid target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The escaped bytes of an invalid target, at most 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Cow<'a, str>>,
    /// What was done.
    pub action: Action,
    /// Whether the verdict was reject.
    pub would_reject: bool,
    /// The mode in force.
    pub mode: Mode,
    /// The verdict's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<Cow<'a, str>>,
    /// Whose rule it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_scope: Option<Scope>,
    /// A rule id or a [`crate::Reason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_by: Option<Cow<'a, str>>,
    /// The rule that named the host of a `default_deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<NearestRecord<'a>>,
}

/// The rule that nearly matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestRecord<'a> {
    /// Its id.
    pub rule_id: Cow<'a, str>,
    /// What kept it from matching.
    pub why: Why,
}

impl<'p> DecisionRecord<'p> {
    pub(crate) fn of(decision: &Decision<'p, '_>) -> Self {
        let (host, port, raw) = match &decision.target {
            Ok(target) => (Some(target.host.to_string().into()), Some(target.port), None),
            Err(raw) => (None, None, Some(escape_raw(raw).into())),
        };
        let (rejected_by, nearest) = match &decision.verdict {
            Verdict::Reject(rejection) => {
                let nearest = match rejection {
                    Rejection::Default(Some(nearest)) => Some(NearestRecord {
                        rule_id: nearest.rule.id().into(),
                        why: nearest.why,
                    }),
                    _ => None,
                };
                (Some(rejection.rejected_by().into()), nearest)
            }
            _ => (None, None),
        };
        Self {
            host,
            port,
            raw,
            action: decision.action,
            would_reject: decision.would_reject(),
            mode: decision.mode,
            rule_id: decision.rule_id(),
            rule_scope: decision.rule_scope(),
            rejected_by,
            nearest,
        }
    }

    /// The same record, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> DecisionRecord<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        DecisionRecord {
            host: own(self.host),
            port: self.port,
            raw: own(self.raw),
            action: self.action,
            would_reject: self.would_reject,
            mode: self.mode,
            rule_id: own(self.rule_id),
            rule_scope: self.rule_scope,
            rejected_by: own(self.rejected_by),
            nearest: self.nearest.map(|nearest| NearestRecord {
                rule_id: Cow::Owned(nearest.rule_id.into_owned()),
                why: nearest.why,
            }),
        }
    }
}
