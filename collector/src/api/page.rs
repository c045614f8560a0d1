//! A plain page at `/`, for whoever opens the address in a browser.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header;

use super::App;

/// What anybody may know: that it runs, which version, and where to go on.
pub(super) async fn status(State(app): State<App>) -> Response {
    let database = match app.store.ping().await {
        Ok(()) => "answers",
        Err(_) => "does not answer",
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sluice</title>\
         <h1>Sluice</h1><p>The collector, version {}. Its database {database}.</p>\
         <ul><li><a href=\"/api/v1/openapi.json\">The API</a>, with a bearer token</li>\
         <li><a href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>, <a href=\"/metrics\">/metrics</a></li></ul>\
         <p>On the command line: <code>sluice status</code>, <code>sluice pending</code>, <code>sluice --help</code>.</p></html>\n",
        env!("CARGO_PKG_VERSION")
    );
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(html)).into_response()
}
