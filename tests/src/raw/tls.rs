//! A TLS ClientHello with any bytes for a server name, which no TLS library would send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

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
        let mut received = Vec::new();
        let exchange = self
            .stream
            .write_all(&client_hello(server_name))
            .and_then(|()| self.stream.read_to_end(&mut received));
        // Ends the connection for the proxy too; the local port stays taken.
        let _ = self.stream.shutdown(Shutdown::Both);
        match exchange {
            Err(error) if !is_close(&error) => panic!("no answer to a ClientHello: {error}"),
            _ => received,
        }
    }
}

/// A ClientHello in one record, without server name if it is empty.
///
/// # Panics
/// If the name does not fit into 64 KiB.
#[must_use]
pub fn client_hello(server_name: &[u8]) -> Vec<u8> {
    let name = [&[0], sized(server_name).as_slice()].concat(); // type host_name
    let extension = [&[0, 0], sized(&sized(&name)).as_slice()].concat(); // server_name
    let extensions = if server_name.is_empty() { Vec::new() } else { extension };
    let body = [
        &[3, 3],             // TLS 1.2
        [7; 32].as_slice(),  // random
        &[0],                // no session
        &[0, 2, 0xc0, 0x2f], // one cipher suite
        &[1, 0],             // no compression
        &sized(&extensions),
    ]
    .concat();
    // A handshake message has a length of three bytes, a record one of two.
    let handshake = [&[1, 0], sized(&body).as_slice()].concat();
    [&[22, 3, 1], sized(&handshake).as_slice()].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("test input is short");
    [&length.to_be_bytes(), bytes].concat()
}
