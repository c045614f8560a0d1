//! Serves the web console, which is part of this binary.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::input::Query;
use super::who::Who;
use super::{App, suggestions};
use crate::error::Error;
use crate::resource::Resource;

/// A file of the console, plain and compressed. Its name changes with its content.
struct Asset {
    path: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/console_assets.rs"));

/// No script but the console's own files, nothing from elsewhere, and no page around it. WebAssembly needs
/// `wasm-unsafe-eval`, which lets no text be run as a script.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PROTECTION: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// The page and its files.
pub(super) fn pages() -> Router<App> {
    Router::new()
        .route("/", get(async || page()))
        .route("/console/{file}", get(named))
        .route("/resources/{type}/{id}", get(of_resource))
}

/// The page of one resource. What it will ask for takes a while if there is very much, and so does a browser with
/// the page: both begin now.
async fn of_resource(
    State(app): State<App>,
    Path((kind, id)): Path<(String, String)>,
    who: Result<Who, Error>,
    query: Query,
    request: Request,
) -> Response {
    let response = page_or_nothing(request).await;
    if let (true, Ok(Who(caller))) = (response.status().is_success(), who) {
        suggestions::foresee(app, caller, Resource::new(kind, id), query.text("since"));
    }
    response
}

async fn named(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let is_named = |asset: &&Asset| asset.path.strip_prefix("/console/") == Some(&name);
    match ASSETS.iter().find(is_named) {
        Some(asset) => file(asset, &headers),
        None => Error::NotFound("such path".to_owned()).into_response(),
    }
}

/// The page for addresses of its own, which it tells apart itself; nothing for anybody but a browser that navigates.
pub(super) async fn page_or_nothing(request: Request) -> Response {
    let accepts = request.headers().get(header::ACCEPT);
    let wants_page = accepts.is_some_and(|kinds| contains(kinds, "text/html"));
    let path = request.uri().path();
    let is_ours = ["/api/", "/console/"].iter().any(|prefix| path.starts_with(prefix));
    if wants_page && !is_ours && matches!(*request.method(), Method::GET | Method::HEAD) {
        return page();
    }
    Error::NotFound("such path".to_owned()).into_response()
}

fn page() -> Response {
    let kind = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    protected((kind, PAGE).into_response())
}

fn file(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepts = |coding: &str| accepted.is_some_and(|codings| contains(codings, coding));
    let (coding, content) = if accepts("br") {
        (Some("br"), asset.brotli)
    } else if accepts("gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.plain)
    };
    let mut response = (StatusCode::OK, content).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    protected(response)
}

fn protected(mut response: Response) -> Response {
    for (name, value) in PROTECTION {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a list such as `gzip, br;q=0.9` names this, and does not exclude it by `q=0`.
fn contains(list: &HeaderValue, wanted: &str) -> bool {
    let list = String::from_utf8_lossy(list.as_bytes()).to_ascii_lowercase();
    list.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next() == Some(wanted);
        let is_excluded = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        is_named && !is_excluded
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use sluice_harness::suggest::Catalogue;
    use tower::Service;

    use super::*;
    use crate::access::Gate;
    use crate::api::ApiSettings;
    use crate::review::Infrastructure;
    use crate::testing::Fresh;

    #[tokio::test]
    async fn suggestions_are_made_ready_for_who_gets_the_page() {
        const SECRET: &str = "a secret that an admin has";
        let fresh = Fresh::new().await;
        crate::access::first_admin(&fresh.store, Some(SECRET)).await.unwrap();
        let settings = ApiSettings {
            tenant: String::new(),
            catalogue: Catalogue::built_in(),
            infrastructure: Infrastructure::new(&[]).unwrap(),
            resolves_to: Vec::new(),
        };
        let (_ending, ends) = tokio::sync::watch::channel(false);
        let app = App::new(fresh.store.clone(), Gate::new(fresh.store.clone()), settings, ends);
        let mut pages: Router = pages().with_state(app.clone());
        let mut get = async |since: &str, accept: &str, secret: &str| {
            let request = Request::get(format!("/resources/sandbox/sb_1?since={since}"))
                .header(header::ACCEPT, accept)
                .header(header::AUTHORIZATION, format!("Bearer {secret}"));
            let answer = pages.call(request.body(Body::empty()).unwrap()).await;
            answer.unwrap().status().as_u16()
        };
        assert_eq!(
            get("1d", "text/html", "of nobody").await,
            200,
            "the page asks who it is"
        );
        assert_eq!(get("2d", "application/json", SECRET).await, 404);
        assert_eq!(get("3d", "text/html", SECRET).await, 200);
        let mut asked = Vec::new();
        for _ in 0..1_000 {
            asked = app.kept.asked();
            if !asked.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(asked, ["3d"]);
    }

    #[test]
    fn a_browser_gets_the_smallest_that_it_takes() {
        let coded = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            let response = file(&ASSETS[0], &headers);
            response.headers().get(header::CONTENT_ENCODING).cloned()
        };
        assert_eq!(coded("gzip, deflate, br, zstd").unwrap(), "br");
        assert_eq!(coded("gzip, br;q=0").unwrap(), "gzip");
        assert_eq!(coded("identity"), None);
    }

    #[test]
    fn what_a_browser_loads_is_small() {
        let page = PAGE.len();
        // What browsers take over TLS and from this machine; gzip is for the rest.
        let brotli: usize = ASSETS.iter().map(|asset| asset.brotli.len()).sum();
        assert!(page + brotli <= 600_000, "{page} + {brotli}");
    }

    #[test]
    fn the_page_has_nothing_that_its_policy_forbids() {
        for forbidden in ["<style", " style=", "onclick", "onload", "http:", "https:", "{{"] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
        assert_eq!(PAGE.matches("<script").count(), 1);
    }
}
