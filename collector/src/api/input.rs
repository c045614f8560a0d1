//! What is sent: JSON bodies and query parameters, read member by member so
//! that an error names the one that is wrong.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::HeaderMap;
use http::header::IF_MATCH;
use http::request::Parts;
use serde_json::{Map, Value};

use super::nul;
use crate::error::Error;
use crate::moment::{self, Moment};
use crate::resource::Resource;

/// A JSON object. An empty body is an empty object.
#[derive(Debug)]
pub(super) struct Input(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Input {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| match error.status() {
            http::StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(error.body_text()),
            _ => Error::invalid(error.body_text()),
        })?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => {
                nul::refuse_in(&object)?;
                Ok(Self(object))
            }
            Ok(_) => Err(Error::invalid("the body is not a JSON object")),
            Err(error) => Err(Error::invalid(format!("the body is not JSON: {error}"))),
        }
    }
}

impl Input {
    /// A member; null is the same as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Error::field(key, other, "a text")),
        }
    }

    /// A text of at most this many characters.
    pub(super) fn short(&self, key: &str, most: usize) -> Result<Option<String>, Error> {
        match self.text(key)? {
            Some(text) if text.chars().count() > most => {
                Err(Error::field(key, text, &format!("at most {most} characters long")))
            }
            text => Ok(text.map(str::to_owned)),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<&str, Error> {
        self.text(key)?.ok_or_else(|| Error::field(key, "nothing", "a text"))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Error> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(Error::field(key, other, "true or false")),
        }
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<i64>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| Error::field(key, value, "a whole number")),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&Vec<Value>>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(Error::field(key, other, "a list")),
        }
    }

    /// A list of texts; one that is not there is empty.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let texts = self.list(key)?.map_or(&[][..], Vec::as_slice).iter();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        texts
            .map(|value| text(value).ok_or_else(|| Error::field(key, value, "a list of texts")))
            .collect()
    }

    pub(super) fn note(&self) -> Result<String, Error> {
        Ok(self.short("note", 4096)?.unwrap_or_default())
    }

    /// A span such as `2h`, in microseconds.
    pub(super) fn span(&self, key: &str) -> Result<Option<i64>, Error> {
        let wrong = |text: &str| Error::field(key, text, "a time of up to 366 days, such as 30m, 2h, 7d");
        match self.text(key)? {
            None => Ok(None),
            Some(text) => match moment::span(text) {
                Some(span) if span > 0 && span <= 366 * moment::DAY => Ok(Some(span)),
                _ => Err(wrong(text)),
            },
        }
    }

    /// `resource_type` and `resource_id`, if any is there.
    pub(super) fn resource(&self) -> Result<Option<Resource>, Error> {
        resource(self.text("resource_type")?, self.text("resource_id")?)
    }

    /// Refuses members that mean nothing here. Those in `shown` come back from
    /// clients that send what they were shown, and change nothing.
    pub(super) fn only(&self, known: &[&str], shown: &[&str]) -> Result<(), Error> {
        let unknown = self
            .0
            .keys()
            .find(|key| !known.contains(&key.as_str()) && !shown.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(Error::field(
                key,
                "this member",
                &format!("one of {}", known.join(", ")),
            )),
        }
    }
}

fn resource(kind: Option<&str>, id: Option<&str>) -> Result<Option<Resource>, Error> {
    match (kind, id) {
        (None, None) => Ok(None),
        (Some(kind), id) => Resource::checked(kind, id.unwrap_or_default()).map(Some),
        (None, Some(id)) => Err(Error::Validation {
            message: "resource_id without resource_type".to_owned(),
            details: serde_json::json!([{"field": "resource_type", "value": "", "expected": format!("the type of {id}")}]),
        }),
    }
}

/// Query parameters. Of one that is there twice the last one counts.
#[derive(Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

/// The names and values of a query.
pub(super) fn form(query: &str) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned()
}

impl Query {
    /// Of the text behind the question mark.
    pub(super) fn of(query: &str) -> Self {
        Self(form(query).collect())
    }

    /// A parameter; an empty one is the same as none.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.text(key) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(Error::field(key, other, "true or false")),
        }
    }

    pub(super) fn number(&self, key: &str, least: i64, most: i64) -> Result<Option<i64>, Error> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = text
            .parse::<i64>()
            .ok()
            .filter(|number| (least..=most).contains(number));
        let number =
            number.ok_or_else(|| Error::field(key, text, &format!("a whole number from {least} to {most}")))?;
        Ok(Some(number))
    }

    pub(super) fn moment(&self, key: &str) -> Result<Option<Moment>, Error> {
        self.text(key)
            .map(|text| Moment::parse_since(key, text, Moment::now()))
            .transpose()
    }

    pub(super) fn resource(&self) -> Result<Option<Resource>, Error> {
        resource(self.text("resource_type"), self.text("resource_id"))
    }
}

/// The revision that `If-Match` names: `"7"`, or anything at all with `*`.
#[derive(Debug)]
pub(super) struct IfMatch(pub(super) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        revision_of(&parts.headers).map(Self)
    }
}

fn revision_of(headers: &HeaderMap) -> Result<Option<i64>, Error> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let bare = text.trim().trim_start_matches("W/").trim_matches('"');
    if bare == "*" {
        return Ok(None);
    }
    match bare.parse() {
        Ok(revision) => Ok(Some(revision)),
        Err(_) => Err(Error::field(
            "if-match",
            text,
            "a policy's revision in quotes, such as \"7\"",
        )),
    }
}
