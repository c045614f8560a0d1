//! A client of the collector's API.

use std::net::SocketAddr;

use serde_json::Value;
use ureq::Agent;
use ureq::http::request::Builder;
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

    /// The same collector with another token; with an empty one, without any.
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

    /// Changes what is as the caller saw it: `If-Match`.
    #[must_use]
    pub fn patch_if(&self, path: &str, revision: &str, body: &Value) -> Answer {
        let request = self.request("PATCH", path).header("if-match", revision);
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let answered = self.agent.run(request.expect("paths of tests are valid"));
        read(answered.unwrap_or_else(|error| panic!("PATCH {path}: {error}")))
    }

    /// Only the status, of an answer that need not end.
    #[must_use]
    pub fn status(&self, method: &str, path: &str, body: Option<&Value>) -> u16 {
        self.answer(method, path, body).status().as_u16()
    }

    /// The text of an answer that says yes.
    ///
    /// # Panics
    /// If it says no.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        let mut answer = self.answer("GET", path, None);
        assert_eq!(answer.status(), 200, "{path}");
        text(&mut answer)
    }

    /// Removes.
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        read(self.answer(method, path, body))
    }

    fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Response<ureq::Body> {
        let request = self.request(method, path);
        let answered = match body {
            Some(body) => {
                let request = request
                    .header("content-type", "application/json")
                    .body(body.to_string());
                self.agent.run(request.expect("paths of tests are valid"))
            }
            None => self.agent.run(request.body(()).expect("paths of tests are valid")),
        };
        answered.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        match self.token.as_str() {
            "" => request,
            token => request.header("authorization", format!("Bearer {token}")),
        }
    }
}

fn read(mut answer: Response<ureq::Body>) -> Answer {
    let text = text(&mut answer);
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

fn text(answer: &mut Response<ureq::Body>) -> String {
    let body = answer.body_mut().with_config().limit(64 << 20);
    body.read_to_string().expect("answers are text")
}
