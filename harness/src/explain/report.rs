//! An explanation as JSON: one decision of a replay, and its reasons.

use std::borrow::Cow;

use serde::Serialize;
use sluice_policy::{Canonical, DecisionRecord, Explanation, Match};

use crate::recording::Sighting;
use crate::replay::ReplayedDecision;

/// Where the decision comes from, in the place of a recording's name.
const SOURCE: &str = "explain";

/// The document of `sluice explain --format json`, and what the API answers.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    /// The decision.
    #[serde(flatten)]
    pub decision: ReplayedDecision,
    /// What became of the target.
    pub canonical: Canonical,
    /// Every rule that matched, the strongest first.
    pub matches: Vec<Match<'p>>,
}

impl<'p> Report<'p> {
    /// An explanation of what was seen.
    pub fn new(explanation: Explanation<'p>, sighting: &Sighting) -> Self {
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
