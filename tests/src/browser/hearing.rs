//! What is heard of a browser: what its pages ask for, and what it says of them on its console.

use serde_json::Value;

/// A line of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// Where it comes from, and what it says.
    pub text: String,
}

/// Everything since the browser started.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) console: Vec<Message>,
    /// The URLs, in the order of asking.
    pub(super) requests: Vec<String>,
}

impl Heard {
    /// Adds entries of one of the driver's logs.
    pub(super) fn take(&mut self, kind: &str, entries: &Value) {
        for entry in entries.as_array().into_iter().flatten() {
            let said = entry["message"].as_str().unwrap_or_default();
            match kind {
                "performance" => self.requests.extend(requested(said)),
                _ => self.console.push(Message {
                    level: entry["level"].as_str().unwrap_or_default().to_owned(),
                    text: said.to_owned(),
                }),
            }
        }
    }
}

/// The URL, if an event of the DevTools Protocol tells of a page that asks for one, even in vain.
fn requested(event: &str) -> Option<String> {
    let event: Value = serde_json::from_str(event).ok()?;
    let event = &event["message"];
    let url = match event["method"].as_str()? {
        "Network.requestWillBeSent" => &event["params"]["request"]["url"],
        "Network.webSocketCreated" | "Network.webTransportCreated" => &event["params"]["url"],
        _ => return None,
    };
    url.as_str().map(str::to_owned)
}

/// Whether asking for this leaves the origin. What a page carries in itself does not.
pub(super) fn is_external(url: &str, origin: &str) -> bool {
    let inside = url
        .strip_prefix(origin.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    let carried = ["data:", "blob:", "about:"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    !inside && !carried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_the_origin_is_not_yet_of_it() {
        let origin = "http://127.0.0.1:80";
        for own in [
            "http://127.0.0.1:80",
            "http://127.0.0.1:80/a",
            "http://127.0.0.1:80?a",
            "data:,a",
            "blob:a",
        ] {
            assert!(!is_external(own, origin), "{own}");
        }
        for other in [
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:80@example.com/",
            "ws://127.0.0.1:80/",
            "/a",
        ] {
            assert!(is_external(other, origin), "{other}");
        }
    }
}
