//! A client of the collector's API.

use std::net::SocketAddr;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};

/// A client with a token.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    token: String,
    agent: Agent,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null if there is none.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that says yes.
    ///
    /// # Panics
    /// If it says no.
    #[must_use]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// A member of `data` of an answer that says yes.
    ///
    /// # Panics
    /// If it says no.
    #[must_use]
    pub fn data(self, member: &str) -> Value {
        self.ok()["data"][member].clone()
    }

    /// The code of an answer that says no.
    ///
    /// # Panics
    /// If it says yes.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {} {}", self.status, self.body))
    }
}

impl Api {
    /// Of a collector, with a token.
    #[must_use]
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        Self {
            url: format!("http://{address}/api/v1"),
            token: token.to_owned(),
            agent: config.build().into(),
        }
    }

    /// The same collector with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    /// Reads.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    /// Makes or does.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    /// Puts.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body))
    }

    /// Changes.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body))
    }

    /// Removes.
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token));
        let answered: Result<Response<ureq::Body>, _> = match body {
            Some(body) => {
                let request = request
                    .header("content-type", "application/json")
                    .body(body.to_string());
                self.agent.run(request.expect("paths of tests are valid"))
            }
            None => self.agent.run(request.body(()).expect("paths of tests are valid")),
        };
        let mut answer = answered.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .expect("answers are text");
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Answer {
            status: answer.status().as_u16(),
            body,
        }
    }
}
