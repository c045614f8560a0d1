//! A port on loopback that is kept while nobody listens on it, for the server that starts later or again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::RUNTIME;

/// A reserved port.
///
/// The reservation is a socket that is bound but never listens. Linux gives the port to no
/// one who asks for any free one, refuses connections to it, and lets a second socket bind
/// it, also one of a child process, because both have `SO_REUSEADDR`.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    _reservation: TcpSocket,
}

impl Port {
    /// Reserves a free one.
    pub(crate) fn reserve() -> Self {
        let reservation = bind((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free TCP port");
        let address = reservation.local_addr().expect("a bound socket has an address");
        Self {
            address,
            _reservation: reservation,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts listening. Before, and after the listener is dropped, connections are refused.
    pub(crate) fn listen(&self) -> TcpListener {
        let _context = RUNTIME.enter();
        bind(self.address)
            .and_then(|socket| socket.listen(1024))
            .expect("the port is reserved for us")
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn refuses_until_it_listens_and_again_afterwards() {
        let port = Port::reserve();
        let connect = || {
            TcpStream::connect(port.address())
                .map(drop)
                .map_err(|error| error.kind())
        };
        for _ in 0..3 {
            assert_eq!(connect(), Err(io::ErrorKind::ConnectionRefused));
            let listener = port.listen();
            assert_eq!(connect(), Ok(()));
            drop(listener);
        }
    }

    #[test]
    fn nobody_else_is_given_a_reserved_port() {
        let reserved: Vec<_> = (0..50).map(|_| Port::reserve()).collect();
        for _ in 0..500 {
            let other = bind((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback has a free TCP port");
            let other = other.local_addr().expect("a bound socket has an address");
            assert!(reserved.iter().all(|port| port.address() != other));
        }
    }
}
