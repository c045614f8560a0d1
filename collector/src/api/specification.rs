//! The OpenAPI document: what the handlers say of themselves, and what is true of all calls.

use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use super::shapes;
use crate::access::SessionCookie;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sluice",
        description = "Egress allowlist for sandboxes: what they talk to, what they may, and what they were refused."
    ),
    components(schemas(shapes::Failure))
)]
struct Base;

/// What the document begins with.
pub(super) fn base() -> OpenApi {
    Base::openapi()
}

/// Statuses that any call may answer with, besides its own.
const ERRORS: [(&str, &str); 9] = [
    ("401", "No token or session, or one that is not known here"),
    (
        "403",
        "This token or session may not, or the call of a browser lacks x-csrf-token or comes from another place",
    ),
    ("404", "No such thing"),
    (
        "409",
        "Somebody changed it in between, it exists already, or a deny rule makes it useless",
    ),
    ("413", "The body or what would come of it is too large"),
    ("422", "What was sent makes no sense; details name the fields"),
    ("429", "Too many requests; retry_after_ms says when to try again"),
    ("500", "A defect; the log says what"),
    (
        "503",
        "The database does not answer, or the collector is shutting down; nothing was changed",
    ),
];

/// Adds to every call the errors and the security that all have.
pub(super) fn finished(mut openapi: OpenApi) -> OpenApi {
    for item in openapi.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete(operation);
        }
    }
    let components = openapi.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("token", bearer);
    let session = ApiKeyValue::with_description(
        SessionCookie::Plain.name(),
        "The cookie of POST /sessions, for browsers; with TLS its name begins with __Host-. Calls other than GET \
         repeat the session's csrf_token in x-csrf-token.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    let one_of = ["token", "session"].map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []));
    openapi.security = Some(one_of.into());
    openapi
}

fn complete(operation: &mut Operation) {
    for (status, description) in ERRORS {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Failure")))
            .build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content);
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(response.build()));
    }
}

/// As it is served.
pub(super) fn json(openapi: &OpenApi) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::to_value(openapi).unwrap_or_default())
}
