//! Expectations of a replay, for CI: which decisions there must be.
//!
//! ```json
//! {"expect": [{"host": "api.github.com", "action": "allow", "rule_id": "gh"},
//!             {"method": "DELETE", "would_reject": true, "count": 2}]}
//! ```
//!
//! `source host port method path sni` select, compared exactly with what a
//! replay prints; `action would_reject rule_id rejected_by` must hold for every
//! decision selected; `count` is how many there must be. `null` means null.

use std::fmt;

use serde::{Deserialize, Deserializer};
use sluice_policy::Action;

use crate::replay::{Replay, ReplayedDecision};

/// Decisions shown for one unmet expectation.
const SHOWN: usize = 5;

/// A list of expectations.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    expect: Vec<Expectation>,
}

/// Why expectations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExpectError {
    /// Not JSON, or not of this shape.
    #[error("not a list of expectations: {0}; expected {{\"expect\": [{{\"host\": …, \"action\": …}}]}}")]
    Json(#[from] serde_json::Error),
    /// An empty list, which every replay would meet.
    #[error("\"expect\" is empty, so it expects nothing; expected at least one expectation")]
    Empty,
    /// An expectation that every selected decision would meet.
    #[error(
        "expectation {index} says nothing about its decisions; expected at least one of action, would_reject, rule_id, rejected_by, count"
    )]
    SaysNothing {
        /// Its place, from 0.
        index: usize,
    },
}

/// Which decisions, and what must be true of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    source: Option<String>,
    #[serde(default, deserialize_with = "given")]
    host: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    port: Option<Option<u16>>,
    #[serde(default, deserialize_with = "given")]
    method: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    path: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    sni: Option<Option<String>>,
    action: Option<Action>,
    would_reject: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    rule_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    rejected_by: Option<Option<String>>,
    count: Option<u64>,
}

/// `null` is a value here, and not the same as leaving the member out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// An expectation that a replay did not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Its place in the list, from 0.
    pub index: usize,
    /// How it was not met.
    pub why: Shortfall,
}

/// How an expectation was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// It selects no decision.
    NothingSelected,
    /// It does not hold for decisions it selects.
    Differs {
        /// The first of them.
        seen: Vec<ReplayedDecision>,
        /// How many entries there are.
        entries: usize,
    },
    /// It selects another number of decisions.
    Count {
        /// How many were expected.
        expected: u64,
        /// How many there are.
        seen: u64,
    },
}

impl Expectations {
    /// Reads expectations.
    ///
    /// # Errors
    /// [`ExpectError`] for what is not of the documented shape, and for what
    /// every replay would meet.
    pub fn from_json(json: &[u8]) -> Result<Self, ExpectError> {
        let read: Self = serde_json::from_slice(json)?;
        if read.expect.is_empty() {
            return Err(ExpectError::Empty);
        }
        match read.expect.iter().position(Expectation::says_nothing) {
            Some(index) => Err(ExpectError::SaysNothing { index }),
            None => Ok(read),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expect.len()
    }

    /// Never: an empty list is not read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expect.is_empty()
    }

    /// Those that `replay` does not meet.
    #[must_use]
    pub fn unmet_by(&self, replay: &Replay) -> Vec<Unmet> {
        let shortfalls = self
            .expect
            .iter()
            .map(|expectation| expectation.unmet_by(&replay.decisions));
        shortfalls
            .enumerate()
            .flat_map(|(index, shortfalls)| shortfalls.into_iter().map(move |why| Unmet { index, why }))
            .collect()
    }
}

impl Expectation {
    fn says_nothing(&self) -> bool {
        self.action.is_none()
            && self.would_reject.is_none()
            && self.rule_id.is_none()
            && self.rejected_by.is_none()
            && self.count.is_none()
    }

    fn selects(&self, decision: &ReplayedDecision) -> bool {
        as_given(&self.source, &decision.source)
            && as_given(&self.host, &decision.host)
            && as_given(&self.port, &decision.port)
            && as_given(&self.method, &decision.method)
            && as_given(&self.path, &decision.path)
            && as_given(&self.sni, &decision.sni)
    }

    fn holds_for(&self, decision: &ReplayedDecision) -> bool {
        as_given(&self.action, &decision.action)
            && as_given(&self.would_reject, &decision.would_reject)
            && as_given(&self.rule_id, &decision.rule_id)
            && as_given(&self.rejected_by, &decision.rejected_by)
    }

    fn unmet_by(&self, decisions: &[ReplayedDecision]) -> Vec<Shortfall> {
        let selected = || decisions.iter().filter(|decision| self.selects(decision));
        let count = selected().fold(0_u64, |sum, decision| sum.saturating_add(decision.count));
        // `"count": 0` is the one way to expect that there is none.
        if selected().next().is_none() && self.count != Some(0) {
            return vec![Shortfall::NothingSelected];
        }
        let mut shortfalls = Vec::new();
        let differing = || selected().filter(|decision| !self.holds_for(decision));
        let entries = differing().count();
        if entries > 0 {
            let seen = differing().take(SHOWN).cloned().collect();
            shortfalls.push(Shortfall::Differs { seen, entries });
        }
        if let Some(expected) = self.count.filter(|expected| *expected != count) {
            let seen = count;
            shortfalls.push(Shortfall::Count { expected, seen });
        }
        shortfalls
    }
}

fn as_given<T: PartialEq>(given: &Option<T>, seen: &T) -> bool {
    given.as_ref().is_none_or(|given| given == seen)
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expectation {}: ", self.index)?;
        match &self.why {
            Shortfall::NothingSelected => f.write_str("no decision is selected by it"),
            Shortfall::Count { expected, seen } => {
                write!(f, "expected {expected} decisions, saw {seen}")
            }
            Shortfall::Differs { seen, entries } => {
                write!(f, "does not hold for {entries} entries; saw")?;
                for decision in seen {
                    write!(f, "\n  {}: ", decision.source)?;
                    saw(f, decision)?;
                }
                match entries.saturating_sub(seen.len()) {
                    0 => Ok(()),
                    more => write!(f, "\n  and {more} more"),
                }
            }
        }
    }
}

fn saw(f: &mut fmt::Formatter<'_>, decision: &ReplayedDecision) -> fmt::Result {
    match (&decision.host, decision.port) {
        (Some(host), Some(port)) if host.contains(':') => write!(f, "[{host}]:{port} ")?,
        (Some(host), Some(port)) => write!(f, "{host}:{port} ")?,
        _ => write!(f, "{:?} ", decision.raw.as_deref().unwrap_or_default())?,
    }
    write!(f, "{}", decision.action)?;
    if decision.would_reject && decision.action != Action::Reject {
        f.write_str(", would reject")?;
    }
    if let Some(rule) = &decision.rule_id {
        write!(f, ", rule {rule}")?;
    }
    if let Some(by) = &decision.rejected_by {
        write!(f, ", rejected by {by}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
