//! A point in time, always handed in: this crate has no clock of its own.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time with a zone, such as 2027-01-01T00:00:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The clock could not be read. Doubt never widens: to a decision at this
    /// time every allow rule that expires has expired, and no deny rule has.
    pub const UNKNOWN: Self = Self(i64::MAX);

    /// The time `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time. The zone is part of the grammar (RFC 3339
    /// §5.6), so a time without one is refused rather than guessed.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] for any other text.
    pub fn parse_rfc3339(text: &str) -> Result<Self, InvalidTimestamp> {
        // The parser takes any byte between date and time.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(InvalidTimestamp);
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let nanos = parsed.unix_timestamp_nanos();
        i64::try_from(nanos.div_euclid(1_000))
            .map(Self)
            .map_err(|_| InvalidTimestamp)
    }
}

/// RFC 3339 in UTC with microseconds: `2027-01-01T00:00:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0).saturating_mul(1_000);
        match OffsetDateTime::from_unix_timestamp_nanos(nanos) {
            Ok(at) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                at.year(),
                u8::from(at.month()),
                at.day(),
                at.hour(),
                at.minute(),
                at.second(),
                at.microsecond()
            ),
            // Outside years ±9999, which RFC 3339 cannot write.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn zones_are_brought_to_utc_and_required() {
        let utc = Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap();
        let offset = Timestamp::parse_rfc3339("2027-01-01T02:00:00+02:00").unwrap();
        assert_eq!(utc, offset);
        assert_eq!(utc.to_string(), "2027-01-01T00:00:00.000000Z");
        for bad in [
            "2027-01-01T00:00:00",
            "2027-01-01",
            "tomorrow",
            "",
            "2027-13-01T00:00:00Z",
            "2027-01-01x00:00:00Z",
            "2027-01-01 00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), Err(InvalidTimestamp), "{bad}");
        }
    }

    #[test]
    fn the_extremes_of_the_type_print() {
        assert!(Timestamp::from_micros(i64::MAX).to_string().ends_with("us"));
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
    }
}
