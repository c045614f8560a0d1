//! What a filter in a given place would have seen of recorded traffic.

use std::borrow::Cow;
use std::net::SocketAddr;

use sluice_policy::Seen;

use super::traffic::{Traffic, with_port};

/// Where the filter stands, and so how much of HTTPS it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// An explicit proxy: HTTPS is an opaque `CONNECT host:port`.
    ///
    /// The default, so that a policy under which a replay is green works live as well.
    #[default]
    Proxy,
    /// TLS ends at the proxy: HTTPS requests are seen like plain ones.
    Terminated,
}

/// What was on the wire in front of the filter: the owned form of [`Seen`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sighting {
    /// An HTTP request; `CONNECT` is an opaque one.
    Request {
        /// `:authority`, byte for byte.
        authority: Vec<u8>,
        /// `:method`.
        method: Vec<u8>,
        /// `:path` with the query, where it is known.
        path: Option<Vec<u8>>,
    },
    /// A request out of a TLS connection that ended at the proxy.
    Terminated {
        /// `:authority`, byte for byte.
        authority: Vec<u8>,
        /// `:method`.
        method: Vec<u8>,
        /// `:path` with the query, where it is known.
        path: Option<Vec<u8>>,
        /// The server name of the connection; empty where there was none.
        server_name: Vec<u8>,
    },
    /// A TLS connection, seen by its server name.
    Connection {
        /// The server name; empty where there was none.
        server_name: Vec<u8>,
        /// The port dialled.
        port: u16,
    },
    /// A connection whose bytes go where its client dialled (`ORIGINAL_DST`).
    Dialled {
        /// The server name; empty where there was none.
        server_name: Vec<u8>,
        /// Where it was dialled.
        destination: SocketAddr,
    },
    /// The inside of a tunnel.
    Inside {
        /// The authority of the `CONNECT`, byte for byte.
        authority: Vec<u8>,
        /// The server name of the ClientHello, empty where it has none; `None`
        /// where the bytes are no ClientHello.
        server_name: Option<Vec<u8>>,
    },
}

impl Sighting {
    /// What a filter at that place would have seen of `traffic`.
    pub fn of(traffic: &Traffic, visibility: Visibility) -> Self {
        match traffic {
            Traffic::Exchange {
                tls: true, authority, ..
            } if visibility == Visibility::Proxy => Self::tunnel(with_port(authority, 443)),
            Traffic::Exchange {
                tls,
                authority,
                method,
                path,
            } => Self::Request {
                // The filter's default port is the one of its topology, 80 at a plain proxy.
                authority: if *tls {
                    with_port(authority, 443)
                } else {
                    authority.clone()
                },
                method: method.clone(),
                path: path.clone(),
            },
            Traffic::Tunnel { authority } => Self::tunnel(authority.clone()),
            Traffic::Connection { server_name, port } => Self::Connection {
                server_name: server_name.clone(),
                port: *port,
            },
        }
    }

    fn tunnel(authority: Vec<u8>) -> Self {
        Self::Request {
            authority,
            method: b"CONNECT".to_vec(),
            path: None,
        }
    }

    /// The form that a policy decides.
    pub fn seen(&self) -> Seen<'_> {
        match self {
            Self::Request {
                authority,
                method,
                path,
            } => Seen::Request {
                authority,
                method,
                path: path.as_deref(),
            },
            Self::Terminated {
                authority,
                method,
                path,
                server_name,
            } => Seen::Terminated {
                authority,
                method,
                path: path.as_deref(),
                server_name,
            },
            Self::Connection { server_name, port } => Seen::Connection {
                server_name,
                port: *port,
            },
            Self::Dialled {
                server_name,
                destination,
            } => Seen::Connection {
                server_name,
                port: destination.port(),
            },
            Self::Inside { authority, server_name } => Seen::Inside {
                authority,
                server_name: server_name.as_deref(),
            },
        }
    }

    /// Where its bytes go, if its client chose that.
    pub fn destination(&self) -> Option<SocketAddr> {
        match self {
            Self::Dialled { destination, .. } => Some(*destination),
            Self::Request { .. } | Self::Terminated { .. } | Self::Connection { .. } | Self::Inside { .. } => None,
        }
    }

    /// Whether method and path are hidden: a `CONNECT`, or a connection into
    /// which nobody looks.
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Request { method, .. } | Self::Terminated { method, .. } => method == b"CONNECT",
            Self::Connection { .. } | Self::Dialled { .. } | Self::Inside { .. } => true,
        }
    }

    /// The method for reports; none where the request itself was not seen.
    pub fn method(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Request { method, .. } | Self::Terminated { method, .. } if !self.is_opaque() => {
                Some(String::from_utf8_lossy(method))
            }
            _ => None,
        }
    }

    /// The path for reports, without the query, which may hold secrets.
    pub fn path(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Request { path: Some(path), .. } | Self::Terminated { path: Some(path), .. } if !self.is_opaque() => {
                let query = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
                Some(String::from_utf8_lossy(&path[..query]))
            }
            _ => None,
        }
    }

    /// The server name for reports, of what came with one or should have.
    pub fn sni(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Connection { server_name, .. }
            | Self::Dialled { server_name, .. }
            | Self::Terminated { server_name, .. }
            | Self::Inside {
                server_name: Some(server_name),
                ..
            } => Some(String::from_utf8_lossy(server_name)),
            Self::Request { .. } | Self::Inside { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(tls: bool, authority: &str) -> Traffic {
        Traffic::Exchange {
            tls,
            authority: authority.into(),
            method: b"POST".to_vec(),
            path: Some(b"/v1/models?key=secret".to_vec()),
        }
    }

    fn request(authority: &str, method: &str, path: Option<&str>) -> Sighting {
        Sighting::Request {
            authority: authority.into(),
            method: method.into(),
            path: path.map(|path| path.as_bytes().to_vec()),
        }
    }

    #[test]
    fn the_place_of_the_filter_says_what_it_sees() {
        let path = Some("/v1/models?key=secret");
        let tunnel = Traffic::Tunnel {
            authority: b"example.com:8443".to_vec(),
        };
        let connection = Traffic::Connection {
            server_name: b"example.com".to_vec(),
            port: 8443,
        };
        let by_name = Sighting::Connection {
            server_name: b"example.com".to_vec(),
            port: 8443,
        };
        for (traffic, visibility, expected) in [
            (
                exchange(true, "example.com:8443"),
                Visibility::Proxy,
                request("example.com:8443", "CONNECT", None),
            ),
            (
                exchange(true, "example.com"),
                Visibility::Proxy,
                request("example.com:443", "CONNECT", None),
            ),
            (
                exchange(true, "example.com"),
                Visibility::Terminated,
                request("example.com:443", "POST", path),
            ),
            (
                exchange(false, "example.com:80"),
                Visibility::Proxy,
                request("example.com:80", "POST", path),
            ),
            (
                exchange(false, "example.com"),
                Visibility::Terminated,
                request("example.com", "POST", path),
            ),
            (
                tunnel.clone(),
                Visibility::Proxy,
                request("example.com:8443", "CONNECT", None),
            ),
            (
                tunnel,
                Visibility::Terminated,
                request("example.com:8443", "CONNECT", None),
            ),
            (connection.clone(), Visibility::Proxy, by_name.clone()),
            (connection, Visibility::Terminated, by_name),
        ] {
            assert_eq!(
                Sighting::of(&traffic, visibility),
                expected,
                "{traffic:?} {visibility:?}"
            );
        }
    }

    #[test]
    fn reports_show_neither_queries_nor_what_was_not_seen() {
        let clear = Sighting::of(&exchange(true, "example.com"), Visibility::Terminated);
        assert_eq!(clear.method().as_deref(), Some("POST"));
        assert_eq!(clear.path().as_deref(), Some("/v1/models"));
        assert_eq!(clear.sni(), None);
        assert!(!clear.is_opaque());

        let opaque = Sighting::of(&exchange(true, "example.com"), Visibility::Proxy);
        assert_eq!((opaque.method(), opaque.path(), opaque.sni()), (None, None, None));
        assert!(opaque.is_opaque());

        let connection = Sighting::Connection {
            server_name: b"example.com".to_vec(),
            port: 443,
        };
        assert_eq!((connection.method(), connection.path()), (None, None));
        assert_eq!(connection.sni().as_deref(), Some("example.com"));
        assert!(connection.is_opaque());
    }
}
