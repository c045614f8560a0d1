//! WebDriver, as a client speaks it: JSON over HTTP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
use ureq::Agent;

use super::hearing::Heard;

/// Longer than anything that the driver waits for itself.
const TIMEOUT: Duration = Duration::from_secs(90);

/// What the driver refuses to do, or the browser cannot.
#[derive(Debug, Error)]
#[error("{code}: {message}")]
pub(super) struct Problem {
    /// As WebDriver names it.
    pub(super) code: String,
    /// For people.
    pub(super) message: String,
}

impl Problem {
    fn new(code: &str, message: impl ToString) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string(),
        }
    }
}

/// One browser, as its driver knows it.
#[derive(Debug)]
pub(super) struct Session {
    url: String,
    agent: Agent,
    heard: Mutex<Heard>,
    reported: AtomicBool,
}

impl Session {
    /// Starts a browser.
    pub(super) fn start(driver: SocketAddr, capabilities: &Value) -> Result<Self, Problem> {
        let agent = agent();
        let url = format!("http://{driver}/session");
        let made = call(&agent, "POST", &url, Some(&json!({"capabilities": capabilities})))?;
        let id = made["sessionId"].as_str();
        let id = id.ok_or_else(|| Problem::new("no session", &made))?;
        Ok(Self {
            url: format!("{url}/{id}"),
            agent,
            heard: Mutex::default(),
            reported: AtomicBool::new(false),
        })
    }

    /// Asks for something.
    pub(super) fn get(&self, path: &str) -> Result<Value, Problem> {
        call(&self.agent, "GET", &format!("{}/{path}", self.url), None)
    }

    /// Does something.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        call(&self.agent, "POST", &format!("{}/{path}", self.url), Some(body))
    }

    /// Runs the body of a function in the page; its Content-Security-Policy has no say in that.
    pub(super) fn run(&self, script: &str, arguments: &Value) -> Result<Value, Problem> {
        self.post("execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// A command of the Chrome DevTools Protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, Problem> {
        self.post("goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// What was heard of the browser, since it started.
    pub(super) fn heard(&self) -> Result<MutexGuard<'_, Heard>, Problem> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // The driver tells everything once.
        for kind in ["browser", "performance"] {
            heard.take(kind, &self.post("se/log", &json!({"type": kind}))?);
        }
        Ok(heard)
    }

    /// From now on, a failure of this test has been told.
    pub(super) fn reported(&self) {
        self.reported.store(true, Ordering::Relaxed);
    }

    pub(super) fn was_reported(&self) -> bool {
        self.reported.load(Ordering::Relaxed)
    }
}

/// Whether a driver takes sessions.
pub(super) fn is_ready(driver: SocketAddr) -> bool {
    let status = call(&agent(), "GET", &format!("http://{driver}/status"), None);
    status.is_ok_and(|status| status["ready"] == true)
}

fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(TIMEOUT)).build().into()
}

fn call(agent: &Agent, method: &str, url: &str, body: Option<&Value>) -> Result<Value, Problem> {
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = request.header("content-type", "application/json; charset=utf-8");
    let lost = |error: ureq::Error| Problem::new("no answer of the driver", error);
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.body(body).map_err(|error| Problem::new("no request", error))?;
    let mut answer = agent.run(request).map_err(lost)?;
    // A screenshot of a long page, or the log of a busy one.
    let text = answer
        .body_mut()
        .with_config()
        .limit(256 << 20)
        .read_to_string()
        .map_err(lost)?;
    let mut answered: Value = serde_json::from_str(&text).map_err(|error| Problem::new("no JSON", error))?;
    let value = answered["value"].take();
    match value["error"].as_str() {
        // The stack of the driver, which follows its message, is of no use.
        Some(code) if !answer.status().is_success() => {
            Err(Problem::new(code, value["message"].as_str().unwrap_or_default().trim()))
        }
        _ => Ok(value),
    }
}
