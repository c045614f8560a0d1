//! What iptables does in a pod: connections arrive at the sidecar's one port and keep where they were going.
//!
//! The destination travels in a PROXY header, which Envoy restores it from just as it does from the kernel's
//! `SO_ORIGINAL_DST`. So connections are handed to the listener of their port, and `ORIGINAL_DST` clusters dial it.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Where to connect to in order to be redirected. It is served until the process ends.
pub(crate) fn redirect(sidecar: SocketAddr, destination: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free TCP port");
    let address = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // How a connection ends is the client's to see.
            thread::spawn(move || relay(&client, sidecar, destination));
        }
    });
    address
}

fn relay(client: &TcpStream, sidecar: SocketAddr, destination: SocketAddr) -> io::Result<()> {
    let from = client.peer_addr()?;
    let mut proxy = TcpStream::connect(sidecar)?;
    let (to, port) = (destination.ip(), destination.port());
    proxy.write_all(format!("PROXY TCP4 {} {to} {} {port}\r\n", from.ip(), from.port()).as_bytes())?;
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &proxy));
        copy(&proxy, client);
    });
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    // A reset on one side is the end of both.
    let both = io::copy(&mut from, &mut to).is_err();
    let _ = to.shutdown(if both { Shutdown::Both } else { Shutdown::Write });
    if both {
        let _ = from.shutdown(Shutdown::Both);
    }
}
