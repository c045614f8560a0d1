//! What a recording holds: one piece of traffic, when it was, how often, and where in the file it stands.

use std::net::IpAddr;

use sluice_policy::Timestamp;

/// One entry of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands: `cnn.har#17` (entry, from 0), `access.jsonl:12` (line, from 1) or
    /// `eth0.pcap#9` (the packet with which it was complete, from 1, as Wireshark numbers them).
    pub source: String,
    /// When it was, if the recording says so in a readable way.
    pub at: Option<Timestamp>,
    /// How many decisions it stands for: 1 except for summaries.
    pub count: u64,
    /// What went over the wire.
    pub traffic: Traffic,
    /// The address that it went to, or would have: that of which a filter decided, where the recording says it.
    pub address: Option<IpAddr>,
}

/// Traffic as its client sent it, whatever of it a filter would have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Traffic {
    /// An HTTP request whose inside was recorded.
    Exchange {
        /// Whether it went inside TLS.
        tls: bool,
        /// `host[:port]` as the client would send it; the port is always there where `tls` is set.
        authority: Vec<u8>,
        /// The method, as it was written.
        method: Vec<u8>,
        /// The path with its query; `None` where the recording left it out.
        path: Option<Vec<u8>>,
    },
    /// A `CONNECT`, of which the inside was not recorded.
    Tunnel {
        /// `host:port` as the client sent it.
        authority: Vec<u8>,
    },
    /// A TLS connection known by its server name alone.
    Connection {
        /// The server name of the ClientHello; empty where there was none.
        server_name: Vec<u8>,
        /// The port that was dialled.
        port: u16,
    },
}

/// `authority` with `port` behind it, unless it has one (or something in the place of one) already.
///
/// Appending never makes an invalid authority valid: what is wrong with it stays in it.
pub(crate) fn with_port(authority: &[u8], port: u16) -> Vec<u8> {
    let after_bracket = authority.iter().rposition(|byte| *byte == b']').map_or(0, |at| at + 1);
    let mut whole = authority.to_vec();
    if !authority[after_bracket..].contains(&b':') {
        whole.extend_from_slice(format!(":{port}").as_bytes());
    }
    whole
}

/// The port that an authority names.
pub(super) fn port_of(authority: &[u8]) -> Option<u16> {
    let colon = authority.iter().rposition(|byte| matches!(byte, b':' | b']'))?;
    let port = &authority[colon + 1..];
    let digits = authority[colon] == b':' && port.iter().all(u8::is_ascii_digit);
    digits.then(|| str::from_utf8(port).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{port_of, with_port};

    #[test]
    fn a_port_is_what_stands_behind_the_host() {
        for (authority, expected) in [
            ("example.com:8443", Some(8443)),
            ("[2001:db8::1]:1", Some(1)),
            ("[2001:db8::1]", None),
            ("example.com", None),
            ("example.com:", None),
            ("example.com:+1", None),
            ("example.com:65536", None),
        ] {
            assert_eq!(port_of(authority.as_bytes()), expected, "{authority}");
        }
    }

    #[test]
    fn a_port_is_added_only_where_there_is_none() {
        for (given, expected) in [
            ("example.com", "example.com:443"),
            ("example.com:8443", "example.com:8443"),
            ("example.com:", "example.com:"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ":443"),
        ] {
            assert_eq!(with_port(given.as_bytes(), 443), expected.as_bytes(), "{given}");
        }
    }
}
