//! Whether the process lives, and whether it can do its work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::App;
use super::who::Who;

/// `/metrics`
pub(super) async fn metrics(State(app): State<App>, Who(_): Who) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, crate::metrics::render(&app.store).await).into_response()
}

/// `/healthz`
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`
pub(super) async fn ready(State(app): State<App>) -> Response {
    if *app.ending.borrow() {
        return crate::error::Error::ShuttingDown.into_response();
    }
    match app.store.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => error.into_response(),
    }
}
