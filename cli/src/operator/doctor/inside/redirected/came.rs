//! What comes back on a connection that is opened for a name that cannot exist.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::dial::{self, Stopped};
use super::super::http::{self, Said};
use super::super::{NOWHERE, Plan, tls};

/// Where HTTP is plain.
const HTTP: u16 = 80;
/// Enough to tell protocols apart.
const ENOUGH: usize = 5;

/// What came of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// The end, without a byte, as a connection ends that Sluice rejects.
    Closed,
    /// TLS: a record of a handshake, or an alert.
    Tls,
    /// A whole handshake.
    Ended {
        /// Whether the authority of `--ca` signed it, if there is one.
        trusted: Option<bool>,
        issuer: String,
    },
    /// What plain HTTP said to a request for that name.
    Http(Said),
    /// Other bytes.
    Bytes,
    /// Nothing in time.
    Open,
}

/// Connects, and asks as is usual at that port.
pub(super) async fn decided(address: SocketAddr, plan: &Plan) -> Result<Came, Stopped> {
    if address.port() == HTTP {
        return plain(address, plan.patience).await;
    }
    match upon_hello(address, plan.patience).await? {
        Came::Http(_) => plain(address, plan.patience).await,
        Came::Tls if plan.terminating => ended(address, plan).await,
        came => Ok(came),
    }
}

/// Connects, sends a ClientHello, and looks at the first bytes.
pub(super) async fn upon_hello(address: SocketAddr, patience: Duration) -> Result<Came, Stopped> {
    let mut stream = dial::tcp(address, patience).await?;
    let Ok(hello) = tls::hello(NOWHERE) else {
        return Ok(Came::Open);
    };
    let came = timeout(patience, first_bytes(&mut stream, &hello)).await;
    Ok(came.map_or(Came::Open, |bytes| told(&bytes)))
}

async fn plain(address: SocketAddr, patience: Duration) -> Result<Came, Stopped> {
    let mut stream = dial::tcp(address, patience).await?;
    let request = format!("GET / HTTP/1.1\r\nhost: {NOWHERE}\r\nconnection: close\r\n\r\n");
    Ok(match http::ask(&mut stream, &request, patience).await {
        Said::Closed => Came::Closed,
        said => Came::Http(said),
    })
}

async fn ended(address: SocketAddr, plan: &Plan) -> Result<Came, Stopped> {
    let stream = dial::tcp(address, plan.patience).await?;
    // Another name than the certificate's, or an alert: it was TLS before.
    let Ok(chain) = tls::handshake(stream, NOWHERE, plan.patience).await else {
        return Ok(Came::Tls);
    };
    let trusted = (!plan.ca.is_empty()).then(|| tls::trusts(&plan.ca, &chain).is_ok());
    Ok(Came::Ended {
        trusted,
        issuer: tls::issuer(&chain),
    })
}

/// What arrives until it can be told apart, or until the end.
async fn first_bytes(stream: &mut TcpStream, hello: &[u8]) -> Vec<u8> {
    let mut received = Vec::new();
    // A server that closes early has said what it has to say.
    let _ = stream.write_all(hello).await;
    while received.len() < ENOUGH {
        match stream.read_buf(&mut received).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    received
}

fn told(bytes: &[u8]) -> Came {
    match bytes {
        [] => Came::Closed,
        // An alert or a handshake, of SSL 3.0 to TLS 1.3.
        [0x15 | 0x16, 3, ..] => Came::Tls,
        [b'H', b'T', b'T', b'P', b'/', ..] => Came::Http(Said::Noise),
        _ => Came::Bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_protocols_apart() {
        for (bytes, expected) in [
            (&b""[..], Came::Closed),
            (&[0x15, 3, 3, 0, 2], Came::Tls),
            (&[0x16, 3, 3, 0, 90], Came::Tls),
            (b"HTTP/1.1 400 Bad Request", Came::Http(Said::Noise)),
            (b"HT", Came::Bytes),
            (b"SSH-2.0-x", Came::Bytes),
            (&[0x16, 0x16], Came::Bytes),
        ] {
            assert_eq!(told(bytes), expected, "{bytes:?}");
        }
    }
}
