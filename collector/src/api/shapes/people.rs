//! People and their sessions.

use utoipa::ToSchema;

/// Somebody who signs in with a name and a password.
#[derive(ToSchema)]
pub(in crate::api) struct UserRow {
    id: String,
    name: String,
    role: String,
    scope: String,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
    #[schema(format = DateTime)]
    changed_at: String,
    #[schema(required, format = DateTime)]
    disabled_at: Option<String>,
}

/// Somebody to add.
#[derive(ToSchema)]
pub(in crate::api) struct UserInput {
    name: String,
    password: String,
    role: String,
    scope: Option<String>,
}

/// What to change of somebody.
#[derive(ToSchema)]
pub(in crate::api) struct UserChange {
    password: Option<String>,
    current_password: Option<String>,
    role: Option<String>,
    scope: Option<String>,
    disabled: Option<bool>,
}

/// What to sign in with: a token, or a name and a password.
#[derive(ToSchema)]
pub(in crate::api) struct SignIn {
    token: Option<String>,
    name: Option<String>,
    password: Option<String>,
}

/// Who is signed in. With a token there is no session, and so neither times nor a csrf_token.
#[derive(ToSchema)]
pub(in crate::api) struct OwnSession {
    id: String,
    name: String,
    role: String,
    scope: String,
    #[schema(required, format = DateTime)]
    created_at: Option<String>,
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    #[schema(required)]
    csrf_token: Option<String>,
}

/// A session that has not ended.
#[derive(ToSchema)]
pub(in crate::api) struct SessionRow {
    id: String,
    #[schema(required)]
    user_id: Option<String>,
    #[schema(required)]
    token_id: Option<String>,
    name: String,
    role: String,
    scope: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used: String,
    #[schema(format = DateTime)]
    expires_at: String,
    address: String,
    agent: String,
    current: bool,
}
