//! Requests byte by byte, for what no well-behaved client would send and for connections that stay open.

pub mod h1;
pub mod h2;
pub mod hello;
mod hpack;
pub mod session;
pub mod terminated;
pub mod tls;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::RUNTIME;

/// How the other side ended an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A response with this status; over HTTP/1.1 also its head and body.
    Response {
        /// The status code.
        status: u16,
        /// Status line and headers (HTTP/1.1 only).
        head: String,
        /// The body, empty for a 2xx to CONNECT.
        body: Vec<u8>,
    },
    /// The stream or the whole connection was closed without a response.
    Reset,
}

impl Answer {
    /// The status, if there was a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Response { status, .. } => Some(*status),
            Self::Reset => None,
        }
    }
}

/// A connection that gives up loudly instead of hanging.
///
/// # Panics
/// If nobody listens there.
#[must_use]
pub fn connect(address: SocketAddr) -> TcpStream {
    loud(TcpStream::connect(address).expect("Envoy listens where its admin said"))
}

/// The same from an address of this machine, which std cannot choose.
fn connect_from(local: SocketAddr, address: SocketAddr) -> TcpStream {
    let connected = RUNTIME.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(local)?;
        socket.connect(address).await?.into_std()
    });
    let stream = connected.expect("loopback has many addresses, and Envoy listens");
    stream.set_nonblocking(false).expect("a TCP socket can block");
    loud(stream)
}

fn loud(stream: TcpStream) -> TcpStream {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("the timeout is not zero");
    stream.set_nodelay(true).expect("a TCP socket takes TCP options");
    stream
}

/// Whether an error is the other side's close, as opposed to its silence.
#[must_use]
pub fn is_close(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// The PROXY protocol's line (version 1) for a connection of `client` that was dialled at `dialled`.
#[must_use]
pub fn redirected(client: SocketAddr, dialled: SocketAddr) -> String {
    // Both addresses are of one family.
    let (family, from) = match dialled {
        SocketAddr::V4(_) => ("TCP4", client.ip().to_string()),
        SocketAddr::V6(_) => ("TCP6", "::1".to_owned()),
    };
    let (to, client, port) = (dialled.ip(), client.port(), dialled.port());
    format!("PROXY {family} {from} {to} {client} {port}\r\n")
}
