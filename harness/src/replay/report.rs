//! What a replay gives back: the document of `sluice replay --format json`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sluice_policy::{Action, DecisionRecord, NearestRecord};

use crate::recording::{Recorded, Sighting, Skipped};

/// A finished replay.
#[derive(Debug, Serialize)]
pub struct Replay {
    /// The sums.
    pub summary: Summary,
    /// One decision for each entry, in the order of the recording.
    pub decisions: Vec<ReplayedDecision>,
    /// The entries without one, and why. Not in the document.
    #[serde(skip)]
    pub skipped: Vec<LeftOut>,
}

/// How often what was decided: sums of `count`, except for `skipped`, which
/// counts entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Everything decided.
    pub total: u64,
    /// Action allow.
    pub allow: u64,
    /// Action warn.
    pub warn: u64,
    /// Action reject.
    pub reject: u64,
    /// Verdict reject, in every mode.
    pub would_reject: u64,
    /// Entries that were not decided.
    pub skipped: u64,
}

/// One decision, with where it came from and what the filter saw. Every member
/// is written, null where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedDecision {
    /// File and place.
    pub source: String,
    /// Canonical host; none for an invalid target.
    pub host: Option<String>,
    /// Port; none for an invalid target.
    pub port: Option<u16>,
    /// The method, where the filter saw it.
    pub method: Option<String>,
    /// The path without its query, where the filter saw it.
    pub path: Option<String>,
    /// The server name of a TLS connection.
    pub sni: Option<String>,
    /// What was done.
    pub action: Action,
    /// Whether the verdict was reject.
    pub would_reject: bool,
    /// The verdict's rule.
    pub rule_id: Option<String>,
    /// A rule id or a reason.
    pub rejected_by: Option<String>,
    /// The rule that named the host and did not match.
    pub nearest: Option<NearestRecord<'static>>,
    /// The escaped bytes of an invalid target.
    pub raw: Option<String>,
    /// How many decisions of the recording this one stands for.
    pub count: u64,
}

/// Why an entry has no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// The reader could make nothing of it.
    #[error("{0}")]
    Unreadable(Skipped),
    /// It is to be decided at the time it was recorded, which is not known.
    #[error("{source_name}: no time was recorded, so it cannot be decided as of then")]
    NoTime {
        /// Where it stands.
        source_name: String,
    },
}

impl Summary {
    pub(super) fn of(decisions: &[ReplayedDecision], skipped: usize) -> Self {
        let mut summary = Self {
            skipped: u64::try_from(skipped).unwrap_or(u64::MAX),
            ..Self::default()
        };
        for decision in decisions {
            let add = |sum: &mut u64| *sum = sum.saturating_add(decision.count);
            add(&mut summary.total);
            add(match decision.action {
                Action::Allow => &mut summary.allow,
                Action::Warn => &mut summary.warn,
                Action::Reject => &mut summary.reject,
            });
            if decision.would_reject {
                add(&mut summary.would_reject);
            }
        }
        summary
    }
}

impl ReplayedDecision {
    pub(super) fn new(recorded: &Recorded, sighting: &Sighting, record: DecisionRecord<'_>) -> Self {
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        // `mode` and `rule_scope` are the same for a whole replay of one policy.
        let DecisionRecord {
            host,
            port,
            raw,
            action,
            would_reject,
            mode: _,
            rule_id,
            rule_scope: _,
            rejected_by,
            nearest,
        } = record;
        Self {
            source: recorded.source.clone(),
            host: own(host),
            port,
            method: own(sighting.method()),
            path: own(sighting.path()),
            sni: own(sighting.sni()),
            action,
            would_reject,
            rule_id: own(rule_id),
            rejected_by: own(rejected_by),
            nearest: nearest.map(|nearest| NearestRecord {
                rule_id: Cow::Owned(nearest.rule_id.into_owned()),
                why: nearest.why,
            }),
            raw: own(raw),
            count: recorded.count,
        }
    }
}
