//! Calls of the API that this page came from.

use std::cell::RefCell;

use gloo_net::http::{Method, Request, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Before every path.
const ROOT: &str = "/api/v1";

thread_local! {
    /// What changes are sent with, so that no other site can make this browser send one.
    static CSRF: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sends changes with this from now on.
pub(crate) fn set_csrf(token: Option<String>) {
    CSRF.with_borrow_mut(|csrf| *csrf = token);
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ApiError {
    /// The HTTP status; 0 if there was no answer.
    pub(crate) status: u16,
    /// The API's word for it.
    pub(crate) code: String,
    /// What is wrong, for people.
    pub(crate) message: String,
    /// The members that are wrong.
    pub(crate) details: Value,
}

impl ApiError {
    fn unreachable(error: impl std::fmt::Display) -> Self {
        Self {
            message: format!("The collector does not answer: {error}"),
            ..Self::default()
        }
    }

    fn strange(status: u16, error: impl std::fmt::Display) -> Self {
        Self {
            status,
            code: "STRANGE_ANSWER".to_owned(),
            message: format!("The collector's answer ({status}) is not what this page expects: {error}"),
            details: Value::Null,
        }
    }

    /// Whether nobody is signed in (any more).
    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.status == 401
    }

    /// Whether somebody else changed the policy meanwhile.
    pub(crate) fn is_stale(&self) -> bool {
        self.code == "STALE_REVISION"
    }
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Listed<T> {
    data: Vec<T>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// How many there are in all, where the API says it.
    pub(crate) total: Option<u64>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct Failed {
    error: FailedBody,
}

#[derive(Deserialize)]
struct FailedBody {
    code: String,
    message: String,
    #[serde(default)]
    details: Value,
}

/// One object.
pub(crate) async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    let response = answered(Request::get(&url(path)).send().await).await?;
    Ok(read::<Data<T>>(response).await?.data)
}

/// A list.
pub(crate) async fn list<T: DeserializeOwned>(path: &str) -> Result<List<T>, ApiError> {
    let response = answered(Request::get(&url(path)).send().await).await?;
    let total = response.headers().get("x-total-count");
    let total = total.and_then(|total| total.parse().ok());
    let Listed { data, next_cursor } = read(response).await?;
    Ok(List {
        rows: data,
        total,
        next: next_cursor,
    })
}

/// A change; answers the object as it is then.
pub(crate) async fn post<T: DeserializeOwned>(path: &str, body: &Value) -> Result<T, ApiError> {
    let response = send(Method::POST, path, Some(body)).await?;
    Ok(read::<Data<T>>(response).await?.data)
}

/// A question whose answer is a list, such as lint.
pub(crate) async fn ask<T: DeserializeOwned>(path: &str, body: &Value) -> Result<Vec<T>, ApiError> {
    let response = send(Method::POST, path, Some(body)).await?;
    Ok(read::<Listed<T>>(response).await?.data)
}

/// A change of some members.
pub(crate) async fn patch<T: DeserializeOwned>(path: &str, body: &Value) -> Result<T, ApiError> {
    let response = send(Method::PATCH, path, Some(body)).await?;
    Ok(read::<Data<T>>(response).await?.data)
}

/// Takes something away.
pub(crate) async fn delete(path: &str) -> Result<(), ApiError> {
    send(Method::DELETE, path, None).await.map(|_| ())
}

/// Where a path of the API is, for links and streams.
pub(crate) fn url(path: &str) -> String {
    format!("{ROOT}{path}")
}

async fn send(method: Method, path: &str, body: Option<&Value>) -> Result<Response, ApiError> {
    let mut request = RequestBuilder::new(&url(path)).method(method);
    if let Some(token) = CSRF.with_borrow(Clone::clone) {
        request = request.header("x-csrf-token", &token);
    }
    let sent = match body {
        Some(body) => match request.json(body) {
            Ok(request) => request.send().await,
            Err(error) => Err(error),
        },
        None => request.send().await,
    };
    answered(sent).await
}

async fn answered(sent: Result<Response, gloo_net::Error>) -> Result<Response, ApiError> {
    let response = sent.map_err(ApiError::unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    Err(match serde_json::from_str::<Failed>(&text) {
        Ok(Failed { error }) => ApiError {
            status,
            code: error.code,
            message: error.message,
            details: error.details,
        },
        Err(error) => ApiError::strange(status, error),
    })
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ApiError> {
    let status = response.status();
    let text = response.text().await.map_err(ApiError::unreachable)?;
    serde_json::from_str(&text).map_err(|error| ApiError::strange(status, error))
}
