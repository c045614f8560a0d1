//! The shapes of bodies, for the OpenAPI document. What is sent is made
//! elsewhere; a fuzzer that reads this document checks that it has these shapes.
#![expect(dead_code, reason = "only the document is made of these")]

mod access;
mod people;
mod policies;
mod records;
mod resources;
mod review;

use serde_json::Value;
use utoipa::ToSchema;

pub(super) use access::*;
pub(super) use people::*;
pub(super) use policies::*;
pub(super) use records::*;
pub(super) use resources::*;
pub(super) use review::*;

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
