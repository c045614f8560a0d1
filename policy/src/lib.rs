//! Decides. Hosts, patterns, rules, precedence and verdicts of an egress
//! policy: no I/O, no clock of its own, no wasm SDK.
//!
//! The filter, the command line, the collector's simulation and the console all
//! call [`Policy::decide`]; there is no second matcher.
//!
//! ```
//! use sluice_policy::{Action, Policy, Seen, Surroundings, Timestamp};
//!
//! let policy = Policy::from_json(br#"{
//!     "mode": "enforce",
//!     "rules": [{"id": "gh", "effect": "allow", "host": "api.github.com", "ports": [443]}]
//! }"#).unwrap();
//! let seen = Seen::Request { authority: b"api.github.com:443", method: b"CONNECT", path: None };
//! let decision = policy.decide(&seen, &Surroundings::new(80), Timestamp::from_micros(0));
//! assert_eq!(decision.action(), Action::Allow);
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

pub mod address;
mod bounds;
mod decide;
mod decision;
mod document;
#[cfg(feature = "authoring")]
pub mod domain;
mod effective;
mod explain;
mod glob;
mod host;
mod index;
#[cfg(feature = "authoring")]
pub mod lint;
mod path;
mod pattern;
mod policy;
mod problem;
mod record;
mod rule;
#[cfg(test)]
mod tables;
mod target;
mod timestamp;
mod words;

pub use bounds::{Bounds, Hidden};
pub use decide::Circumstances;
pub use decision::{Decision, Nearest, Rejection, Verdict};
pub use document::{PolicyDocument, PolicyRead, RuleDocument};
pub use effective::{EffectiveDocument, EffectiveRead};
pub use explain::{Canonical, Explanation, HostKind, Match};
pub use glob::{InvalidGlob, MAX_GLOB, PathGlob};
pub use host::{Host, InvalidHost, MAX_LABEL, MAX_NAME, Name};
pub use path::{MAX_PATH, Path};
pub use pattern::{HostPattern, InvalidPattern, Specificity};
pub use policy::Policy;
pub use problem::{Problem, Problems};
pub use record::{DecisionRecord, NearestRecord};
pub use rule::Rule;
pub use target::{Blocks, InvalidTarget, MAX_RAW, OwnAddresses, RequestLine, Seen, Surroundings, Target, escape_raw};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use words::{Action, Effect, Mode, Reason, Scope, Why};
