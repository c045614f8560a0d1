//! Lines of the shipped JSON access log.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One request or connection, as Envoy logged it at its end.
#[derive(Debug, Clone, Deserialize)]
#[expect(missing_docs, reason = "named like the fields in envoy/*/envoy.yaml")]
pub struct Entry {
    pub start_time: String,
    pub connection_id: u64,
    pub log_type: String,
    pub authority: Option<String>,
    pub method: Option<String>,
    pub path: Option<String>,
    pub protocol: Option<String>,
    pub response_code: Option<u16>,
    pub response_code_details: Option<String>,
    pub response_flags: String,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub duration: u64,
    pub upstream_host: Option<String>,
    pub requested_server_name: Option<String>,
    pub downstream_remote_address: String,
    pub verdict: Option<String>,
}

impl Entry {
    /// The decision that the filter wrote, as JSON.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn decision(&self) -> Value {
        let verdict = self
            .verdict
            .as_ref()
            .unwrap_or_else(|| panic!("no verdict in {self:?}"));
        serde_json::from_str(verdict).unwrap_or_else(|error| panic!("not a decision ({error}): {verdict}"))
    }

    /// Whether this came from the client with this address.
    #[must_use]
    pub fn is_from(&self, client: SocketAddr) -> bool {
        self.downstream_remote_address == client.to_string()
    }

    /// Whether this was a request for this authority.
    #[must_use]
    pub fn is_for(&self, authority: &str) -> bool {
        self.authority.as_deref() == Some(authority)
    }
}

/// All whole lines; the last one may still be in the writing.
pub(super) fn read(path: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("not our log ({error}): {line}"));
    whole.lines().map(parse).collect()
}
