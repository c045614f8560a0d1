//! What the proxy shows of a connection: read once, decided as often as the
//! policy changes.

use std::net::{IpAddr, SocketAddr};

use sluice_policy::{Host, Seen};

use crate::config::{Destination, Plaintext, Plan};
use crate::host::Status;
use crate::host::stream as proxy;
use crate::stream::dialled;

/// The server name that `tls_inspector` read; lower-cased, with its trailing
/// dot, empty if there is none. Segments joined by NUL.
const SERVER_NAME: &str = "connection\0requested_server_name";

/// Set where `tls_inspector` met bytes that are no TLS, and not where a
/// ClientHello has no server name (seen in Envoy 1.40).
const NOT_TLS: &str = "connection\0transport_failure_reason";

/// A connection as it was seen.
pub(crate) enum Sight {
    /// By its server name, empty if it has none, and by where it was dialled if
    /// that is where its bytes go.
    Named {
        server_name: Vec<u8>,
        port: u16,
        destination: Option<SocketAddr>,
    },
    /// By where it was dialled alone: nobody has waited for its first bytes.
    Dialled(SocketAddr),
}

/// What is to become of a connection before any policy is asked.
pub(crate) enum Look {
    /// It is decided.
    Decide(Sight),
    /// It is for the HTTP connection manager that follows.
    Leave,
}

impl Look {
    /// Looks at the connection in effect.
    pub(crate) fn at(plan: &Plan) -> Self {
        let topology = &plan.topology;
        let dialled = match topology.destination {
            Destination::Proxy => None,
            Destination::Original | Destination::Registered => dialled(),
        };
        if let Some(dialled) = dialled
            && topology.opaque_ports.contains(&dialled.port())
        {
            return Self::Decide(Sight::Dialled(dialled));
        }
        let server_name = server_name();
        if server_name.is_empty() && topology.plaintext == Plaintext::Defer && !is_tls() {
            return Self::Leave;
        }
        let stands_for_name = |dialled: &SocketAddr| {
            topology.destination == Destination::Registered
                && is_placeholder(dialled.ip())
                && matches!(Host::parse(&server_name), Ok(Host::Name(_)))
        };
        Self::Decide(Sight::Named {
            port: dialled.map_or(plan.surroundings.default_port, |dialled| dialled.port()),
            destination: dialled.filter(|dialled| !stands_for_name(dialled)),
            server_name,
        })
    }
}

impl Sight {
    /// The form that a policy decides.
    pub(crate) fn seen(&self) -> Seen<'_> {
        match self {
            Self::Named { server_name, port, .. } => Seen::Connection {
                server_name,
                port: *port,
            },
            Self::Dialled(dialled) => Seen::Address {
                address: dialled.ip(),
                port: dialled.port(),
            },
        }
    }

    /// Where its bytes go, if the client chose that.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        match self {
            Self::Named { destination, .. } => *destination,
            Self::Dialled(dialled) => Some(*dialled),
        }
    }

    /// The server name, if it has one.
    pub(crate) fn server_name(&self) -> Option<&[u8]> {
        let name = match self {
            Self::Named { server_name, .. } => Some(server_name),
            Self::Dialled(_) => None,
        };
        name.map(Vec::as_slice).filter(|name| !name.is_empty())
    }
}

/// Whether it is one of the addresses that a mesh makes up for names which it
/// registers without one, and at which nobody is: Istio takes them from
/// 240.240.0.0/16 and 2001:2::/48, which are reserved (RFC 1112 §4, RFC 5180).
fn is_placeholder(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] >= 240 && !v4.is_broadcast(),
        IpAddr::V6(v6) => v6.segments().starts_with(&[0x2001, 2, 0]),
    }
}

fn server_name() -> Vec<u8> {
    proxy::property(SERVER_NAME).unwrap_or_else(|status| {
        if status != Status::NOT_FOUND {
            log::error!("the server name cannot be read: {status}");
        }
        Vec::new()
    })
}

/// Whether nothing says that the bytes are no TLS.
fn is_tls() -> bool {
    proxy::property(NOT_TLS).map_or(true, |reason| reason.is_empty())
}
