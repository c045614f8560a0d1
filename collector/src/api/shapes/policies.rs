//! Policies, their rules and revisions, and what is done to them.

use serde_json::Value;
use utoipa::ToSchema;

/// A rule.
#[derive(ToSchema)]
pub(in crate::api) struct RuleRow {
    id: String,
    name: String,
    host: String,
    effect: String,
    methods: Vec<String>,
    #[schema(required)]
    path_glob: Option<String>,
    ports: Vec<u16>,
    warn_only: bool,
    #[schema(required)]
    expires_at: Option<String>,
    resolves_to: Vec<String>,
    terminated_only: bool,
    #[schema(required)]
    note: Option<String>,
    policy_id: String,
    #[schema(required)]
    resource_id: Option<String>,
    #[schema(required)]
    resource_type: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    warnings: Vec<String>,
}

/// A rule to add, to a policy or to the own one of a resource.
#[derive(ToSchema)]
#[schema(example = json!({"host": "api.example.com", "resource_type": "sandbox", "resource_id": "sb_1"}))]
pub(in crate::api) struct RuleInput {
    host: String,
    effect: Option<String>,
    name: Option<String>,
    methods: Option<Vec<String>>,
    path_glob: Option<String>,
    ports: Option<Vec<u16>>,
    warn_only: Option<bool>,
    expires_at: Option<String>,
    resolves_to: Option<Vec<String>>,
    terminated_only: Option<bool>,
    note: Option<String>,
    policy_id: Option<String>,
    resource_id: Option<String>,
    resource_type: Option<String>,
    revision: Option<i64>,
}

/// A policy.
#[derive(ToSchema)]
pub(in crate::api) struct PolicyRow {
    id: String,
    name: String,
    mode: String,
    default_effect: String,
    description: String,
    #[schema(required)]
    resource_id: Option<String>,
    #[schema(required)]
    resource_type: Option<String>,
    rules: Vec<RuleRow>,
    allow_rules: Vec<RuleRow>,
    deny_rules: Vec<RuleRow>,
    revision: i64,
    #[schema(required, format = DateTime)]
    relock_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A policy to make.
#[derive(ToSchema)]
#[schema(example = json!({"name": "build machines", "rules": [{"host": "api.example.com", "ports": [443]}]}))]
pub(in crate::api) struct PolicyInput {
    name: String,
    mode: Option<String>,
    default_effect: Option<String>,
    description: Option<String>,
    resource_id: Option<String>,
    resource_type: Option<String>,
    rules: Option<Vec<Value>>,
    note: Option<String>,
}

/// What is to be different.
#[derive(ToSchema)]
pub(in crate::api) struct PolicyChange {
    name: Option<String>,
    mode: Option<String>,
    default_effect: Option<String>,
    description: Option<String>,
    rules: Option<Vec<Value>>,
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// A policy as a file.
#[derive(ToSchema)]
pub(in crate::api) struct PolicyFile {
    mode: String,
    default_effect: String,
    rules: Vec<Value>,
}

/// A revision.
#[derive(ToSchema)]
pub(in crate::api) struct RevisionRow {
    revision: i64,
    #[schema(format = DateTime)]
    at: String,
    author: String,
    operation: String,
    note: String,
    mode: String,
    rule_count: i64,
}

/// What a policy said at a revision.
#[derive(ToSchema)]
pub(in crate::api) struct RevisionDocument {
    revision: i64,
    name: String,
    description: String,
    mode: String,
    default_effect: String,
    rules: Vec<Value>,
}

/// For how long, such as 2h; without it until somebody locks down.
#[derive(ToSchema)]
pub(in crate::api) struct ObserveInput {
    #[schema(rename = "for")]
    r#for: Option<String>,
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// Locking down.
#[derive(ToSchema)]
pub(in crate::api) struct LockdownInput {
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// Back to which revision; the one before without it.
#[derive(ToSchema)]
pub(in crate::api) struct RollbackInput {
    revision: Option<i64>,
    with_mode: Option<bool>,
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// A resource, or all that fit a glob.
#[derive(ToSchema)]
pub(in crate::api) struct TargetInput {
    resource_type: Option<String>,
    resource_id: Option<String>,
    glob: Option<String>,
}

/// Where a policy is cloned to.
#[derive(ToSchema)]
pub(in crate::api) struct CloneInput {
    targets: Vec<TargetInput>,
    with_mode: Option<bool>,
    note: Option<String>,
}

/// A file, and where it is applied.
#[derive(ToSchema)]
pub(in crate::api) struct ApplyInput {
    policy: Value,
    targets: Option<Vec<TargetInput>>,
    note: Option<String>,
}

/// What became of one target.
#[derive(ToSchema)]
pub(in crate::api) struct SpreadRow {
    resource_type: String,
    resource_id: String,
    status: String,
    #[schema(required)]
    policy_id: Option<String>,
    #[schema(required)]
    mode: Option<String>,
    #[schema(required)]
    revision: Option<i64>,
    #[schema(required)]
    error: Option<String>,
}

/// What became of the targets.
#[derive(ToSchema)]
pub(in crate::api) struct Spread {
    targets: Vec<SpreadRow>,
}

/// A policy that is carried out from now on, and what that breaks.
#[derive(ToSchema)]
pub(in crate::api) struct LockedPolicy {
    id: String,
    name: String,
    mode: String,
    default_effect: String,
    description: String,
    #[schema(required)]
    resource_id: Option<String>,
    #[schema(required)]
    resource_type: Option<String>,
    rules: Vec<RuleRow>,
    allow_rules: Vec<RuleRow>,
    deny_rules: Vec<RuleRow>,
    revision: i64,
    #[schema(required, format = DateTime)]
    relock_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    warnings: Vec<String>,
}
