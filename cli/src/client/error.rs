//! Why the collector gave no answer, or a refusal, and what to do about it.

use std::fmt;

use serde_json::Value;
use ureq::http::Response;
use url::Url;

use super::Fields;
use crate::output::ascii;

/// Why there is no answer to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers.
    #[error("{url}: {why}\n  {hint}")]
    Unreachable {
        url: String,
        why: String,
        hint: &'static str,
    },
    /// Somebody else answers.
    #[error(
        "{url}: the answer (status {status}) is not a collector's; check --url (SLUICE_URL), and whether a proxy stands in between"
    )]
    NotACollector { url: String, status: u16 },
    /// A collector that says something else than it should. What it left out must not be taken for nothing.
    #[error("{url}: the answer has no {missing}; this command and the collector are of different versions")]
    Incomplete { url: String, missing: &'static str },
    /// The collector refuses.
    #[error(transparent)]
    Api(Box<ApiError>),
}

impl ClientError {
    /// What the collector said, if it was it.
    pub(crate) fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::Unreachable { .. } | Self::NotACollector { .. } | Self::Incomplete { .. } => None,
        }
    }

    pub(super) fn unreachable(url: &Url, error: &ureq::Error) -> Self {
        let hint = match error {
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                "check --ca, the authority that signed the collector's certificate, and --client-cert if it wants one"
            }
            ureq::Error::Io(error)
                if error
                    .get_ref()
                    .is_some_and(|inner| inner.to_string().contains("certificate")) =>
            {
                "check --ca, the authority that signed the collector's certificate, and --client-cert if it wants one"
            }
            ureq::Error::Timeout(_) => {
                "it is there and slow, or a firewall swallows the packets; try again, then its log"
            }
            ureq::Error::HostNotFound => "no such host; check --url (SLUICE_URL)",
            _ => {
                "is the collector running there? start one with 'sluice serve', or name another with --url (SLUICE_URL)"
            }
        };
        Self::Unreachable {
            url: url.to_string(),
            why: error.to_string(),
            hint,
        }
    }
}

/// An error as API.md writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Value,
    pub(crate) retryable: bool,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) request_id: Option<String>,
}

impl ApiError {
    /// Reads it; nothing if it is not of that form.
    pub(super) fn of(response: &mut Response<ureq::Body>) -> Option<Self> {
        let request_id = response.headers().get("x-request-id");
        let request_id = request_id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(1 << 20).read_to_vec().ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        let error = body.get("error")?;
        Some(Self {
            status: response.status().as_u16(),
            code: error.get("code")?.as_str()?.to_owned(),
            message: error.text("message").to_owned(),
            details: error.get("details").cloned().unwrap_or_default(),
            retryable: error.flag("retryable"),
            retry_after_ms: error.get("retry_after_ms").and_then(Value::as_u64),
            request_id,
        })
    }

    /// What to do about it, where that is always the same.
    fn hint(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "UNAUTHENTICATED" => "give a token with SLUICE_TOKEN, --token, or token_file in the configuration file",
            "FORBIDDEN" => {
                "this token's role or scope does not reach so far; an admin makes another with 'sluice token create'"
            }
            "STALE_REVISION" => "'sluice policy history' shows what changed in between",
            "SHADOWED_BY_DENY" => "'sluice remove' removes the deny rule, --force lists the host all the same",
            _ => return None,
        })
    }

    /// For JSON output.
    pub(crate) fn document(&self) -> Value {
        serde_json::json!({"code": self.code, "message": self.message, "details": self.details})
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.details {
            Value::Array(details) => details
                .iter()
                .try_for_each(|detail| write!(f, "\n  {}", ascii(detail)))?,
            Value::Object(details) => details
                .iter()
                .try_for_each(|(name, detail)| write!(f, "\n  {name}: {}", ascii(detail)))?,
            _ => {}
        }
        if let Some(hint) = self.hint() {
            write!(f, "\n  {hint}")?;
        }
        match &self.request_id {
            Some(id) if self.status >= 500 => write!(f, "\n  the collector's log says more; look for request {id}"),
            _ => Ok(()),
        }
    }
}
