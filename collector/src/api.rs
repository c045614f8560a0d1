//! The HTTP API, `/api/v1`: for people's tools, the command line and the console.

mod audit;
mod changes;
mod console;
mod destinations;
mod export;
mod health;
mod ignored;
mod input;
mod measured;
mod nul;
mod operator_log;
mod overview;
mod paging;
mod pending;
mod policies;
mod proxies;
mod reply;
mod resources;
mod review;
mod rules;
mod serve;
mod sessions;
mod shapes;
mod specification;
mod spreading;
mod stream;
mod suggestions;
mod tokens;
mod trial;
mod users;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use http::{HeaderName, StatusCode};
use sluice_harness::suggest::Catalogue;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Entrance, Gate};
use crate::error::Error;
use crate::review::{Infrastructure, Kept};
use crate::store::Store;

pub use serve::serve;

/// The longest body that is read: a policy to apply, with room for its JSON.
const LONGEST_BODY: usize = 32 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every call needs.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) entrance: Entrance,
    pub(crate) settings: Arc<ApiSettings>,
    /// Suggestions made a moment ago.
    pub(crate) kept: Arc<Kept>,
    /// Says `true` when the collector ends, so that streams end too.
    pub(crate) ending: watch::Receiver<bool>,
}

/// What calls depend on besides the database.
#[derive(Debug)]
pub struct ApiSettings {
    /// The tenant that `x-tenant-id` must name, if it names one.
    pub tenant: String,
    /// The services that are known.
    pub catalogue: Catalogue,
    /// The tenant's own hosts, which are never suggested.
    pub infrastructure: Infrastructure,
    /// Private blocks that the proxies let any name lead to.
    pub resolves_to: Vec<String>,
}

impl App {
    /// From its parts.
    #[must_use]
    pub fn new(store: Store, gate: Gate, settings: ApiSettings, ending: watch::Receiver<bool>) -> Self {
        Self {
            entrance: Entrance::new(store.clone()),
            store,
            gate,
            settings: Arc::new(settings),
            kept: Arc::default(),
            ending,
        }
    }
}

/// Every path.
pub fn router(app: App) -> Router {
    let (v1, openapi) = OpenApiRouter::with_openapi(specification::base())
        .nest("/api/v1", calls())
        .split_for_parts();
    let openapi = Arc::new(specification::finished(openapi));
    let served = specification::json(&openapi);
    let known = ignored::Known::of(&openapi);
    let documented = Router::new().route("/api/v1/openapi.json", get(async |_: who::Who| served));
    let api = v1
        .merge(documented)
        .layer(middleware::from_fn_with_state(known, ignored::name));
    Router::new()
        .merge(api)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(console::pages())
        .fallback(console::page_or_nothing)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(app.clone(), who::note_address))
        .layer(middleware::from_fn(nul::refuse))
        // Inside of what tidies, because its own answer is plain text.
        .layer(RequestBodyLimitLayer::new(LONGEST_BODY))
        .layer(middleware::from_fn(reply::tidy))
        .layer(middleware::from_fn(measured::count))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new())
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .with_state(app)
}

fn calls() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(overview::list))
        .routes(routes!(resources::list))
        .routes(routes!(resources::show, resources::register))
        .routes(routes!(resources::sandbox))
        .routes(routes!(resources::computer))
        .routes(routes!(policies::list, policies::create))
        .routes(routes!(policies::show, policies::change))
        .routes(routes!(policies::revisions))
        .routes(routes!(policies::revision))
        .routes(routes!(policies::export))
        .routes(routes!(policies::observe))
        .routes(routes!(policies::lockdown))
        .routes(routes!(policies::rollback))
        .routes(routes!(spreading::clone))
        .routes(routes!(spreading::apply))
        .routes(routes!(rules::list, rules::add))
        .routes(routes!(rules::show, rules::remove))
        .routes(routes!(suggestions::list))
        .routes(routes!(suggestions::summary))
        .routes(routes!(suggestions::policy))
        .routes(routes!(destinations::list))
        .routes(routes!(review::covered))
        .routes(routes!(review::over_time))
        .routes(routes!(trial::simulate))
        .routes(routes!(trial::explained))
        .routes(routes!(trial::linted))
        .routes(routes!(audit::list))
        .routes(routes!(audit::show))
        .routes(routes!(export::export))
        .routes(routes!(changes::follow))
        .routes(routes!(stream::all))
        .routes(routes!(stream::of_sandbox))
        .routes(routes!(stream::of_computer))
        .routes(routes!(pending::list))
        .routes(routes!(pending::approve))
        .routes(routes!(pending::block))
        .routes(routes!(pending::dismiss))
        .routes(routes!(proxies::list))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::own))
        .routes(routes!(tokens::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change, users::remove))
        .routes(routes!(sessions::list, sessions::sign_in))
        .routes(routes!(sessions::own, sessions::sign_out))
        .routes(routes!(sessions::end))
        .routes(routes!(operator_log::list))
}

/// A defect must not take the connection, and what it says is for the log.
fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> axum::response::Response {
    use axum::response::IntoResponse;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic");
    let response = Error::Internal(text.to_owned()).into_response();
    debug_assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    response
}
