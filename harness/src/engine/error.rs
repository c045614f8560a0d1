//! Why an engine gives no decision.

use std::fmt;
use std::io;
use std::path::PathBuf;

use proxy_wasm_host::abi::v0_2_1::{Callback, GuestError};
use sluice_policy::{Action, InvalidPattern, Problems};

use super::acts::Line;
use crate::lab::Unfit;

/// Why an engine gives no decision. No variant is ever turned into one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The policy does not compile.
    #[error("the policy cannot be loaded:\n{0}")]
    Policy(#[source] Problems),
    /// Where any name may lead is no block of addresses.
    #[error("resolves_to: {block:?} is no block of addresses: {why}")]
    ResolvesTo {
        /// As given.
        block: String,
        /// What is wrong with it.
        #[source]
        why: InvalidPattern,
    },
    /// The module cannot be read.
    #[error("cannot read the filter {}: {error}", path.display())]
    Unreadable {
        /// The file given.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The module is no proxy-wasm plugin this host can load.
    #[error("not a proxy-wasm 0.2 plugin: {}", causes(.0))]
    Module(#[source] Box<GuestError>),
    /// The module cannot be rewritten, which deciding on the addresses of connections takes.
    #[error("the filter cannot decide on the addresses of connections here: {0}")]
    Unfit(#[from] Unfit),
    /// The filter refused its configuration.
    #[error("the filter refused its configuration for {root_id}{}", said(log))]
    Refused {
        /// `sluice.http`, `sluice.tcp` or `sluice.address`.
        root_id: &'static str,
        /// What it logged about it: the field and the reason.
        log: Vec<Line>,
    },
    /// The filter trapped, ran out of time or memory, or ended itself. It
    /// decides nothing any more.
    #[error("the filter failed in {callback}: {}{}", causes(error), said(log))]
    Failed {
        /// Where.
        callback: Callback,
        /// How.
        #[source]
        error: Box<GuestError>,
        /// What it logged before.
        log: Vec<Line>,
    },
    /// The filter let a stream end without writing a verdict.
    #[error("the filter wrote no verdict to {key}{}", said(log))]
    NoVerdict {
        /// The filter-state key.
        key: &'static str,
        /// What it logged.
        log: Vec<Line>,
    },
    /// The verdict is not a decision record.
    #[error("the filter's verdict is no decision record: {error}: {text}")]
    BadVerdict {
        /// What the filter wrote.
        text: String,
        /// Why it cannot be read.
        #[source]
        error: serde_json::Error,
    },
    /// What the filter did is not what its verdict says.
    #[error("the filter's verdict says {action}, yet it {did}")]
    Disagrees {
        /// The action of the verdict.
        action: Action,
        /// What happened to the stream.
        did: Did,
    },
}

/// What a filter did to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It let the stream go on.
    Passed,
    /// It answered the request itself.
    Replied {
        /// The status it sent.
        status: u32,
    },
    /// It closed the client's connection.
    Closed,
    /// It neither refused the stream nor let it go on, which leaves the client hanging.
    Paused,
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("let the stream pass"),
            Self::Replied { status } => write!(f, "answered with status {status}"),
            Self::Closed => f.write_str("closed the connection"),
            Self::Paused => f.write_str("left the stream waiting"),
        }
    }
}

pub(crate) fn causes(error: &GuestError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

pub(crate) fn said(log: &[Line]) -> String {
    log.iter().map(|line| format!("\n  {line}")).collect()
}
