//! Review, and trying a policy.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A proposed rule, with what speaks for it.
#[derive(ToSchema)]
pub(in crate::api) struct SuggestionRow {
    #[schema(required)]
    host: Option<String>,
    #[schema(required)]
    pattern: Option<String>,
    methods: Vec<String>,
    #[schema(required)]
    path_glob: Option<String>,
    ports: Vec<u16>,
    request_count: u64,
    denied_count: u64,
    #[schema(required, format = DateTime)]
    first_seen: Option<String>,
    #[schema(required, format = DateTime)]
    last_seen: Option<String>,
    days_active: u64,
    class: String,
    recommendation: String,
    reason: String,
    members: Vec<String>,
    companions: Vec<String>,
    resolves_to: Vec<String>,
    seen_in: u64,
    #[schema(required)]
    resource_id: Option<String>,
    #[schema(required)]
    resource_type: Option<String>,
    #[schema(required)]
    listed: Option<String>,
}

/// Whether a window was long enough.
#[derive(ToSchema)]
pub(in crate::api) struct CoverageRow {
    #[schema(format = DateTime)]
    since: String,
    #[schema(format = DateTime)]
    until: String,
    days: u64,
    #[schema(required, format = DateTime)]
    first_event: Option<String>,
    #[schema(required, format = DateTime)]
    last_event: Option<String>,
    requests: u64,
    destinations: u64,
    #[schema(required, format = DateTime)]
    last_new_destination: Option<String>,
    #[schema(required)]
    days_since_new_destination: Option<i64>,
    growth: Vec<Value>,
    weekdays: Value,
    full_week: bool,
    verdict: String,
    reason: String,
}

/// Decisions of a span of time.
#[derive(ToSchema)]
pub(in crate::api) struct TimePoint {
    #[schema(format = DateTime)]
    at: String,
    allowed: u64,
    warned: u64,
    rejected: u64,
    would_reject: u64,
}

/// A candidate, or lockdown for the policy in force.
#[derive(ToSchema)]
pub(in crate::api) struct SimulateInput {
    policy: Option<Value>,
    lockdown: Option<bool>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    since: Option<String>,
    at: Option<String>,
    resolves_to: Option<Vec<String>>,
}

/// How many requests.
#[derive(ToSchema)]
pub(in crate::api) struct SimulationTotals {
    requests: u64,
    allowed: u64,
    warned: u64,
    rejected: u64,
    uncertain: u64,
}

/// What a policy would have done.
#[derive(ToSchema)]
pub(in crate::api) struct SimulationRow {
    #[schema(format = DateTime)]
    since: String,
    #[schema(format = DateTime)]
    at: String,
    totals: SimulationTotals,
    destinations: Vec<Value>,
    breaks: Vec<Value>,
}

/// What is asked, of the policy in force or of a candidate.
#[derive(ToSchema)]
pub(in crate::api) struct ExplainInput {
    target: Option<String>,
    method: Option<String>,
    path: Option<String>,
    sni: Option<String>,
    at: Option<String>,
    policy: Option<Value>,
    resource_type: Option<String>,
    resource_id: Option<String>,
}

/// A decision and why.
#[derive(ToSchema)]
pub(in crate::api) struct ExplainRow {
    #[schema(required)]
    host: Option<String>,
    #[schema(required)]
    port: Option<u16>,
    action: String,
    would_reject: bool,
    #[schema(required)]
    rule_id: Option<String>,
    #[schema(required)]
    rejected_by: Option<String>,
    canonical: Value,
    matches: Vec<Value>,
}

/// A candidate, or a resource for the policy in force.
#[derive(ToSchema)]
pub(in crate::api) struct LintInput {
    policy: Option<Value>,
    resource_type: Option<String>,
    resource_id: Option<String>,
}

/// Something that is probably not meant.
#[derive(ToSchema)]
pub(in crate::api) struct FindingRow {
    #[schema(required)]
    rule: Option<String>,
    severity: String,
    kind: String,
    message: String,
    #[schema(required)]
    related: Option<String>,
}

/// Suggestions in numbers. Of recommendations each has one, of classes those that there are.
#[derive(ToSchema)]
pub(in crate::api) struct SuggestionSummary {
    total: u64,
    requests: u64,
    by_recommendation: BTreeMap<String, u64>,
    by_class: BTreeMap<String, u64>,
    listed: u64,
}

/// Whose list, and what is chosen otherwise than recommended: patterns or hosts of suggestions.
#[derive(ToSchema)]
pub(in crate::api) struct SuggestedPolicyInput {
    resource_type: String,
    resource_id: Option<String>,
    since: Option<String>,
    also: Option<Vec<String>>,
    without: Option<Vec<String>>,
}

/// The list to lock down by.
#[derive(ToSchema)]
pub(in crate::api) struct SuggestedPolicy {
    mode: String,
    default_effect: String,
    rules: Vec<Value>,
    added: u64,
    #[schema(required)]
    expected_revision: Option<i64>,
}

/// What was talked to, as it was recorded.
#[derive(ToSchema)]
pub(in crate::api) struct DestinationRow {
    host: String,
    port: u16,
    requests: u64,
    rejected: u64,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
    opaque: u64,
    seen: Vec<SeenRow>,
    many: bool,
    members: Vec<String>,
    addresses: Vec<String>,
    more_addresses: bool,
}

/// Requests that were seen alike; null is not known.
#[derive(ToSchema)]
pub(in crate::api) struct SeenRow {
    #[schema(required)]
    method: Option<String>,
    #[schema(required)]
    path: Option<String>,
    count: u64,
}
