//! A TLS connection that begins with any bytes for a server name.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

pub use sluice_harness::engine::client_hello;

use super::{connect, is_close};

/// An open connection on which nothing has been sent.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// Connects.
    #[must_use]
    pub fn open(listener: SocketAddr) -> Self {
        Self {
            stream: connect(listener),
        }
    }

    /// The client's end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Says where the connection was going before it was redirected: in the text
    /// form of the PROXY protocol, which tells Envoy what a redirect of the kernel would.
    pub fn redirected(&mut self, dialled: SocketAddr) {
        let header = super::redirected(self.local(), dialled);
        self.stream.write_all(header.as_bytes()).expect("Envoy reads");
    }

    /// Sends a ClientHello, without server name if it is empty, and returns what comes
    /// back until the other side closes.
    ///
    /// # Panics
    /// If the other side neither sends nor closes.
    pub fn hello(&mut self, server_name: &[u8]) -> Vec<u8> {
        self.begin(&[client_hello(server_name)])
    }

    /// Sends the pieces of a ClientHello, one after the other, and returns what comes back
    /// until the other side closes.
    ///
    /// # Panics
    /// If the other side neither sends nor closes.
    pub fn begin(&mut self, pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut received = Vec::new();
        let exchange = pieces
            .iter()
            .try_for_each(|piece| self.stream.write_all(piece))
            .and_then(|()| self.stream.read_to_end(&mut received));
        // Ends the connection for the proxy too; the local port stays taken.
        let _ = self.stream.shutdown(Shutdown::Both);
        match exchange {
            Err(error) if !is_close(&error) => panic!("no answer to a ClientHello: {error}"),
            _ => received,
        }
    }
}
