//! What can go wrong, in the words of the API, and how it is said over HTTP and gRPC.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use sluice_policy::Problems;

/// Why a call is not carried out. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent makes no sense.
    #[error("{message}")]
    Validation {
        /// All that is wrong, in a sentence or a line each.
        message: String,
        /// `[{"rule"?, "field", "value", "expected"}]`
        details: Value,
    },
    /// Nobody we know.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Somebody who may not.
    #[error("{0}")]
    Forbidden(String),
    /// No such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// The path exists, this method of it does not.
    #[error("this path does not take this method")]
    MethodNotAllowed,
    /// Somebody else changed it in between.
    #[error("revision {given} is not the latest, which is {latest}: look at what changed and try again")]
    StaleRevision {
        /// What the caller had seen.
        given: i64,
        /// What there is.
        latest: i64,
    },
    /// The resource has a policy already.
    #[error("{resource} has a policy already: {id}")]
    PolicyExists {
        /// Whose.
        resource: String,
        /// The policy's id.
        id: String,
    },
    /// An allow would have no effect.
    #[error(
        "rule {rule_id} ({host}) denies it, and a deny beats every allow; remove that rule, or use force to list it all the same"
    )]
    ShadowedByDeny {
        /// The rule that denies.
        rule_id: String,
        /// Its host pattern.
        host: String,
        /// `tenant` or `resource`.
        scope: &'static str,
    },
    /// More than there is room for.
    #[error("{0}")]
    TooLarge(String),
    /// Too many at once.
    #[error("too many requests at once")]
    RateLimited {
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The database does not answer, or refuses.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// It is ending.
    #[error("this collector is shutting down")]
    ShuttingDown,
    /// A defect of ours.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// One field that is wrong.
    #[must_use]
    pub fn field(field: &str, value: impl std::fmt::Display, expected: &str) -> Self {
        let value: String = value.to_string().chars().take(200).collect();
        Self::Validation {
            message: format!("{field}: {} is not {expected}", Value::String(value.clone())),
            details: json!([{"field": field, "value": value, "expected": expected}]),
        }
    }

    /// Something wrong that is no single field.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Validation {
            message: message.into(),
            details: json!([]),
        }
    }

    /// A policy that no filter would accept.
    #[must_use]
    pub fn policy(problems: &Problems) -> Self {
        let details = problems.as_slice().iter().map(|problem| {
            json!({"rule": problem.rule, "field": problem.field, "value": problem.value, "expected": problem.expected})
        });
        Self::Validation {
            message: problems.to_string(),
            details: details.collect(),
        }
    }

    /// The status and code of API.md §3.
    #[must_use]
    pub fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_FAILED"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::StaleRevision { .. } => (StatusCode::CONFLICT, "STALE_REVISION"),
            Self::PolicyExists { .. } => (StatusCode::CONFLICT, "POLICY_EXISTS"),
            Self::ShadowedByDeny { .. } => (StatusCode::CONFLICT, "SHADOWED_BY_DENY"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE"),
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            Self::Database(_) | Self::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Validation { details, .. } => details.clone(),
            Self::StaleRevision { given, latest } => json!({"given": given, "latest": latest}),
            Self::PolicyExists { id, .. } => json!({"policy_id": id}),
            Self::ShadowedByDeny { rule_id, host, scope } => json!({"rule_id": rule_id, "host": host, "scope": scope}),
            _ => json!({}),
        }
    }

    /// The body of API.md §3.
    #[must_use]
    pub fn body(&self) -> Value {
        let (_, code) = self.status();
        let retry_after_ms = match self {
            Self::RateLimited { retry_after_ms } => Some(*retry_after_ms),
            Self::Database(_) | Self::ShuttingDown => Some(1_000),
            _ => None,
        };
        // What a database says may name hosts and users of it; the log has it.
        let message = match self {
            Self::Database(_) => "the database does not answer; nothing was changed".to_owned(),
            Self::Internal(_) => "something went wrong that should not; the log says what".to_owned(),
            other => other.to_string(),
        };
        json!({"error": {
            "code": code,
            "message": message,
            "details": self.details(),
            "retryable": retry_after_ms.is_some(),
            "retry_after_ms": retry_after_ms,
        }})
    }

    /// Says it in the log, if operators must know.
    pub fn log(&self) {
        match self {
            Self::Database(error) => tracing::error!(%error, "the database failed"),
            Self::Internal(error) => tracing::error!(%error, "a defect"),
            _ => {}
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        (self.status().0, axum::Json(self.body())).into_response()
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.log();
        let message = error.body()["error"]["message"].as_str().unwrap_or_default().to_owned();
        match error {
            Error::Validation { .. } => Self::invalid_argument(message),
            Error::Unauthenticated(_) => Self::unauthenticated(message),
            Error::Forbidden(_) => Self::permission_denied(message),
            Error::NotFound(_) => Self::not_found(message),
            Error::TooLarge(_) | Error::RateLimited { .. } => Self::resource_exhausted(message),
            Error::Internal(_) => Self::internal(message),
            Error::StaleRevision { .. } | Error::PolicyExists { .. } | Error::ShadowedByDeny { .. } => {
                Self::failed_precondition(message)
            }
            Error::MethodNotAllowed => Self::unimplemented(message),
            Error::Database(_) | Error::ShuttingDown => Self::unavailable(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients read how long to wait from the body, and not from a header.
    #[test]
    fn who_sends_too_much_is_told_how_long_to_wait() {
        let error = Error::RateLimited { retry_after_ms: 250 };
        assert_eq!(error.status(), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
        let body = error.body();
        assert_eq!(body["error"]["code"], "RATE_LIMITED");
        assert_eq!(body["error"]["retryable"], true);
        assert_eq!(body["error"]["retry_after_ms"], 250);
        assert_eq!(tonic::Status::from(error).code(), tonic::Code::ResourceExhausted);
    }
}
