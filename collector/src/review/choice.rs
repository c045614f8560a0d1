//! Which suggestions become rules: what is recommended, and what somebody chose otherwise.

use std::collections::BTreeSet;

use sluice_harness::suggest::Recommendation;

use super::suggestions::Row;
use crate::error::Error;

/// What somebody chose, by `pattern` or `host`.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Allowed although there is a question.
    pub also: BTreeSet<String>,
    /// Left out, whatever is recommended.
    pub without: BTreeSet<String>,
}

impl Choice {
    /// Whether a suggestion is to become a rule.
    #[must_use]
    pub fn takes(&self, row: &Row) -> bool {
        let subject = row.suggestion.subject();
        let recommended = match row.suggestion.recommendation {
            // What a rule decides already was decided by somebody, who may have seen it otherwise.
            _ if row.listed.is_some() => false,
            Recommendation::Keep | Recommendation::Deny => true,
            Recommendation::Question => false,
        };
        (recommended || self.also.contains(subject)) && !self.without.contains(subject)
    }

    /// Whether all that was chosen is there.
    ///
    /// # Errors
    /// [`Error::Validation`] that names what is not: left out in silence it would be missed only when it is blocked.
    pub fn check(&self, rows: &[Row]) -> Result<(), Error> {
        let subjects: BTreeSet<&str> = rows.iter().map(|row| row.suggestion.subject()).collect();
        for (field, chosen) in [("also", &self.also), ("without", &self.without)] {
            if let Some(missing) = chosen.iter().find(|chosen| !subjects.contains(chosen.as_str())) {
                return Err(Error::field(
                    field,
                    missing,
                    "the pattern or host of a suggestion of this window",
                ));
            }
        }
        Ok(())
    }
}
