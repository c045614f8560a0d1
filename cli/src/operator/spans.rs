//! Spans of time as people type them: `30s`, `15m`, `2h`, `7d`.

use std::time::Duration;

use sluice_collector::moment::{Moment, span};

/// A span, and how it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    text: String,
    micros: i64,
}

/// A text that is no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a span such as 30s, 15m, 2h or 7d")]
pub(super) struct InvalidSpan;

/// A text that is neither a time nor a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 time with zone, such as 2027-01-01T00:00:00Z, or how long ago: 30s, 15m, 24h, 7d")]
pub(super) struct InvalidSince;

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 time with zone, such as 2027-01-01T00:00:00Z")]
pub(super) struct InvalidTime;

impl Span {
    /// For clap.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSpan> {
        match span(text) {
            Some(micros) if micros > 0 => Ok(Self {
                text: text.to_owned(),
                micros,
            }),
            _ => Err(InvalidSpan),
        }
    }

    /// As the API takes it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// For waiting.
    pub(super) fn duration(&self) -> Duration {
        Duration::from_micros(self.micros.unsigned_abs())
    }

    /// Its end, if it begins now.
    pub(super) fn ends_at(&self) -> Moment {
        Moment(Moment::now().0.saturating_add(self.micros))
    }
}

/// For clap: what `since` and `until` of the API take.
pub(super) fn parse_since(text: &str) -> Result<String, InvalidSince> {
    match Moment::parse_since("since", text, Moment(0)) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(InvalidSince),
    }
}

/// The moment that such a text means now.
pub(super) fn moment_since(text: &str) -> Option<Moment> {
    Moment::parse_since("since", text, Moment::now()).ok()
}

/// For clap: a time.
pub(super) fn parse_time(text: &str) -> Result<Moment, InvalidTime> {
    Moment::parse("time", text).map_err(|_| InvalidTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_positive_and_have_a_unit() {
        let two_hours = Span::parse("2h").unwrap();
        assert_eq!(
            (two_hours.as_str(), two_hours.duration()),
            ("2h", Duration::from_secs(7_200))
        );
        for text in ["", "0s", "-1h", "2", "2w", "h", "99999999999999999d"] {
            assert_eq!(Span::parse(text), Err(InvalidSpan), "{text}");
        }
        for text in ["7d", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00+01:00"] {
            assert_eq!(parse_since(text).unwrap(), text);
        }
        for text in ["yesterday", "2027-01-01", ""] {
            assert_eq!(parse_since(text), Err(InvalidSince), "{text}");
            assert_eq!(parse_time(text), Err(InvalidTime), "{text}");
        }
    }
}
