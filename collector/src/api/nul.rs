//! NUL characters, which PostgreSQL keeps in no text: they are a mistake of the caller's, on every database.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::input::form;
use crate::error::Error;

const EXPECTED: &str = "a text without NUL characters";

/// Refuses calls with one in the path or in a query parameter.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    if request.uri().path().contains("%00") {
        return Error::NotFound("such path".to_owned()).into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let wrong = form(query).find(|(name, value)| name.contains('\0') || value.contains('\0'));
    match wrong {
        Some((name, value)) => Error::field(&name.escape_debug().to_string(), value, EXPECTED).into_response(),
        None => next.run(request).await,
    }
}

/// Refuses a body with one in a member, at whatever depth.
pub(super) fn refuse_in(body: &Map<String, Value>) -> Result<(), Error> {
    match body.iter().find(|(name, value)| name.contains('\0') || has(value)) {
        Some((name, value)) => Err(Error::field(&name.escape_debug().to_string(), value, EXPECTED)),
        None => Ok(()),
    }
}

fn has(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has),
        Value::Object(object) => object.iter().any(|(name, value)| name.contains('\0') || has(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        for (body, is_right) in [
            (json!({"a": "b", "c": ["d", {"e": 1, "f": null}]}), true),
            (json!({"a": "\0"}), false),
            (json!({"a\0": 1}), false),
            (json!({"a": [{"b": "c\0"}]}), false),
            (json!({"a": {"b\0": 1}}), false),
        ] {
            let refused = refuse_in(body.as_object().unwrap());
            assert_eq!(refused.is_ok(), is_right, "{body}");
        }
    }
}
