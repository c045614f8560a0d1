//! Review, and trying a policy.

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
