//! Where a request is going: what was on the wire, and the canonical target
//! made of it.
#![doc = ""]
#![doc = include_str!("../tables/canonical.md")]

use std::net::IpAddr;

use ipnet::IpNet;

use crate::address;
use crate::host::{Host, InvalidHost};
use crate::pattern::{self, InvalidPattern};

/// What was seen of one request or connection, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// An HTTP request. With the method `CONNECT` it asks for a tunnel, whose
    /// inside is not visible, and its path is ignored.
    Request {
        /// `:authority`, or the `Host` that Envoy put there.
        authority: &'a [u8],
        /// `:method`; compared case-sensitively (RFC 9110 §9.1).
        method: &'a [u8],
        /// `:path` with its query; `None` where it was not recorded.
        path: Option<&'a [u8]>,
    },
    /// An HTTP request out of a TLS connection that ended at the proxy, whose
    /// server name (SNI) may be another one than the authority.
    Terminated {
        /// `:authority`, or the `Host` that Envoy put there.
        authority: &'a [u8],
        /// `:method`.
        method: &'a [u8],
        /// `:path` with its query.
        path: Option<&'a [u8]>,
        /// The server name of the ClientHello; empty if there was none.
        server_name: &'a [u8],
    },
    /// A TLS connection, of which only the ClientHello is visible.
    Connection {
        /// The server name; empty if there was none.
        server_name: &'a [u8],
        /// The port that will be dialled.
        port: u16,
    },
    /// A connection into which nobody looks, because its server speaks first:
    /// where it was dialled is all there is.
    Address {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// The first bytes inside a tunnel that `CONNECT` opened.
    Inside {
        /// The authority of the `CONNECT`.
        authority: &'a [u8],
        /// The server name of the ClientHello, empty if it has none; `None`
        /// where the bytes are no ClientHello.
        server_name: Option<&'a [u8]>,
    },
}

impl<'a> Seen<'a> {
    /// The bytes that say where it is going.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        match *self {
            Self::Request { authority, .. } | Self::Terminated { authority, .. } | Self::Inside { authority, .. } => {
                authority
            }
            Self::Connection { server_name, .. } => server_name,
            // It is always a target.
            Self::Address { .. } => b"",
        }
    }
}

/// What the place of the decision knows and the client cannot change.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The port that this topology dials when an authority names none. It is
    /// never derived from `:scheme`, which is client text (Envoy was seen to
    /// dial port 80 for `:scheme https`).
    pub default_port: u16,
    /// Addresses of the proxy itself, which are no destination.
    pub own: OwnAddresses,
    /// Reject what the policy rejects at a cloud metadata address even in
    /// `audit_only`.
    pub guard_metadata: bool,
    /// Private blocks that any name may resolve to: the network that the proxy
    /// itself stands in. A rule's own `resolves_to` adds to them.
    pub resolves_to: Blocks,
}

impl Surroundings {
    /// Surroundings with this default port, no addresses of the proxy but
    /// loopback, and no exception to `audit_only`.
    #[must_use]
    pub fn new(default_port: u16) -> Self {
        Self {
            default_port,
            ..Self::default()
        }
    }
}

/// Blocks of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks(Box<[IpNet]>);

impl Blocks {
    /// Reads CIDR blocks, without host bits.
    ///
    /// # Errors
    /// The first that is none, and what is wrong with it.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, (&'t str, InvalidPattern)> {
        let blocks = texts
            .into_iter()
            .map(|text| pattern::parse_block(text).map_err(|why| (text, why)));
        Ok(Self(blocks.collect::<Result<_, _>>()?))
    }

    /// Whether one of them holds this address.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address::unmapped(address);
        self.0.iter().any(|block| block.contains(&address))
    }
}

/// The proxy's own admin and collector endpoints. Loopback addresses and the
/// names below `localhost` belong to it always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnAddresses(Vec<(Host, Option<u16>)>);

impl OwnAddresses {
    /// Adds an endpoint; without a port, every port of the host.
    pub fn add(&mut self, host: Host, port: Option<u16>) {
        let host = match host {
            Host::Ip(ip) => Host::Ip(address::unmapped(ip)),
            Host::Name(_) => host,
        };
        self.0.push((host, port));
    }

    /// Whether a target is the proxy itself.
    #[must_use]
    pub fn contain(&self, host: Host, port: u16) -> bool {
        let loopback = match host {
            Host::Name(name) => name.is_localhost(),
            Host::Ip(ip) => address::is_own(ip),
        };
        loopback || self.list(host, port)
    }

    /// Whether a target is one of the endpoints that were added. What a name
    /// resolved to is asked about with this: loopback is private there, as any
    /// address is that a public name has no business resolving to.
    #[must_use]
    pub fn list(&self, host: Host, port: u16) -> bool {
        self.0
            .iter()
            .any(|&(own, on)| same_host(own, host) && on.is_none_or(|on| on == port))
    }
}

fn same_host(own: Host, target: Host) -> bool {
    let Host::Ip(target_ip) = target else {
        return own == target;
    };
    own == target
        || address::embedded_ipv4(target_ip)
            .into_iter()
            .any(|v4| own == Host::Ip(IpAddr::V4(v4)))
}

/// A canonical target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The canonical host.
    pub host: Host,
    /// The port that will be dialled, 1 to 65535.
    pub port: u16,
    /// Method and path where they are visible; `None` for an opaque target.
    pub request: Option<RequestLine<'a>>,
}

/// The visible part of a request that rules can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method, as sent.
    pub method: &'a [u8],
    /// The path as sent, with its query; `None` where it was not recorded.
    pub path: Option<&'a [u8]>,
}

/// Why what was seen is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// The host is not one.
    #[error("{0}")]
    Host(#[from] InvalidHost),
    /// The port is not decimal digits without sign or leading zero, 1 to 65535.
    #[error("the port is not a number from 1 to 65535 without sign or leading zero")]
    Port,
    /// `CONNECT` names no port (RFC 9110 §9.3.6 requires one).
    #[error("CONNECT needs a port")]
    ConnectWithoutPort,
    /// More than one `:` and no brackets: an IPv6 address without them, or several hosts.
    #[error("more than one ':'; an IPv6 address is written in brackets")]
    Colons,
    /// A `[` that is not closed, or bytes other than a port behind the `]`.
    #[error("'[' without a matching ']' that ends the host")]
    Brackets,
    /// A connection without a server name.
    #[error("the connection has no server name (SNI)")]
    ServerNameMissing,
    /// A server name that is an address (RFC 6066 §3 forbids it).
    #[error("the server name is an address, not a name")]
    ServerNameAddress,
    /// The authority names another port than the one that the client dialled,
    /// which is the one that its bytes would go to.
    #[error("the authority names another port than the connection was made to")]
    PortElsewhere,
}

impl<'a> Target<'a> {
    /// Canonicalises what was seen.
    ///
    /// # Errors
    /// [`InvalidTarget`]: nothing that a rule could name.
    pub fn from_seen(seen: &Seen<'a>, default_port: u16) -> Result<Self, InvalidTarget> {
        match *seen {
            Seen::Request {
                authority,
                method,
                path,
            }
            | Seen::Terminated {
                authority,
                method,
                path,
                ..
            } => {
                let connect = method == b"CONNECT";
                let (host, port) = split_authority(authority)?;
                let port = match port {
                    Some(port) => parse_port(port)?,
                    None if connect => return Err(InvalidTarget::ConnectWithoutPort),
                    None => default_port,
                };
                Ok(Self {
                    host,
                    port,
                    request: (!connect).then_some(RequestLine { method, path }),
                })
            }
            Seen::Inside { authority, .. } => {
                let (host, port) = split_authority(authority)?;
                let port = parse_port(port.ok_or(InvalidTarget::ConnectWithoutPort)?)?;
                Ok(Self::opaque(host, port))
            }
            Seen::Address { address, port } => Ok(Self::opaque(Host::Ip(address), port)),
            Seen::Connection { server_name: [], .. } => Err(InvalidTarget::ServerNameMissing),
            Seen::Connection { server_name, port } => match Host::parse(server_name)? {
                Host::Ip(_) => Err(InvalidTarget::ServerNameAddress),
                host @ Host::Name(_) => Ok(Self::opaque(host, port)),
            },
        }
    }

    /// A target of which nothing but host and port is visible.
    pub(crate) fn opaque(host: Host, port: u16) -> Self {
        Self {
            host,
            port,
            request: None,
        }
    }
}

/// Parses the host of an authority and finds its port.
fn split_authority(authority: &[u8]) -> Result<(Host, Option<&[u8]>), InvalidTarget> {
    if let Some(rest) = authority.strip_prefix(b"[") {
        let (inside, after) = split_at_byte(rest, b']').ok_or(InvalidTarget::Brackets)?;
        let port = match after {
            [] => None,
            [b':', port @ ..] => Some(port),
            _ => return Err(InvalidTarget::Brackets),
        };
        return Ok((Host::parse_ipv6(inside)?, port));
    }
    match split_at_byte(authority, b':') {
        None => Ok((Host::parse(authority)?, None)),
        Some((_, port)) if port.contains(&b':') => Err(InvalidTarget::Colons),
        Some((host, port)) => Ok((Host::parse(host)?, Some(port))),
    }
}

/// What is before and after the first `byte`.
fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = bytes.splitn(2, |&b| b == byte);
    Some((parts.next()?, parts.next()?))
}

fn parse_port(digits: &[u8]) -> Result<u16, InvalidTarget> {
    if digits.first() == Some(&b'0') || !digits.iter().all(u8::is_ascii_digit) {
        return Err(InvalidTarget::Port);
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(InvalidTarget::Port)
}

/// The longest [`escape_raw`] returns, in bytes.
pub const MAX_RAW: usize = 255;

/// The bytes of a target that is none, printable: escaped as in a Rust byte
/// string, and cut at [`MAX_RAW`] bytes.
#[must_use]
pub fn escape_raw(bytes: &[u8]) -> String {
    bytes.escape_ascii().take(MAX_RAW).map(char::from).collect()
}

#[cfg(test)]
mod tests;
