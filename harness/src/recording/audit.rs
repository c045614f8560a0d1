//! Sluice's own audit rows, as `GET /egress/audit/export?format=jsonl` writes them.

use serde::Deserialize;
use serde_json::Value;
use sluice_policy::Timestamp;

use super::error::SkipReason;
use super::records::Parsed;
use super::traffic::Traffic;

/// The fields that say what was seen; the decision made then is not looked at.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Row {
    host: Option<String>,
    port: Option<u16>,
    raw: Option<String>,
    method: Option<String>,
    path: Option<String>,
    sni: Option<String>,
    timestamp: Option<String>,
    count: Option<u64>,
    rejected_by: Option<String>,
    metadata: Option<Value>,
}

/// One row of the export.
pub(super) fn line(text: &str) -> Result<Parsed, SkipReason> {
    let row: Row = serde_json::from_str(text).map_err(|error| SkipReason::Line {
        problem: error.to_string(),
    })?;
    let count = row.count.unwrap_or(1);
    if count == 0 {
        return Err(SkipReason::Field {
            field: "count",
            found: "0".to_owned(),
            expected: "1 or more",
        });
    }
    let at = row
        .timestamp
        .as_deref()
        .and_then(|at| Timestamp::parse_rfc3339(at).ok());
    let address = row
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.get("peer")?.as_str()?.parse().ok());
    Ok(Parsed {
        at,
        count,
        traffic: row.traffic()?,
        address,
    })
}

impl Row {
    fn traffic(self) -> Result<Traffic, SkipReason> {
        let Some(authority) = self.authority()? else {
            return Ok(Traffic::Connection {
                server_name: Vec::new(),
                port: self.port.unwrap_or(443),
            });
        };
        Ok(match (self.method, self.sni) {
            (Some(method), _) if method == "CONNECT" => Traffic::Tunnel { authority },
            (Some(method), sni) => Traffic::Exchange {
                tls: sni.is_some_and(|sni| !sni.is_empty()),
                authority,
                method: method.into_bytes(),
                path: self.path.map(String::into_bytes),
            },
            (None, Some(sni)) if self.host.is_some() => Traffic::Connection {
                server_name: sni.into_bytes(),
                port: self.port.unwrap_or(443),
            },
            // A server name that was no name stands in `raw`, not in `host`.
            (None, Some(_)) => Traffic::Connection {
                server_name: authority,
                port: self.port.unwrap_or(443),
            },
            // A summary keeps host and port only.
            (None, None) => Traffic::Tunnel { authority },
        })
    }

    /// `host:port` as it would be sent, the raw bytes of a target that was none,
    /// or nothing where the server name was missing.
    fn authority(&self) -> Result<Option<Vec<u8>>, SkipReason> {
        match (&self.host, self.port, &self.raw) {
            (Some(host), Some(port), _) if host.contains(':') => Ok(Some(format!("[{host}]:{port}").into_bytes())),
            (Some(host), Some(port), _) => Ok(Some(format!("{host}:{port}").into_bytes())),
            (Some(_), None, _) => Err(SkipReason::Field {
                field: "port",
                found: "missing".to_owned(),
                expected: "a port from 1 to 65535",
            }),
            (None, ..) if self.rejected_by.as_deref() == Some("sni_missing") => Ok(None),
            (None, _, Some(raw)) => Ok(Some(unescape(raw))),
            (None, _, None) => Err(SkipReason::NoTarget),
        }
    }
}

/// Undoes [`sluice_policy`]'s escaping of raw targets: that of a Rust byte string.
///
/// A raw target is cut at 255 bytes, so an escape may be incomplete at its end;
/// it is kept as it is, which is invalid in a host as well.
fn unescape(raw: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, used) = match (first, after) {
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [quoted @ (b'\\' | b'\'' | b'"'), ..]) => (*quoted, 2),
            (b'\\', [b'x', high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 4),
                _ => (b'\\', 1),
            },
            (plain, _) => (*plain, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn raw_bytes_survive_escaping() {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let escaped: String = every.escape_ascii().map(char::from).collect();
        assert_eq!(unescape(&escaped), every);
    }

    #[test]
    fn an_escape_that_was_cut_off_stays() {
        for cut in ["a\\", "a\\x", "a\\x4"] {
            assert_eq!(unescape(cut), cut.as_bytes());
        }
    }
}
