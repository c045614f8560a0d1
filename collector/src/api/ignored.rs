//! Names in `x-ignored-parameters` the query parameters that a call does not
//! have, so that a misspelt one does not pass for one that found nothing.
//!
//! Which ones a call has is read from the OpenAPI document: what is not in it does not exist.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use super::input::form;

/// The query parameters of every call.
#[derive(Debug, Clone)]
pub(super) struct Known(Arc<HashMap<(Method, String), BTreeSet<String>>>);

impl Known {
    pub(super) fn of(openapi: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (path, item) in &openapi.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    known.insert((method, path.clone()), queries(operation));
                }
            }
        }
        Self(Arc::new(known))
    }
}

fn queries(operation: &Operation) -> BTreeSet<String> {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .filter(|parameter| matches!(parameter.parameter_in, ParameterIn::Query))
        .map(|parameter| parameter.name.clone())
        .collect()
}

pub(super) async fn name(State(known): State<Known>, request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let key = (request.method().clone(), path.unwrap_or_default());
    let ignored: BTreeSet<String> = match known.0.get(&key) {
        Some(has) => form(request.uri().query().unwrap_or_default())
            .map(|(name, _)| name)
            .filter(|name| !has.contains(name))
            .collect(),
        None => BTreeSet::new(),
    };
    let mut response = next.run(request).await;
    if !ignored.is_empty() {
        // Names are anybody's text; a header takes printable ASCII.
        let names: Vec<String> = ignored
            .iter()
            .take(20)
            .map(|name| name.chars().take(64).collect::<String>())
            .collect();
        let text: String = names.join(", ").escape_default().collect();
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert("x-ignored-parameters", value);
        }
    }
    response
}
