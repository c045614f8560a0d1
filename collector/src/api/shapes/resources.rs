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

/// A VM of a proxy.
#[derive(ToSchema)]
pub(in crate::api) struct ProxyRow {
    resource_type: String,
    resource_id: String,
    instance: String,
    process: String,
}
