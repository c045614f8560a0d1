//! Envoy's JSON access log: that of our own configurations, and Istio's default keys.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use serde_json::Value;
use sluice_policy::Timestamp;

use super::error::SkipReason;
use super::records::Parsed;
use super::traffic::{Traffic, with_port};

/// The keys that say where traffic went; all others are passed over.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Line {
    authority: Option<String>,
    method: Option<String>,
    path: Option<String>,
    requested_server_name: Option<String>,
    start_time: Option<String>,
    log_type: Option<String>,
    upstream_cluster: Option<String>,
    upstream_host: Option<String>,
    resolved_address: Option<String>,
    verdict: Option<Value>,
}

/// What a past verdict adds to a connection of which Envoy logs too little: it
/// was never dialled, or had no server name.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Verdict {
    port: Option<u16>,
    rejected_by: Option<String>,
}

/// One line of the log.
pub(super) fn line(text: &str) -> Result<Parsed, SkipReason> {
    let line: Line = serde_json::from_str(text).map_err(|error| SkipReason::Line {
        problem: error.to_string(),
    })?;
    if line
        .upstream_cluster
        .as_deref()
        .is_some_and(|cluster| cluster.starts_with("inbound|"))
    {
        return Err(SkipReason::Inbound);
    }
    if let Some(log_type) = line.log_type.as_deref().filter(|log_type| !is_end(log_type)) {
        return Err(SkipReason::Interim {
            log_type: log_type.to_owned(),
        });
    }
    let at = line
        .start_time
        .as_deref()
        .and_then(|at| Timestamp::parse_rfc3339(at).ok());
    let address = line.address();
    Ok(Parsed {
        at,
        count: 1,
        traffic: line.traffic()?,
        address,
    })
}

/// Envoy can log a stream when it opens and while it runs as well; its end is the
/// line that every stream has once.
fn is_end(log_type: &str) -> bool {
    log_type.ends_with("End") || log_type == "NotSet"
}

impl Line {
    /// The address that was decided on. Our configurations write `resolved_address` where requests are decided by
    /// it too; of connections, what they dial, where it is no cluster that others keep: in a mesh, names of
    /// services lead to private addresses, and no filter minds.
    fn address(&self) -> Option<IpAddr> {
        let upstream = || {
            let ours = self.method.is_none() && self.verdict.is_some() && self.upstream_cluster.is_none();
            self.upstream_host.as_deref().filter(|_| ours)
        };
        let address = self.resolved_address.as_deref().or_else(upstream)?;
        address.parse::<SocketAddr>().ok().map(|address| address.ip())
    }

    fn traffic(self) -> Result<Traffic, SkipReason> {
        let verdict = self.verdict.map(Verdict::read).unwrap_or_default();
        let port = || {
            let logged = port_of(self.upstream_host.as_deref(), self.upstream_cluster.as_deref());
            verdict.port.or(logged).unwrap_or(443)
        };
        match (
            known(self.method),
            known(self.authority),
            known(self.requested_server_name),
        ) {
            (Some(method), Some(authority), _) if method == "CONNECT" => Ok(Traffic::Tunnel {
                authority: authority.into_bytes(),
            }),
            // An HTTP request that has a server name came out of TLS that ended at the proxy.
            (Some(method), Some(authority), server_name) => Ok(Traffic::Exchange {
                tls: server_name.is_some(),
                authority: match server_name {
                    Some(_) => with_port(authority.as_bytes(), 443),
                    None => authority.into_bytes(),
                },
                method: method.into_bytes(),
                path: known(self.path).map(String::into_bytes),
            }),
            (None, _, Some(server_name)) => Ok(Traffic::Connection {
                server_name: server_name.into_bytes(),
                port: port(),
            }),
            (None, None, None) if verdict.rejected_by.as_deref() == Some("sni_missing") => Ok(Traffic::Connection {
                server_name: Vec::new(),
                port: port(),
            }),
            _ => Err(SkipReason::NoTarget),
        }
    }
}

impl Verdict {
    /// Envoy writes filter state as text, so the record is JSON inside a JSON string.
    fn read(value: Value) -> Self {
        let read = match value {
            Value::String(text) => serde_json::from_str(&text),
            value => serde_json::from_value(value),
        };
        read.unwrap_or_default()
    }
}

/// Envoy writes what it does not know as null or, in older versions, as `-`.
fn known(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty() && value != "-")
}

/// The port a connection went to: the upstream's, else that in the name Istio
/// gives a cluster (`outbound|8443||example.com`).
fn port_of(upstream_host: Option<&str>, upstream_cluster: Option<&str>) -> Option<u16> {
    let of_host = upstream_host.and_then(|host| host.rsplit_once(':')?.1.parse().ok());
    let of_cluster = || {
        upstream_cluster?
            .strip_prefix("outbound|")?
            .split('|')
            .next()?
            .parse()
            .ok()
    };
    of_host.or_else(of_cluster)
}
