//! Counts calls, and says each in the log.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;

use super::REQUEST_ID;

pub(super) async fn count(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().as_str().to_owned();
    // The pattern, not the path: that would make a series of every id.
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    tracing::debug!(method, path, status, id, "answered");
    metrics::counter!("sluice_collector_http_requests_total", "method" => method.clone(), "path" => path.clone(), "status" => status.to_string())
        .increment(1);
    let kind = response.headers().get(CONTENT_TYPE);
    // An event stream lasts as long as somebody listens.
    if kind.is_none_or(|kind| kind != "text/event-stream") {
        metrics::histogram!("sluice_collector_http_request_seconds", "method" => method, "path" => path)
            .record(began.elapsed().as_secs_f64());
    }
    response
}
