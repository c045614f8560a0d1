//! Arguments that several commands take, and their values.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use sluice_harness::engine::Resource;
use sluice_harness::recording;
use sluice_harness::replay::Clock;
use sluice_policy::{Blocks, InvalidPattern, InvalidTimestamp, Timestamp};

/// The recordings a command works on.
#[derive(Debug, Args)]
pub(crate) struct Recordings {
    /// Recordings: HAR, Envoy JSON access logs, Envoy taps, packet captures (pcap, pcapng) or Sluice audit rows, told
    /// apart by content; '-' is stdin
    #[arg(value_name = "RECORDING", required = true)]
    pub(crate) recordings: Vec<PathBuf>,
}

/// Where the filter stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Visibility {
    /// An explicit proxy: HTTPS is an opaque connection to host:port
    Proxy,
    /// TLS ends at the proxy: HTTPS requests are seen like plain ones
    Terminated,
}

impl From<Visibility> for recording::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Proxy => Self::Proxy,
            Visibility::Terminated => Self::Terminated,
        }
    }
}

/// A point in time as people give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// This one.
    Time(Timestamp),
    /// When the command runs.
    Now,
    /// When the traffic was recorded.
    Recorded,
}

/// A text that is no [`At`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAt {
    /// Not one of the words, and not a time.
    #[error("{0}, and not one of the words {1}")]
    Time(InvalidTimestamp, &'static str),
}

impl At {
    /// For commands that have recorded times.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidAt> {
        match text {
            "recorded" => Ok(Self::Recorded),
            _ => parse_at(text, "now, recorded").map(Self::known),
        }
    }

    fn known(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Now, Self::Time)
    }

    /// The clock of a replay.
    pub(crate) fn clock(self) -> Clock {
        match self {
            Self::Time(time) => Clock::Fixed(time),
            Self::Now => Clock::Fixed(now()),
            Self::Recorded => Clock::Recorded,
        }
    }
}

/// For commands without a recording: a time, or `now` as nothing.
pub(crate) fn parse_moment(text: &str) -> Result<Timestamp, InvalidAt> {
    parse_at(text, "now").map(|time| time.unwrap_or_else(now))
}

fn parse_at(text: &str, words: &'static str) -> Result<Option<Timestamp>, InvalidAt> {
    match text {
        "now" => Ok(None),
        time => Timestamp::parse_rfc3339(time)
            .map(Some)
            .map_err(|error| InvalidAt::Time(error, words)),
    }
}

/// The time on this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(since.as_micros().try_into().unwrap_or(i64::MAX))
}

/// Reads a block of addresses.
pub(crate) fn parse_block(text: &str) -> Result<String, InvalidPattern> {
    match Blocks::parse([text]) {
        Ok(_) => Ok(text.to_owned()),
        Err((_, why)) => Err(why),
    }
}

/// A text that is no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected TYPE/ID, such as sandbox/sb_1")]
pub(crate) struct InvalidResource;

/// Reads `TYPE/ID`.
pub(crate) fn parse_resource(text: &str) -> Result<Resource, InvalidResource> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Resource {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }),
        _ => Err(InvalidResource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_words_or_rfc_3339() {
        let time = Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap();
        assert_eq!(At::parse("2027-01-01T00:00:00Z"), Ok(At::Time(time)));
        assert_eq!(At::parse("now"), Ok(At::Now));
        assert_eq!(At::parse("recorded"), Ok(At::Recorded));
        assert_eq!(parse_moment("2027-01-01T00:00:00Z"), Ok(time));
        let error = At::parse("tomorrow").unwrap_err().to_string();
        assert!(error.contains("RFC 3339") && error.contains("now, recorded"), "{error}");
        let error = parse_moment("recorded").unwrap_err().to_string();
        assert!(error.contains("words now") && !error.contains("recorded"), "{error}");
    }

    #[test]
    fn resources_have_a_type_and_an_id() {
        let resource = parse_resource("sandbox/a/b").unwrap();
        assert_eq!((resource.kind.as_str(), resource.id.as_str()), ("sandbox", "a/b"));
        for text in ["", "sandbox", "/sb_1", "sandbox/"] {
            assert_eq!(parse_resource(text), Err(InvalidResource), "{text}");
        }
    }
}
