//! Making the call of a row.

use std::io::{BufRead, BufReader, Read};
use std::sync::LazyLock;

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request, Response};
use ureq::{Agent, Body};

use super::row::Stream;
use crate::wait::PATIENCE;

/// Statuses are answers; no proxy of the user's is asked.
static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE));
    config.build().into()
});

/// What is sent.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
}

/// What came back: JSON where it is JSON, else the list of its lines.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    /// Whether there was any body at all.
    pub(super) is_empty: bool,
}

impl Call {
    fn make(&self) -> Result<Response<Body>, String> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let made = match &self.body {
            Some(body) => request.body(body.clone()).map(|request| AGENT.run(request)),
            None => request.body(()).map(|request| AGENT.run(request)),
        };
        let answer = made.map_err(|error| format!("no such request can be made: {error}"))?;
        answer.map_err(|error| format!("there is no answer: {error}"))
    }

    /// Makes it, and reads the answer to its end.
    pub(super) fn whole(&self) -> Result<Answer, String> {
        let mut response = self.make()?;
        let text = response.body_mut().read_to_string();
        let text = text.map_err(|error| format!("the answer breaks off: {error}"))?;
        let is_json = header(response.headers(), "content-type").is_some_and(|kind| kind == "application/json");
        let body = match is_json {
            true => serde_json::from_str(&text).map_err(|error| format!("the answer is no JSON: {error}: {text}"))?,
            false => text.lines().collect(),
        };
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
            is_empty: text.is_empty(),
        })
    }

    /// Makes it, lets something happen, and reads as much as is asked for.
    pub(super) fn stream(
        &self,
        much: Stream,
        meanwhile: impl FnOnce() -> Result<(), String>,
    ) -> Result<Answer, String> {
        let response = self.make()?;
        let (parts, body) = response.into_parts();
        meanwhile()?;
        let events = match parts.status.as_u16() {
            200 => events(body.into_reader(), much)?,
            _ => Vec::new(),
        };
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            is_empty: events.is_empty(),
            body: Value::Array(events),
        })
    }
}

/// The text of a header.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Reads server-sent events as API.md has them: each one line of JSON in ASCII.
fn events(stream: impl Read, much: Stream) -> Result<Vec<Value>, String> {
    let (mut found, mut comments) = (Vec::new(), 0);
    let mut lines = BufReader::new(stream).lines();
    while found.len() < much.events || comments < much.comments {
        let got = || format!("after {} events and {comments} comments", json!(found));
        let line = lines.next().ok_or_else(|| format!("the stream ends {}", got()))?;
        let line = line.map_err(|error| format!("the stream breaks off {}: {error}", got()))?;
        if !line.is_ascii() {
            return Err(format!("{line:?} is not all ASCII"));
        }
        if line.starts_with(':') {
            comments += 1;
        } else if let Some(data) = line.strip_prefix("data:") {
            let event = serde_json::from_str(data.trim_start());
            found.push(event.map_err(|error| format!("{line:?} is not one line of JSON: {error}"))?);
        } else if !["", "id", "event", "retry"].contains(&line.split(':').next().unwrap_or_default()) {
            return Err(format!("{line:?} is no line of an event stream"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, events: usize, comments: usize) -> Result<Vec<Value>, String> {
        super::events(text.as_bytes(), Stream { events, comments })
    }

    #[test]
    fn events_are_single_lines_of_ascii_json() {
        let stream = ": hello\n\nid: 7\ndata: {\"a\": 1}\n\ndata:{\"b\": \"\\u00e4\"}\n\n";
        assert_eq!(read(stream, 2, 1).unwrap(), [json!({"a": 1}), json!({"b": "ä"})]);
        assert!(read(stream, 3, 0).unwrap_err().contains("the stream ends"));
        assert!(read(stream, 0, 2).is_err());
        for wrong in ["data: {\"b\": \"ä\"}\n", "data: {\n", "{\"a\": 1}\n"] {
            assert!(read(wrong, 1, 0).is_err(), "{wrong}");
        }
    }
}
