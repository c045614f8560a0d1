//! Resources and proxies.

use utoipa::ToSchema;

/// A resource that is known.
#[derive(ToSchema)]
pub(in crate::api) struct KnownResource {
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
pub(in crate::api) struct RegistrationInput {
    name: Option<String>,
    template: Option<String>,
    external_user_id: Option<String>,
    external_workspace_id: Option<String>,
}

/// A sandbox as its clients know it.
#[derive(ToSchema)]
pub(in crate::api) struct Sandbox {
    id: String,
    state: String,
    #[schema(required)]
    template_id: Option<String>,
}

/// A computer as its clients know it.
#[derive(ToSchema)]
pub(in crate::api) struct Computer {
    id: String,
    name: String,
    status: String,
}

/// A VM of a proxy, and one resource that it governs.
#[derive(ToSchema)]
pub(in crate::api) struct ProxyRow {
    resource_type: String,
    resource_id: String,
    instance: String,
    process: String,
    credential: String,
    #[schema(required)]
    live: Option<LivePolicy>,
    intended: IntendedPolicy,
    behind: bool,
    #[schema(required)]
    r#override: Option<String>,
    #[schema(required)]
    policy_error: Option<String>,
    seq: i64,
    gaps: i64,
    missing: i64,
    duplicates: i64,
    merged: i64,
    dropped: i64,
    refused: i64,
    lost: i64,
    unsent_bytes: i64,
    memory_bytes: i64,
    closing: bool,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
    state: String,
}

/// A resource, or the tenant, in one row.
#[derive(ToSchema)]
pub(in crate::api) struct OverviewRow {
    resource_type: String,
    resource_id: String,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    template: Option<String>,
    mode: String,
    default_effect: String,
    #[schema(required)]
    revision: Option<i64>,
    has_policy: bool,
    #[schema(required)]
    policy_id: Option<String>,
    #[schema(required)]
    policy_revision: Option<i64>,
    rule_count: i64,
    #[schema(required, format = DateTime)]
    relock_at: Option<String>,
    requests: i64,
    rejected: i64,
    would_reject: i64,
    pending: i64,
    proxies: ProxySums,
    live_revisions: Vec<i64>,
    differs: bool,
    #[schema(required, format = DateTime)]
    last_seen: Option<String>,
}

/// The VMs of a resource.
#[derive(ToSchema)]
pub(in crate::api) struct ProxySums {
    total: u64,
    live: u64,
    behind: u64,
    lost: i64,
    modes: Vec<String>,
}

/// What is in force in a VM.
#[derive(ToSchema)]
pub(in crate::api) struct LivePolicy {
    #[schema(required)]
    epoch: Option<i64>,
    #[schema(required)]
    revision: Option<i64>,
    mode: String,
    #[schema(required)]
    digest: Option<String>,
}

/// What should be.
#[derive(ToSchema)]
pub(in crate::api) struct IntendedPolicy {
    #[schema(required)]
    revision: Option<i64>,
}
