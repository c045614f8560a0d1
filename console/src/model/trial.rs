//! What a policy would do.

use serde::Deserialize;
use serde_json::Value;

use super::Nearest;

/// What would become of what was seen.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Simulation {
    /// Where the window begins.
    pub since: String,
    /// The sums.
    pub totals: Totals,
    /// What would not simply pass.
    pub destinations: Vec<Affected>,
    /// Those of them that pass today and were seen in the last day.
    pub breaks: Vec<Affected>,
}

/// How many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// All.
    pub requests: u64,
    /// Those that would pass.
    pub allowed: u64,
    /// Those that would pass on trial.
    pub warned: u64,
    /// Those that would not.
    pub rejected: u64,
    /// Those of which not enough is known.
    pub uncertain: u64,
}

/// A destination that would not simply pass.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Affected {
    /// The host.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// How many requests.
    pub count: u64,
    /// The last of them.
    pub last_seen: String,
    /// `warn` or `reject`.
    pub action: String,
    /// The rule or the reason that rejects.
    pub rejected_by: Option<String>,
    /// The rule that says so.
    pub rule_id: Option<String>,
    /// The rule that named the host and did not match.
    pub nearest: Option<Nearest>,
    /// Whether it passes today.
    pub allowed_today: bool,
}

/// A decision, and why.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// The host.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// What is done.
    pub action: String,
    /// Whether the verdict is reject.
    pub would_reject: bool,
    /// The verdict's rule.
    pub rule_id: Option<String>,
    /// What rejects.
    pub rejected_by: Option<String>,
    /// The rule that named the host and did not match.
    pub nearest: Option<Nearest>,
    /// What became of the name.
    pub canonical: Value,
    /// Every rule that matched, ranked.
    pub matches: Vec<Matched>,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Matched {
    /// Which.
    pub rule_id: String,
    /// `tenant` or `resource`.
    pub scope: String,
    /// `allow` or `deny`.
    pub effect: String,
    /// Whether it decided.
    pub won: bool,
    /// Why it did or did not.
    pub why: String,
}

/// Something that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// The rule it is about.
    pub rule: Option<String>,
    /// `error` or `warning`.
    pub severity: String,
    /// In a word.
    pub kind: String,
    /// In a sentence.
    pub message: String,
    /// The other rule that it is about.
    pub related: Option<String>,
}
