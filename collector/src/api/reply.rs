//! What is answered: `{"data": …}`, lists with `next_cursor`, and errors that are JSON wherever they come from.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// How many rows there are before `limit` and `offset`.
pub(super) const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

#[derive(Serialize)]
struct One<T> {
    data: T,
}

#[derive(Serialize)]
struct List<T> {
    data: T,
    next_cursor: Option<String>,
}

/// One object.
pub(super) fn one(data: impl Serialize) -> Response {
    Json(One { data }).into_response()
}

/// One object that was made.
pub(super) fn made(data: impl Serialize) -> Response {
    (StatusCode::CREATED, one(data)).into_response()
}

/// A list.
pub(super) fn list(data: impl Serialize, next_cursor: Option<String>) -> Response {
    Json(List { data, next_cursor }).into_response()
}

/// Some rows of a longer list, and of how many.
pub(super) fn part(data: impl Serialize, total: usize) -> Response {
    ([(TOTAL_COUNT, total.to_string())], list(data, None)).into_response()
}

/// Done, and nothing to say.
pub(super) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A policy, with its revision as the entity tag that `If-Match` takes.
pub(super) fn policy(row: &Value, status: StatusCode) -> Response {
    let tag = format!("\"{}\"", row["revision"]);
    (status, [(header::ETAG, tag)], one(row)).into_response()
}

/// Errors of the framework's own, such as a body that is too long, in the shape of all others.
pub(super) async fn tidy(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let error = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge("the body is too long".to_owned()),
        StatusCode::METHOD_NOT_ALLOWED => Error::MethodNotAllowed,
        StatusCode::NOT_FOUND => Error::NotFound("such path".to_owned()),
        status if status.is_client_error() => Error::invalid(text),
        _ => Error::Internal(text),
    };
    let mut tidied = error.into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            tidied.headers_mut().insert(name.clone(), value.clone());
        }
    }
    tidied.map(Body::new)
}
