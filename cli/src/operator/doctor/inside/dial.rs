//! One attempt to get out: a connection or a datagram, within a time, and how it was stopped.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// The largest datagram there is.
const LARGEST: usize = 65_535;

/// What an attempt came to grief on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stopped {
    #[error("refused")]
    Refused,
    #[error("no answer in time")]
    Silence,
    #[error("unreachable")]
    Unreachable,
    #[error("forbidden by the firewall of this machine (EPERM)")]
    Forbidden,
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::TimedOut => Self::Silence,
            // Without any address of the family there is no way either.
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Self::Unreachable,
            ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Connects.
pub(super) async fn tcp(address: SocketAddr, patience: Duration) -> Result<TcpStream, Stopped> {
    within(patience, TcpStream::connect(address)).await
}

/// Connects to the first of these that answers, as clients do.
pub(super) async fn first(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, Stopped> {
    let mut last = Stopped::Unreachable;
    for address in addresses {
        match tcp(*address, patience).await {
            Ok(stream) => return Ok(stream),
            Err(stopped) => last = stopped,
        }
    }
    Err(last)
}

/// Sends a datagram and waits for what comes back from there.
pub(super) async fn udp(address: SocketAddr, datagram: &[u8], patience: Duration) -> Result<Vec<u8>, Stopped> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let exchange = async {
        let socket = UdpSocket::bind((any, 0)).await?;
        // Connected, it hears of refusals, and of nobody else's datagrams.
        socket.connect(address).await?;
        socket.send(datagram).await?;
        let mut answer = vec![0; LARGEST];
        let length = socket.recv(&mut answer).await?;
        answer.truncate(length);
        Ok(answer)
    };
    within(patience, exchange).await
}

/// Anything that takes no longer than this.
pub(super) async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> Result<T, Stopped> {
    match timeout(patience, work).await {
        Ok(done) => done.map_err(Stopped::from),
        Err(_) => Err(Stopped::Silence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stopped_it_is_told_apart() {
        // As Linux numbers them: EPERM, ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EACCES.
        #[cfg(target_os = "linux")]
        for (number, expected) in [
            (1, Stopped::Forbidden),
            (13, Stopped::Forbidden),
            (111, Stopped::Refused),
            (110, Stopped::Silence),
            (101, Stopped::Unreachable),
            (113, Stopped::Unreachable),
            (99, Stopped::Unreachable),
        ] {
            assert_eq!(
                Stopped::from(io::Error::from_raw_os_error(number)),
                expected,
                "{number}"
            );
        }
        let other = Stopped::from(io::Error::other("the cable is cut"));
        assert_eq!(other.to_string(), "the cable is cut");
    }
}
