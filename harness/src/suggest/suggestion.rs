//! A suggestion, in the words of the API.

use std::cmp::Ordering;

use serde::Serialize;
use sluice_policy::Timestamp;

use super::advice::{Class, Recommendation};

/// One proposed rule, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The host, if it is one.
    pub host: Option<String>,
    /// The wildcard, if it is for several hosts. Without either it is for hosts
    /// that were too many to be kept apart and have no domain in common.
    pub pattern: Option<String>,
    /// Every port seen.
    pub ports: Vec<u16>,
    /// Every method seen; empty (any) unless all traffic was seen in clear.
    pub methods: Vec<String>,
    /// A glob over every path seen, where a narrow one is.
    pub path_glob: Option<String>,
    /// The narrowest blocks of the addresses it led to that are not public: a rule
    /// for it does not let it pass without them.
    pub resolves_to: Vec<String>,
    /// How many requests and connections it stands for.
    pub request_count: u64,
    /// The earliest, where times were recorded.
    pub first_seen: Option<Timestamp>,
    /// The latest.
    pub last_seen: Option<Timestamp>,
    /// On how many days (UTC) it was seen.
    pub days_active: usize,
    /// What kind of service it is.
    pub class: Class,
    /// What to do with it.
    pub recommendation: Recommendation,
    /// Why, in one sentence.
    pub reason: String,
    /// The hosts seen that it stands for.
    pub members: Vec<String>,
    /// Hosts that usually come with it and were not seen.
    pub companions: Vec<String>,
    /// What the hosts in it that were not kept apart have in common: [`Many::of`](super::Many::of).
    #[serde(skip)]
    pub crowd: Option<String>,
}

impl Suggestion {
    /// What a rule for it has as `host`; empty for hosts that have no name in common.
    pub fn subject(&self) -> &str {
        self.pattern.as_deref().or(self.host.as_deref()).unwrap_or_default()
    }

    /// In which order two of them come: the most requested first.
    pub fn before(&self, other: &Self) -> Ordering {
        let count = other.request_count.cmp(&self.request_count);
        count
            .then_with(|| self.subject().cmp(other.subject()))
            .then_with(|| self.ports.cmp(&other.ports))
    }
}

/// Suggestions, and what was seen that none is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    /// The suggestions, the most requested first.
    pub suggestions: Vec<Suggestion>,
    /// Targets that no rule could or should name.
    pub left_out: Vec<LeftOut>,
}

/// A target that gets no suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Host and port, or the escaped bytes of what is no target.
    pub target: String,
    /// How often it was asked for.
    pub request_count: u64,
    /// Why nothing is suggested.
    pub reason: Omission,
}

/// Why a target gets no suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Omission {
    /// No rule could name it.
    #[error("no canonical host and port, so that no rule can name it")]
    InvalidTarget,
    /// The machine itself: it is no destination in any mode.
    #[error("the machine or the proxy itself, which is no destination")]
    #[serde(rename = "self")]
    SelfAddress,
    /// Rules mean the IPv4 address by it, and so none can allow it.
    #[error("an IPv4-mapped address, which no rule allows: the client should use the IPv4 address")]
    MappedAddress,
}
