//! An explanation as JSON: one decision of a replay, and its reasons.

use std::borrow::Cow;

use serde::Serialize;
use sluice_harness::recording::Sighting;
use sluice_harness::replay::ReplayedDecision;
use sluice_policy::{Canonical, DecisionRecord, Explanation, Match};

/// Where the decision comes from, in the place of a recording's name.
const SOURCE: &str = "explain";

/// The document of `sluice explain --format json`.
#[derive(Debug, Serialize)]
pub(super) struct Report<'p> {
    #[serde(flatten)]
    decision: ReplayedDecision,
    canonical: Canonical,
    matches: Vec<Match<'p>>,
}

impl<'p> Report<'p> {
    pub(super) fn new(explanation: Explanation<'p>, sighting: &Sighting) -> Self {
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let Explanation {
            decision,
            canonical,
            matches,
        } = explanation;
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
        } = decision.into_owned();
        Self {
            decision: ReplayedDecision {
                source: SOURCE.to_owned(),
                host: own(host),
                port,
                method: own(sighting.method()),
                path: own(sighting.path()),
                sni: own(sighting.sni()),
                action,
                would_reject,
                rule_id: own(rule_id),
                rejected_by: own(rejected_by),
                nearest,
                raw: own(raw),
                count: 1,
            },
            canonical,
            matches,
        }
    }
}
