//! Which numbers of an instance have come: each record counts once, in whatever
//! order, and what is missing for long is a gap.
//!
//! Three kinds of numbers: up to the watermark all have come or were reported
//! missing; of those reported, the ranges are kept, because they may still come;
//! beyond the watermark are ranges that came with holes below them. Everything is
//! bounded: with too many holes the lowest is reported early, and of too many
//! that were reported the lowest are forgotten, and stay missing.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::moment::{Moment, SECOND};

/// How long a number is waited for.
pub(crate) const PATIENCE: i64 = 5 * 60 * SECOND;
/// How many holes are waited for, and how many reported ones are remembered.
const RANGES: usize = 256;

/// Numbers that came, from and to, and since when (in microseconds) those just below are missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Came(i64, i64, i64);

/// The numbers of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    watermark: i64,
    beyond: Vec<Came>,
    reported: Vec<(i64, i64)>,
    gaps: i64,
}

impl Numbers {
    /// As the row of an instance has them.
    pub(crate) fn load(watermark: i64, beyond: &str, reported: &str, gaps: i64) -> Result<Self, Error> {
        let broken = |error: serde_json::Error| Error::Internal(format!("the numbers of an instance: {error}"));
        Ok(Self {
            watermark,
            beyond: serde_json::from_str(beyond).map_err(broken)?,
            reported: serde_json::from_str(reported).map_err(broken)?,
            gaps,
        })
    }

    /// Every number up to here has come, or was reported missing.
    pub(crate) fn watermark(&self) -> i64 {
        self.watermark
    }

    /// How many numbers were reported missing and have not come since.
    pub(crate) fn gaps(&self) -> i64 {
        self.gaps
    }

    /// How many are missing that are still waited for.
    pub(crate) fn missing(&self) -> i64 {
        let mut below = self.watermark;
        let mut missing = 0_i64;
        for Came(from, to, _) in &self.beyond {
            missing = missing.saturating_add(from - below - 1);
            below = *to;
        }
        missing
    }

    /// When the lowest of those was first missed.
    pub(crate) fn missing_since(&self) -> Option<Moment> {
        self.beyond.first().map(|Came(_, _, since)| Moment(*since))
    }

    /// For the row.
    pub(crate) fn beyond(&self) -> String {
        serde_json::to_string(&self.beyond).unwrap_or_else(|_| "[]".to_owned())
    }

    /// For the row.
    pub(crate) fn reported(&self) -> String {
        serde_json::to_string(&self.reported).unwrap_or_else(|_| "[]".to_owned())
    }

    /// A number (from 1 on) has come; whether for the first time.
    pub(crate) fn arrive(&mut self, seq: i64, now: Moment) -> bool {
        if seq <= self.watermark {
            return self.arrive_late(seq);
        }
        if seq - 1 == self.watermark {
            self.watermark = seq;
            self.catch_up();
            return true;
        }
        // The first range that ends at or above it.
        let at = self.beyond.partition_point(|Came(_, to, _)| *to < seq);
        let next = self.beyond.get(at).copied();
        if next.is_some_and(|Came(from, _, _)| from <= seq) {
            return false;
        }
        let joins_next = next.is_some_and(|Came(from, _, _)| from - 1 == seq);
        let joins_last = at > 0 && self.beyond[at - 1].1 == seq - 1;
        match (joins_last, joins_next) {
            (true, true) => self.beyond[at - 1].1 = self.beyond.remove(at).1,
            (true, false) => self.beyond[at - 1].1 = seq,
            (false, true) => self.beyond[at].0 = seq,
            // What was a hole before it came is two now, of the same age.
            (false, false) => {
                let since = next.map_or(now.0, |Came(_, _, since)| since);
                self.beyond.insert(at, Came(seq, seq, since));
            }
        }
        while self.beyond.len() > RANGES {
            self.report_lowest();
        }
        true
    }

    fn arrive_late(&mut self, seq: i64) -> bool {
        let at = self.reported.partition_point(|(_, to)| *to < seq);
        let Some((from, to)) = self.reported.get(at).copied().filter(|(from, _)| *from <= seq) else {
            return false;
        };
        let rest = [(from, seq - 1), (seq + 1, to)];
        let rest = rest.into_iter().filter(|(from, to)| from <= to);
        self.reported.splice(at..=at, rest);
        self.forget();
        self.gaps -= 1;
        true
    }

    fn catch_up(&mut self) {
        if let Some(Came(from, to, _)) = self.beyond.first().copied()
            && from - 1 == self.watermark
        {
            self.watermark = to;
            self.beyond.remove(0);
        }
    }

    fn report_lowest(&mut self) {
        let Came(from, to, _) = self.beyond.remove(0);
        self.gaps = self.gaps.saturating_add(from - self.watermark - 1);
        self.reported.push((self.watermark + 1, from - 1));
        self.forget();
        self.watermark = to;
    }

    fn forget(&mut self) {
        let excess = self.reported.len().saturating_sub(RANGES);
        self.reported.drain(..excess);
    }

    /// Reports what has been missing since then or earlier; how many numbers.
    pub(crate) fn age(&mut self, before: Moment) -> i64 {
        let gaps = self.gaps;
        // The lower a hole, the older it is.
        while self.missing_since().is_some_and(|since| since <= before) {
            self.report_lowest();
        }
        self.gaps - gaps
    }
}

#[cfg(test)]
mod tests;
