//! Credentials and the operator log.

use serde_json::Value;
use utoipa::ToSchema;

/// A credential.
#[derive(ToSchema)]
pub(in crate::api) struct TokenRow {
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
pub(in crate::api) struct NewToken {
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
pub(in crate::api) struct TokenInput {
    name: String,
    role: String,
    scope: Option<String>,
    expires_at: Option<String>,
}

/// What an operator did.
#[derive(ToSchema)]
pub(in crate::api) struct OperatorEntry {
    id: String,
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    address: String,
    operation: String,
    subject: String,
    details: Value,
}

/// Whose token it is.
#[derive(ToSchema)]
pub(in crate::api) struct OwnToken {
    id: String,
    name: String,
    role: String,
    scope: String,
}
