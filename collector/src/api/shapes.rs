//! The shapes of bodies, for the OpenAPI document. What is sent is made
//! elsewhere; a fuzzer that reads this document checks that it has these shapes.
#![expect(dead_code, reason = "only the document is made of these")]

use serde_json::Value;
use utoipa::ToSchema;

/// One object.
#[derive(ToSchema)]
pub(super) struct Data<T: ToSchema> {
    data: T,
}

/// A list. `next_cursor` is null where nothing follows.
#[derive(ToSchema)]
pub(super) struct List<T: ToSchema> {
    data: Vec<T>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What went wrong.
#[derive(ToSchema)]
pub(super) struct FailureBody {
    code: String,
    message: String,
    details: Value,
    retryable: bool,
    #[schema(required)]
    retry_after_ms: Option<u64>,
}

/// An error.
#[derive(ToSchema)]
pub(super) struct Failure {
    error: FailureBody,
}

/// Nothing.
#[derive(ToSchema)]
pub(super) struct Empty {
    note: Option<String>,
}

/// A resource that is known.
#[derive(ToSchema)]
pub(super) struct KnownResource {
    resource_type: String,
    resource_id: String,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    template: Option<String>,
    #[schema(required)]
    external_user_id: Option<String>,
    #[schema(required)]
    external_workspace_id: Option<String>,
    origin: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    last_seen: Option<String>,
}

/// What is said of a resource.
#[derive(ToSchema)]
pub(super) struct RegistrationInput {
    name: Option<String>,
    template: Option<String>,
    external_user_id: Option<String>,
    external_workspace_id: Option<String>,
}

/// A sandbox as its clients know it.
#[derive(ToSchema)]
pub(super) struct Sandbox {
    id: String,
    state: String,
    #[schema(required)]
    template_id: Option<String>,
}

/// A computer as its clients know it.
#[derive(ToSchema)]
pub(super) struct Computer {
    id: String,
    name: String,
    status: String,
}

/// A rule.
#[derive(ToSchema)]
pub(super) struct RuleRow {
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
pub(super) struct RuleInput {
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
pub(super) struct PolicyRow {
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
pub(super) struct PolicyInput {
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
pub(super) struct PolicyChange {
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
pub(super) struct PolicyFile {
    mode: String,
    default_effect: String,
    rules: Vec<Value>,
}

/// A revision.
#[derive(ToSchema)]
pub(super) struct RevisionRow {
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
pub(super) struct RevisionDocument {
    revision: i64,
    name: String,
    description: String,
    mode: String,
    default_effect: String,
    rules: Vec<Value>,
}

/// For how long, such as 2h; without it until somebody locks down.
#[derive(ToSchema)]
pub(super) struct ObserveInput {
    #[schema(rename = "for")]
    r#for: Option<String>,
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// Locking down.
#[derive(ToSchema)]
pub(super) struct LockdownInput {
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// Back to which revision; the one before without it.
#[derive(ToSchema)]
pub(super) struct RollbackInput {
    revision: Option<i64>,
    with_mode: Option<bool>,
    note: Option<String>,
    expected_revision: Option<i64>,
}

/// A resource, or all that fit a glob.
#[derive(ToSchema)]
pub(super) struct TargetInput {
    resource_type: Option<String>,
    resource_id: Option<String>,
    glob: Option<String>,
}

/// Where a policy is cloned to.
#[derive(ToSchema)]
pub(super) struct CloneInput {
    targets: Vec<TargetInput>,
    with_mode: Option<bool>,
    note: Option<String>,
}

/// A file, and where it is applied.
#[derive(ToSchema)]
pub(super) struct ApplyInput {
    policy: Value,
    targets: Option<Vec<TargetInput>>,
    note: Option<String>,
}

/// What became of one target.
#[derive(ToSchema)]
pub(super) struct SpreadRow {
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
pub(super) struct Spread {
    targets: Vec<SpreadRow>,
}

/// A decision, or a summary of several (count > 1).
#[derive(ToSchema)]
pub(super) struct AuditRow {
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
pub(super) struct PendingRow {
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
}

/// A pending host and the rule that came of it.
#[derive(ToSchema)]
pub(super) struct PendingDecided {
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
pub(super) struct ApproveInput {
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
pub(super) struct BlockInput {
    revision: Option<i64>,
    note: Option<String>,
}

/// A VM of a proxy.
#[derive(ToSchema)]
pub(super) struct ProxyRow {
    resource_type: String,
    resource_id: String,
    instance: String,
    process: String,
}

/// A credential.
#[derive(ToSchema)]
pub(super) struct TokenRow {
    id: String,
    name: String,
    role: String,
    scope: String,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
}

/// A credential and its secret.
#[derive(ToSchema)]
pub(super) struct NewToken {
    id: String,
    name: String,
    role: String,
    scope: String,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
    token: String,
}

/// A credential to make.
#[derive(ToSchema)]
pub(super) struct TokenInput {
    name: String,
    role: String,
    scope: Option<String>,
    expires_at: Option<String>,
}

/// What an operator did.
#[derive(ToSchema)]
pub(super) struct OperatorEntry {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    address: String,
    operation: String,
    subject: String,
    details: Value,
}

/// A proposed rule, with what speaks for it.
#[derive(ToSchema)]
pub(super) struct SuggestionRow {
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
pub(super) struct CoverageRow {
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
pub(super) struct TimePoint {
    #[schema(format = DateTime)]
    at: String,
    allowed: u64,
    warned: u64,
    rejected: u64,
    would_reject: u64,
}

/// A candidate, or lockdown for the policy in force.
#[derive(ToSchema)]
pub(super) struct SimulateInput {
    policy: Option<Value>,
    lockdown: Option<bool>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    since: Option<String>,
    at: Option<String>,
}

/// How many requests.
#[derive(ToSchema)]
pub(super) struct SimulationTotals {
    requests: u64,
    allowed: u64,
    warned: u64,
    rejected: u64,
    uncertain: u64,
}

/// What a policy would have done.
#[derive(ToSchema)]
pub(super) struct SimulationRow {
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
pub(super) struct ExplainInput {
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
pub(super) struct ExplainRow {
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
pub(super) struct LintInput {
    policy: Option<Value>,
    resource_type: Option<String>,
    resource_id: Option<String>,
}

/// Something that is probably not meant.
#[derive(ToSchema)]
pub(super) struct FindingRow {
    #[schema(required)]
    rule: Option<String>,
    severity: String,
    kind: String,
    message: String,
    #[schema(required)]
    related: Option<String>,
}

/// A policy that is carried out from now on, and what that breaks.
#[derive(ToSchema)]
pub(super) struct LockedPolicy {
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

/// Whose token it is.
#[derive(ToSchema)]
pub(super) struct OwnToken {
    id: String,
    name: String,
    role: String,
    scope: String,
}
