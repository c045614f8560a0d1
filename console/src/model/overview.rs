//! Resources side by side, and proxies.

use serde::Deserialize;

use super::Resource;

/// One resource, in a line.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// Which.
    #[serde(flatten)]
    pub resource: Resource,
    /// What people call it.
    pub name: Option<String>,
    /// What it was made from.
    pub template: Option<String>,
    /// The mode that is intended.
    pub mode: String,
    /// What becomes of what no rule names.
    pub default_effect: String,
    /// The revision of the effective policy that is intended.
    pub revision: Option<i64>,
    /// Whether it has a policy of its own.
    pub has_policy: bool,
    /// Which.
    pub policy_id: Option<String>,
    /// The revision of that.
    pub policy_revision: Option<i64>,
    /// How many rules that has.
    pub rule_count: u64,
    /// When it locks again by itself.
    pub relock_at: Option<String>,
    /// Requests in the window.
    pub requests: u64,
    /// Those rejected.
    pub rejected: u64,
    /// Those that are, or would be in enforce.
    pub would_reject: u64,
    /// Hosts that wait for a decision.
    pub pending: u64,
    /// Its proxies.
    pub proxies: Proxies,
    /// The revisions in force in them.
    pub live_revisions: Vec<i64>,
    /// Whether one of them has not what is intended.
    pub differs: bool,
    /// The last sign of life.
    pub last_seen: Option<String>,
}

/// The proxies of a resource, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Proxies {
    /// All.
    pub total: u64,
    /// Those that are there.
    pub live: u64,
    /// Those that have an older policy.
    pub behind: u64,
    /// Events that never came.
    pub lost: i64,
    /// The modes in force in them.
    pub modes: Vec<String>,
}

/// A VM of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Proxy {
    /// Whose traffic it decides.
    #[serde(flatten)]
    pub resource: Resource,
    /// The VM.
    pub instance: String,
    /// The process.
    pub process: String,
    /// What is in force.
    pub live: Option<ProxyLive>,
    /// What should be.
    pub intended: ProxyIntended,
    /// Whether these differ.
    pub behind: bool,
    /// An override, until its time.
    pub r#override: Option<String>,
    /// Why it did not take the policy.
    pub policy_error: Option<String>,
    /// Events that never came.
    pub lost: i64,
    /// Events that could not be kept.
    pub dropped: i64,
    /// `live`, `stale` or `closed`.
    pub state: String,
    /// The last sign of life.
    pub last_seen: String,
}

/// What is in force in a VM.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ProxyLive {
    /// The revision.
    pub revision: Option<i64>,
    /// The mode.
    pub mode: String,
}

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ProxyIntended {
    /// The revision.
    pub revision: Option<i64>,
}
