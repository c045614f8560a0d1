//! The audit trail and the pending queue.

use super::RuleRow;
use serde_json::Value;
use utoipa::ToSchema;

/// A decision, or a summary of several (count > 1).
#[derive(ToSchema)]
pub(in crate::api) struct AuditRow {
    id: String,
    #[schema(format = DateTime)]
    inserted_at: String,
    #[schema(format = DateTime)]
    timestamp: String,
    #[schema(required)]
    host: Option<String>,
    #[schema(required)]
    port: Option<u16>,
    #[schema(required)]
    raw: Option<String>,
    #[schema(required)]
    method: Option<String>,
    #[schema(required)]
    path: Option<String>,
    action: String,
    effect: String,
    would_reject: bool,
    status_code: i64,
    duration_ms: f64,
    bytes_in: i64,
    bytes_out: i64,
    #[schema(required)]
    rule_id: Option<String>,
    #[schema(required)]
    rule_host: Option<String>,
    #[schema(required)]
    rule_scope: Option<String>,
    #[schema(required)]
    rejected_by: Option<String>,
    nearest: Value,
    #[schema(required)]
    policy_id: Option<String>,
    #[schema(required)]
    revision: Option<i64>,
    mode: String,
    #[schema(required)]
    sni: Option<String>,
    #[schema(required)]
    client: Option<String>,
    outcome: String,
    resource_id: String,
    resource_type: String,
    count: i64,
    metadata: Value,
}

/// A rejected host that nobody has decided about.
#[derive(ToSchema)]
pub(in crate::api) struct PendingRow {
    id: String,
    resource_type: String,
    resource_id: String,
    host: String,
    overflow: bool,
    ports: Vec<u16>,
    methods: Vec<String>,
    attempts: i64,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
    example: Value,
    rejected_by: String,
    nearest: Value,
    #[schema(required, format = DateTime)]
    last_allowed_at: Option<String>,
    state: String,
    #[schema(required, format = DateTime)]
    changed_at: Option<String>,
    #[schema(required)]
    changed_by: Option<String>,
    /// Of lists: in how many resources.
    seen_in: Option<u64>,
    /// Of groups: of how many resources.
    of: Option<u64>,
    /// Of groups: these.
    resources: Option<Vec<Value>>,
    /// Of groups: their rows.
    ids: Option<Vec<String>>,
}

/// A pending host and the rule that came of it.
#[derive(ToSchema)]
pub(in crate::api) struct PendingDecided {
    id: String,
    resource_type: String,
    resource_id: String,
    host: String,
    overflow: bool,
    ports: Vec<u16>,
    methods: Vec<String>,
    attempts: i64,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
    example: Value,
    rejected_by: String,
    nearest: Value,
    #[schema(required, format = DateTime)]
    last_allowed_at: Option<String>,
    state: String,
    #[schema(required, format = DateTime)]
    changed_at: Option<String>,
    #[schema(required)]
    changed_by: Option<String>,
    rule: RuleRow,
    policy_id: String,
    revision: i64,
}

/// How a host is allowed.
#[derive(ToSchema)]
pub(in crate::api) struct ApproveInput {
    pattern: Option<String>,
    warn_only: Option<bool>,
    expires_at: Option<String>,
    scope: Option<String>,
    revision: Option<i64>,
    force: Option<bool>,
    note: Option<String>,
}

/// How a host is denied.
#[derive(ToSchema)]
pub(in crate::api) struct BlockInput {
    revision: Option<i64>,
    note: Option<String>,
}

/// What a page that shows it has to ask for again.
#[derive(ToSchema)]
pub(in crate::api) struct ChangeNotice {
    kind: String,
    #[schema(required)]
    resource_type: Option<String>,
    #[schema(required)]
    resource_id: Option<String>,
}
