//! What a client is told whose request is refused.

use serde::{Deserialize, Serialize};
use sluice_policy::{Decision, Reason, Rejection, Why};

/// The workload being governed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// `sandbox`, `computer`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.id.as_str() {
            "" => self.kind.fmt(f),
            id => write!(f, "{}/{id}", self.kind),
        }
    }
}

impl Resource {
    /// The scope above all resources, where one is to be named like them.
    #[must_use]
    pub fn tenant() -> Self {
        Self {
            kind: "tenant".to_owned(),
            id: String::new(),
        }
    }
}

/// A refusal in the form of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: u32,
    /// Response code details for the access log; no white space, as Envoy's own.
    pub details: String,
    /// `x-sluice-rejected-by`
    pub rejected_by: String,
    /// A JSON error, as the API's.
    pub body: Vec<u8>,
}

/// The body: `{"error": …}`, the shape of every error of the API.
#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'static str,
    message: String,
    details: Details<'a>,
    retryable: bool,
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct Details<'a> {
    host: Option<String>,
    port: Option<u16>,
    rejected_by: &'a str,
    nearest: Option<sluice_policy::NearestRecord<'a>>,
    resource: Option<&'a Resource>,
    /// An inline policy has no revision.
    revision: Option<u64>,
}

impl Refusal {
    /// The refusal of a request that cannot even be decided, because the plugin
    /// has no configuration.
    #[must_use]
    pub fn unconfigured() -> Self {
        Self::without_decision(Reason::NoPolicy)
    }

    /// The refusal of a request of which nothing is known but this reason.
    #[must_use]
    pub fn without_decision(reason: Reason) -> Self {
        let rejected_by = reason.as_str();
        let details = Details {
            host: None,
            port: None,
            rejected_by,
            nearest: None,
            resource: None,
            revision: None,
        };
        let message = format!("egress is not allowed: {}", because(reason));
        Self::new(403, rejected_by, message, details)
    }

    fn new(status: u32, rejected_by: &str, message: String, details: Details<'_>) -> Self {
        let body = Body {
            error: Error {
                code: "EGRESS_HOST_NOT_ALLOWED",
                message,
                details,
                retryable: false,
                retry_after_ms: None,
            },
        };
        Self {
            status,
            details: format!("sluice_rejected{{{rejected_by}}}"),
            rejected_by: rejected_by.to_owned(),
            body: serde_json::to_vec(&body).unwrap_or_default(),
        }
    }

    /// The refusal of a decision; `None` if its verdict is not to reject.
    #[must_use]
    pub fn of(decision: &Decision<'_, '_>, resource: Option<&Resource>, revision: Option<u64>) -> Option<Self> {
        let rejection = decision.rejection()?;
        let rejected_by = rejection.rejected_by();
        let record = decision.record();
        let details = Details {
            host: record.host.map(Into::into),
            port: record.port,
            rejected_by,
            nearest: record.nearest,
            resource,
            revision,
        };
        Some(Self::new(
            status(rejection),
            rejected_by,
            message(decision, rejection),
            details,
        ))
    }
}

/// 403, and 421 where another connection might do (RFC 9110 §15.5.20).
fn status(rejection: &Rejection<'_>) -> u32 {
    match rejection {
        Rejection::Reason(Reason::SniMismatch) => 421,
        _ => 403,
    }
}

/// One sentence for the person who reads it in a terminal, and what to do.
fn message(decision: &Decision<'_, '_>, rejection: &Rejection<'_>) -> String {
    let target = match decision.target() {
        Some(target) => format!("{}:{}", target.host, target.port),
        None => "this target".to_owned(),
    };
    match rejection {
        Rejection::Rule(rule) => format!("egress to {target} is denied by rule {}", rule.id()),
        Rejection::Default(None) => {
            format!("egress to {target} is not allowed: no rule allows it; ask the operator to add one")
        }
        Rejection::Default(Some(nearest)) => format!(
            "egress to {target} is not allowed: rule {} names the host, but {}",
            nearest.rule.id(),
            match nearest.why {
                Why::Expired => "it has expired",
                Why::Port => "not this port",
                Why::Opaque => "it needs a method or path, which are not visible here",
                Why::Method => "not this method",
                Why::Path => "not this path",
            }
        ),
        Rejection::Invalid(invalid) => format!("egress to {target} is not allowed: {invalid}"),
        Rejection::Reason(reason) => format!("egress to {target} is not allowed: {}", because(*reason)),
    }
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::DefaultDeny => "no rule allows it",
        Reason::InvalidAuthority => "the target is not valid",
        Reason::SniMissing => "the connection has no server name",
        Reason::SniMismatch => "the server name of the connection is another one; open a new connection",
        Reason::PrivateAddress => "the name resolves to an address that is not public",
        Reason::SelfAddress => "it is the proxy itself",
        Reason::NoPolicy => "no policy has arrived yet",
        Reason::NoResource => "the proxy cannot tell which resource asks",
    }
}

#[cfg(test)]
mod tests {
    use sluice_policy::{Policy, Seen, Surroundings, Timestamp};

    use super::*;

    fn refusal(method: &[u8], authority: &[u8]) -> Option<(Refusal, serde_json::Value)> {
        let policy = Policy::from_json(
            br#"{"mode": "enforce", "rules": [
                {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"]},
                {"id": "no", "effect": "deny", "host": "no.example.com"}]}"#,
        )
        .unwrap();
        let resource = Resource {
            kind: "sandbox".into(),
            id: "sb_1".into(),
        };
        let seen = Seen::Request {
            authority,
            method,
            path: Some(b"/"),
        };
        let decision = policy.decide(&seen, &Surroundings::new(80), Timestamp::from_micros(0));
        let refusal = Refusal::of(&decision, Some(&resource), None)?;
        let body = serde_json::from_slice(&refusal.body).unwrap();
        Some((refusal, body))
    }

    #[test]
    fn the_body_is_an_error_of_the_api() {
        let (refusal, body) = refusal(b"POST", b"API.github.com:443").unwrap();
        assert_eq!((refusal.status, refusal.rejected_by.as_str()), (403, "default_deny"));
        assert_eq!(refusal.details, "sluice_rejected{default_deny}");
        let expected = serde_json::json!({"error": {
            "code": "EGRESS_HOST_NOT_ALLOWED",
            "message": "egress to api.github.com:443 is not allowed: rule gh names the host, but not this method",
            "details": {
                "host": "api.github.com", "port": 443, "rejected_by": "default_deny",
                "nearest": {"rule_id": "gh", "why": "method"},
                "resource": {"type": "sandbox", "id": "sb_1"}, "revision": null
            },
            "retryable": false, "retry_after_ms": null
        }});
        assert_eq!(body, expected);
    }

    #[test]
    fn hostile_bytes_stay_out_of_the_body() {
        let (refusal, body) = refusal(b"GET", b"a\xff\"\r\n<script>").unwrap();
        assert_eq!(refusal.rejected_by, "invalid_authority");
        assert_eq!(body["error"]["details"]["host"], serde_json::Value::Null);
        assert!(refusal.body.is_ascii() && !String::from_utf8_lossy(&refusal.body).contains("script"));
    }

    #[test]
    fn rules_and_permissions_are_told_apart() {
        let (refused, body) = refusal(b"GET", b"no.example.com").unwrap();
        assert_eq!(refused.details, "sluice_rejected{no}");
        assert_eq!(
            body["error"]["message"],
            "egress to no.example.com:80 is denied by rule no"
        );
        assert!(refusal(b"GET", b"api.github.com").is_none());
    }
}
