//! HTTP Archive 1.2, read for its requests only.
//!
//! Dialects differ in everything but `request.method`, `request.url` and
//! `startedDateTime`, and some tools leave the last one empty.

use std::fmt;

use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::Value;
use sluice_policy::Timestamp;
use url::Url;

use super::error::{SkipReason, shortened};
use super::records::Parsed;
use super::traffic::Traffic;

type Entry = Result<Parsed, SkipReason>;

/// All entries of an archive, each read or refused by itself.
pub(super) fn entries(archive: &[u8]) -> Result<Vec<Entry>, serde_json::Error> {
    let archive: Archive = serde_json::from_slice(archive)?;
    Ok(archive.log.entries.0)
}

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Entries,
}

struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OneByOne)
    }
}

/// Keeps what matters of each entry and lets go of its bodies before the next.
struct OneByOne;

impl<'de> Visitor<'de> for OneByOne {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(value) = list.next_element::<Value>()? {
            entries.push(entry(&value));
        }
        Ok(Entries(entries))
    }
}

fn entry(value: &Value) -> Entry {
    let text = text(value, "/request/url", "request.url", "a URL")?;
    let method = method_of(value);
    if method.as_ref().is_ok_and(|method| *method == "CONNECT") && !text.contains("://") {
        // `host:port`, as the request line has it, and not a URL.
        return Ok(parsed(value, Traffic::Tunnel { authority: text.into() }));
    }
    let url = Url::parse(text).map_err(|problem| SkipReason::Url {
        url: shortened(text),
        problem,
    })?;
    let tls = match url.scheme() {
        "http" | "ws" => false,
        "https" | "wss" => true,
        scheme => {
            return Err(SkipReason::Scheme {
                scheme: shortened(scheme),
            });
        }
    };
    // The method comes last: some tools give none to the URLs that are no traffic.
    Ok(parsed(value, traffic(&url, tls, method?)))
}

fn parsed(value: &Value, traffic: Traffic) -> Parsed {
    let at = value.get("startedDateTime").and_then(Value::as_str);
    Parsed {
        at: at.and_then(|at| Timestamp::parse_rfc3339(at).ok()),
        count: 1,
        traffic,
        // What a browser behind a proxy dials is the proxy.
        address: None,
    }
}

/// What a client makes of a URL before it sends it: the `url` crate follows the
/// same standard as browsers, which drops user name, password and fragment.
fn traffic(url: &Url, tls: bool, method: &str) -> Traffic {
    let default = if tls { 443 } else { 80 };
    let authority = format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port().unwrap_or(default)
    );
    if method == "CONNECT" {
        return Traffic::Tunnel {
            authority: authority.into_bytes(),
        };
    }
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    Traffic::Exchange {
        tls,
        authority: authority.into_bytes(),
        method: method.into(),
        path: Some(path.into_bytes()),
    }
}

fn method_of(value: &Value) -> Result<&str, SkipReason> {
    text(value, "/request/method", "request.method", "an HTTP method")
}

/// The string at `pointer`, which must not be empty.
fn text<'v>(
    value: &'v Value,
    pointer: &str,
    field: &'static str,
    expected: &'static str,
) -> Result<&'v str, SkipReason> {
    let found = match value.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => return Ok(text),
        Some(Value::String(_)) => "empty".to_owned(),
        Some(other) => shortened(&other.to_string()),
        None => "missing".to_owned(),
    };
    Err(SkipReason::Field { field, found, expected })
}
