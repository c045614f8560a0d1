//! What review works on.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A proposed rule, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Suggestion {
    /// The host, if it is one.
    pub host: Option<String>,
    /// The wildcard, if it is for several.
    pub pattern: Option<String>,
    /// Any, if empty.
    pub methods: Vec<String>,
    /// Any path without it.
    pub path_glob: Option<String>,
    /// The ports seen.
    pub ports: Vec<u16>,
    /// Requests and connections.
    pub request_count: u64,
    /// Those rejected.
    pub denied_count: u64,
    /// The first.
    pub first_seen: Option<String>,
    /// The last.
    pub last_seen: Option<String>,
    /// On how many days.
    pub days_active: u64,
    /// What kind of service.
    pub class: String,
    /// `keep`, `deny`, or a question.
    pub recommendation: String,
    /// Why.
    pub reason: String,
    /// The hosts it stands for.
    pub members: Vec<String>,
    /// Hosts that usually come with it and were not seen.
    pub companions: Vec<String>,
    /// Private blocks that it leads to.
    pub resolves_to: Vec<String>,
    /// In how many resources.
    pub seen_in: u64,
    /// The rule in force that decides all of it already.
    pub listed: Option<String>,
}

impl Suggestion {
    /// What a rule for it names.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.pattern.as_deref().or(self.host.as_deref()).unwrap_or_default()
    }
}

/// Suggestions, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// All.
    pub total: u64,
    /// Requests to all of them.
    pub requests: u64,
    /// By recommendation.
    pub by_recommendation: BTreeMap<String, u64>,
    /// By class.
    pub by_class: BTreeMap<String, u64>,
    /// Those that a rule decides already.
    pub listed: u64,
}

/// The list that a lockdown applies.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ListToApply {
    /// The mode of the policy as it is.
    pub mode: String,
    /// What becomes of what no rule names.
    pub default_effect: String,
    /// All rules, those that are there first.
    pub rules: Vec<Value>,
    /// How many are new.
    pub added: u64,
    /// The revision that it goes on from.
    pub expected_revision: Option<i64>,
}

/// Whether a window was long enough.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Where it begins.
    pub since: String,
    /// Where it ends.
    pub until: String,
    /// How many days.
    pub days: u64,
    /// The first event in it.
    pub first_event: Option<String>,
    /// Requests and connections.
    pub requests: u64,
    /// Destinations.
    pub destinations: u64,
    /// When the last new one came.
    pub last_new_destination: Option<String>,
    /// How long ago that is.
    pub days_since_new_destination: Option<i64>,
    /// How many were known, day by day.
    pub growth: Vec<Growth>,
    /// Whether every weekday is in it.
    pub full_week: bool,
    /// In a word.
    pub verdict: String,
    /// In a sentence.
    pub reason: String,
}

/// A day of the growth curve.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Growth {
    /// The day.
    pub day: String,
    /// New ones.
    pub new: u64,
    /// All until then.
    pub total: u64,
}

/// Decisions of a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Point {
    /// Where it begins.
    pub at: String,
    /// Let through.
    pub allowed: u64,
    /// Let through with a warning.
    pub warned: u64,
    /// Rejected.
    pub rejected: u64,
    /// Rejected, or would be in enforce.
    pub would_reject: u64,
}

/// A recorded destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Destination {
    /// The canonical host, or what stands for many.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Requests and connections.
    pub requests: u64,
    /// Those rejected.
    pub rejected: u64,
    /// The first.
    pub first_seen: String,
    /// The last.
    pub last_seen: String,
    /// How many were opaque.
    pub opaque: u64,
    /// What was seen in clear.
    pub seen: Vec<SeenInClear>,
    /// Whether it stands for many hosts.
    pub many: bool,
    /// Some of these.
    pub members: Vec<String>,
    /// Where it led.
    pub addresses: Vec<String>,
    /// Whether it led to more.
    pub more_addresses: bool,
}

/// Requests in clear that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SeenInClear {
    /// The method, if it is known.
    pub method: Option<String>,
    /// The path, if it is known.
    pub path: Option<String>,
    /// How many.
    pub count: u64,
}
