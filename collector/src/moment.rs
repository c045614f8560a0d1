//! Times: microseconds since the Unix epoch inside, RFC 3339 with `Z` outside.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sluice_policy::Timestamp;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::error::Error;

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;

/// A point in time: microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

/// Always six digits, so that times of one second sort as texts too.
const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

impl Moment {
    /// The time on this machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self(since.unwrap_or_default().as_micros().try_into().unwrap_or(i64::MAX))
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// What is wrong, as [`Error::Validation`] about `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Error> {
        Timestamp::parse_rfc3339(text)
            .map(|timestamp| Self(timestamp.micros()))
            .map_err(|_| Error::field(field, text, "an RFC 3339 time with zone, such as 2027-01-01T00:00:00Z"))
    }

    /// Reads RFC 3339, or how long ago: `7d`, `24h`, `15m`, `30s`.
    ///
    /// # Errors
    /// As [`Moment::parse`] does.
    pub fn parse_since(field: &str, text: &str, now: Self) -> Result<Self, Error> {
        match span(text) {
            Some(span) => Ok(Self(now.0.saturating_sub(span))),
            None => Self::parse(field, text)
                .map_err(|_| Error::field(field, text, "an RFC 3339 time, or how long ago: 7d, 24h, 15m, 30s")),
        }
    }

    /// The day it is on: days since the epoch, UTC.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// For deciding.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_micros(self.0)
    }
}

/// A span of time such as `2h`, in microseconds.
#[must_use]
pub fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(seconds * SECOND)
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000);
        // Years that RFC 3339 cannot write are those of a broken clock.
        let text = time
            .ok()
            .filter(|time| (0..=9999).contains(&time.year()))
            .and_then(|time| time.format(FORMAT).ok());
        f.write_str(text.as_deref().unwrap_or("9999-12-31T23:59:59.999999Z"))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse("time", &text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_six_digits() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Moment(1_764_000_000_000_001).to_string(), "2025-11-24T16:00:00.000001Z");
        assert_eq!(Moment(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(
            Moment::parse("t", "2025-11-24T16:00:00.000001Z").unwrap(),
            Moment(1_764_000_000_000_001)
        );
    }

    #[test]
    fn since_is_a_time_or_a_span() {
        let now = Moment(10 * DAY);
        for (text, expected) in [
            ("7d", 3 * DAY),
            ("24h", 9 * DAY),
            ("0s", 10 * DAY),
            ("1970-01-02T00:00:00Z", DAY),
        ] {
            assert_eq!(
                Moment::parse_since("since", text, now).unwrap(),
                Moment(expected),
                "{text}"
            );
        }
        for text in ["", "d", "-1d", "7w", "1.5h", "yesterday", "é"] {
            assert!(Moment::parse_since("since", text, now).is_err(), "{text}");
        }
    }
}
