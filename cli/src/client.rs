//! Talks to a collector: one blocking HTTP client for every operator command.

mod config;
mod connection;
mod error;
mod fields;
mod pages;
mod tls;
mod wait;

use std::thread;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Response, StatusCode, header};
use url::Url;

pub(crate) use config::{Config, ConfigError};
pub(crate) use connection::{Connection, is_loopback};
pub(crate) use error::{ApiError, ClientError};
pub(crate) use fields::Fields;
pub(crate) use pages::data;
pub(crate) use tls::TlsError;

use crate::output;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(120);
/// The largest answer that is read whole: policies of 100,000 rules fit.
const LARGEST: u64 = 256 << 20;
/// How often a call is made again when the collector asks to wait.
const TRIES: u32 = 5;

/// A collector, and who asks.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: Url,
    token: Option<String>,
}

/// A path behind `/api/v1`, and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    path: &'a str,
    query: Vec<(&'a str, String)>,
}

impl<'a> Call<'a> {
    /// A path whose variable parts were checked by whoever made it.
    pub(crate) fn new(path: &'a str) -> Self {
        Self {
            path,
            query: Vec::new(),
        }
    }

    /// A query parameter.
    pub(crate) fn with(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// A query parameter that may be absent.
    pub(crate) fn with_some(self, name: &'a str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl Client {
    /// The collector's address, for messages.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether there is a token at all.
    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Reads something.
    pub(crate) fn get(&self, call: &Call<'_>) -> Result<Value, ClientError> {
        self.document(Method::GET, call, None)
    }

    /// Makes or does something.
    pub(crate) fn post(&self, call: &Call<'_>, body: &Value) -> Result<Value, ClientError> {
        self.document(Method::POST, call, Some(body))
    }

    /// As [`Client::post`], and whether something was made that was not there before.
    pub(crate) fn create(&self, call: &Call<'_>, body: &Value) -> Result<(bool, Value), ClientError> {
        let mut response = self.call(Method::POST, call, Some(body))?;
        let created = response.status() == StatusCode::CREATED;
        Ok((created, self.read(&mut response)?))
    }

    /// Changes something.
    pub(crate) fn patch(&self, call: &Call<'_>, body: &Value) -> Result<Value, ClientError> {
        self.document(Method::PATCH, call, Some(body))
    }

    /// Makes or replaces what has a name already.
    pub(crate) fn put(&self, call: &Call<'_>, body: &Value) -> Result<Value, ClientError> {
        self.document(Method::PUT, call, Some(body))
    }

    /// Removes something.
    pub(crate) fn delete(&self, call: &Call<'_>) -> Result<(), ClientError> {
        self.call(Method::DELETE, call, None).map(drop)
    }

    /// Reads something that is too long to hold.
    pub(crate) fn stream(&self, call: &Call<'_>) -> Result<impl std::io::Read + use<>, ClientError> {
        let response = self.call(Method::GET, call, None)?;
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// Asks a path outside `/api/v1`, once, and takes whatever comes.
    pub(crate) fn probe(&self, path: &str) -> Result<Response<ureq::Body>, ClientError> {
        self.send(&Method::GET, self.url_of(path, &[]), None)
    }

    fn document(&self, method: Method, call: &Call<'_>, body: Option<&Value>) -> Result<Value, ClientError> {
        let mut response = self.call(method, call, body)?;
        self.read(&mut response)
    }

    fn read(&self, response: &mut Response<ureq::Body>) -> Result<Value, ClientError> {
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let read = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body = read.map_err(|error| ClientError::unreachable(&self.url, &error))?;
        serde_json::from_slice(&body).map_err(|_| ClientError::NotACollector {
            url: self.url.to_string(),
            status: response.status().as_u16(),
        })
    }

    /// Calls, waits where the collector asks to, and turns its refusals into errors.
    fn call(&self, method: Method, call: &Call<'_>, body: Option<&Value>) -> Result<Response<ureq::Body>, ClientError> {
        let url = self.url_of(&format!("/api/v1{}", call.path), &call.query);
        let mut tried = 0;
        loop {
            let mut response = self.send(&method, url.clone(), body)?;
            if response.status().is_success() {
                return Ok(response);
            }
            let error = ApiError::of(&mut response).ok_or_else(|| ClientError::NotACollector {
                url: self.url.to_string(),
                status: response.status().as_u16(),
            })?;
            tried += 1;
            match wait::before_again(&error, response.headers()) {
                Some(wait) if tried < TRIES => {
                    output::message(format_args!("{}: trying again in {wait:?}", error.code));
                    thread::sleep(wait);
                }
                _ => return Err(ClientError::Api(Box::new(error))),
            }
        }
    }

    fn send(&self, method: &Method, url: Url, body: Option<&Value>) -> Result<Response<ureq::Body>, ClientError> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string);
        let sent = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
            None => request
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
        };
        sent.map_err(|error| ClientError::unreachable(&self.url, &error))
    }

    /// The base may have a path of its own, where a proxy puts the collector.
    fn url_of(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}
