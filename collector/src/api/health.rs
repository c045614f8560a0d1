//! Whether the process lives, and whether it can do its work.

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::App;

/// `/healthz`
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`
pub(super) async fn ready(State(app): State<App>) -> Response {
    if *app.ending.borrow() {
        return crate::error::Error::ShuttingDown.into_response();
    }
    match app.store.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => error.into_response(),
    }
}
