//! Running a table against a collector.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::call::{Answer, Call, header};
use super::pattern;
use super::row::{Row, Send};
use super::send::Sequences;
use super::values::Values;
use crate::otlp::Client;

/// Where a collector listens, and who may do everything there.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Its REST API.
    pub http: SocketAddr,
    /// Where events go.
    pub grpc: SocketAddr,
    /// An admin's token.
    pub token: String,
}

/// Paths that are not below `/api/v1`.
const ROOT: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const NOBODY: &str = "nobody";
const ADMIN: &str = "admin";

/// Runs all rows in order; what is wrong, a paragraph for each row.
#[must_use]
pub fn run(name: &str, rows: &[Row], at: &Addresses) -> Vec<String> {
    let mut runner = Runner {
        at,
        values: Values::default(),
        sequences: Sequences::default(),
    };
    runner.values.keep(ADMIN, json!(at.token));
    let mut failures = Vec::new();
    for (number, row) in (1..).zip(rows) {
        if let Err(problem) = runner.row(row) {
            failures.push(format!("{name} row {number}: {}\n{problem}", row.says));
        }
    }
    failures
}

struct Runner<'a> {
    at: &'a Addresses,
    values: Values,
    sequences: Sequences,
}

impl Runner<'_> {
    fn row(&mut self, row: &Row) -> Result<(), String> {
        let Some(text) = &row.call else {
            return row.send.as_ref().map_or(Ok(()), |send| self.send(send));
        };
        let call = self.call(row, text)?;
        let answer = match row.stream {
            Some(much) => call.stream(much, || row.send.as_ref().map_or(Ok(()), |send| self.send(send))),
            None => call.whole(),
        };
        let answer = answer.map_err(|problem| format!("  {problem}\n{}", shown(&call)))?;
        for (name, pointer) in &row.keep {
            if let Some(value) = answer.body.pointer(pointer) {
                self.values.keep(name, value.clone());
            }
        }
        let problems = self.problems(row, &answer)?;
        if problems.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for problem in problems {
            let _ = writeln!(text, "  {problem}");
        }
        let Answer { status, body, .. } = answer;
        Err(format!("{text}{}  got     {status} {body}\n", shown(&call)))
    }

    fn call(&self, row: &Row, text: &str) -> Result<Call, String> {
        let (method, path) = text.split_once(' ').ok_or("a call is METHOD and PATH")?;
        let path = self.values.text(path)?;
        let bare = path.split('?').next().unwrap_or_default();
        let prefix = if ROOT.contains(&bare) { "" } else { "/api/v1" };
        let mut headers = Vec::new();
        match row.caller.as_deref().unwrap_or(ADMIN) {
            NOBODY => {}
            name => headers.push(("authorization".to_owned(), format!("Bearer {}", self.token(name)?))),
        }
        let body = match (&row.body, &row.text) {
            (Some(body), _) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                Some(self.values.value(body)?.to_string())
            }
            (None, Some(text)) => Some(self.values.text(text)?),
            (None, None) => None,
        };
        for (name, value) in &row.headers {
            headers.push((name.clone(), self.values.text(value)?));
        }
        Ok(Call {
            method: method.to_owned(),
            url: format!("http://{}{prefix}{path}", self.at.http),
            headers,
            body,
        })
    }

    fn token(&self, name: &str) -> Result<&str, String> {
        self.values
            .get(name)?
            .as_str()
            .ok_or_else(|| format!("{name} is no token"))
    }

    fn send(&mut self, send: &Send) -> Result<(), String> {
        let batch = self.sequences.batch(send)?;
        let client = Client::of(self.at.grpc.port()).token(self.token(&send.caller)?);
        let refusal = match client.export(&batch) {
            Ok(answer) => {
                let refused = answer
                    .partial_success
                    .filter(|partial| partial.rejected_log_records > 0);
                refused.map(|partial| partial.error_message)
            }
            Err(status) => Some(format!("{:?}: {}", status.code(), status.message())),
        };
        match (refusal, &send.refused) {
            (None, None) => Ok(()),
            (Some(refusal), Some(expected)) if refusal.contains(expected) => Ok(()),
            (Some(refusal), None) => Err(format!("  events are refused: {refusal}")),
            (refusal, Some(expected)) => Err(format!("  expected a refusal with {expected:?}, got {refusal:?}")),
        }
    }

    /// What the row says of the answer and is not so.
    fn problems(&self, row: &Row, answer: &Answer) -> Result<Vec<String>, String> {
        let mut problems = Vec::new();
        if let Some(status) = row.status.filter(|status| *status != answer.status) {
            problems.push(format!("expected status {status}, got {}", answer.status));
        }
        for (name, expected) in &row.answer_headers {
            let object = match header(&answer.headers, name) {
                Some(value) => json!({ name: value }),
                None => json!({}),
            };
            let expected = json!({ name: self.values.value(expected)? });
            problems.extend(pattern::fit(&expected, &object).err().into_iter().flatten());
        }
        match &row.answer {
            Some(expected) => {
                let expected = closed(self.values.value(expected)?);
                problems.extend(pattern::fit(&expected, &answer.body).err().into_iter().flatten());
            }
            None if row.status == Some(204) && !answer.is_empty => {
                problems.push("expected no body".to_owned());
            }
            None => {}
        }
        for (name, pointer) in &row.keep {
            if answer.body.pointer(pointer).is_none() {
                problems.push(format!("{pointer} is to be kept as {name}, and is not there"));
            }
        }
        Ok(problems)
    }
}

/// An object at the top has no further members: SDKs unwrap only what has no others.
fn closed(mut expected: Value) -> Value {
    if let Value::Object(members) = &mut expected
        && !members.keys().any(|name| name.starts_with('$'))
    {
        members.insert("$only".to_owned(), json!(true));
    }
    expected
}

fn shown(call: &Call) -> String {
    let Call {
        method,
        url,
        headers,
        body,
    } = call;
    let headers: Vec<_> = headers.iter().filter(|(name, _)| name != "authorization").collect();
    let body = body.as_deref().unwrap_or_default();
    format!("  called  {method} {url} {headers:?} {body}\n")
}
