//! Requests out of TLS connections that end at the proxy, with any server name: by `openssl s_client`, because
//! libraries send no name with a trailing dot, and none that is no name.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::thread;

use super::{Answer, connect, h1, is_close};

/// One request that has been answered.
#[derive(Debug)]
pub struct Exchange {
    /// What came back.
    pub answer: Answer,
    /// The connection to the proxy, whose local port stays taken.
    stream: TcpStream,
}

impl Exchange {
    /// Sends a request.
    ///
    /// # Panics
    /// If openssl cannot be run, or something is answered that is not HTTP.
    #[must_use]
    pub fn of(proxy: SocketAddr, server_name: Option<&[u8]>, request: &[u8]) -> Self {
        // Between openssl and the proxy, so that it is known where the connection comes from.
        let relay = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free TCP port");
        let at = relay.local_addr().expect("a bound socket has an address");
        let stream = connect(proxy);
        let proxied = stream.try_clone().expect("a socket can be shared");
        let relayed = thread::spawn(move || {
            let (client, _) = relay.accept()?;
            let (up, down) = (client.try_clone()?, proxied.try_clone()?);
            let upwards = thread::spawn(move || pass(up, proxied));
            pass(down, client);
            upwards.join().map_err(|_| io::ErrorKind::Other)?;
            Ok::<_, io::Error>(())
        });
        let mut openssl = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &at.to_string()])
            .args(match server_name {
                Some(name) => vec![OsStr::new("-servername"), OsStr::from_bytes(name)],
                None => vec![OsStr::new("-noservername")],
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl makes the certificates of this topology too");
        let (input, output) = (openssl.stdin.as_mut(), openssl.stdout.as_mut());
        // Where there is no connection nobody reads.
        let _ = input.expect("it is piped").write_all(request);
        let answer = match h1::receive(output.expect("it is piped"), request) {
            Ok(answer) => answer,
            Err(error) if is_close(&error) => Answer::Reset,
            Err(error) => panic!("no answer to {}: {error}", request.escape_ascii()),
        };
        // It would stay until the proxy closes.
        let _ = openssl.kill();
        openssl.wait().expect("a child can be waited for");
        let relayed = relayed.join().expect("the relay does not panic");
        relayed.expect("openssl connects");
        Self { answer, stream }
    }

    /// The client's end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }
}

/// Passes bytes on until there are no more, and says so.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    // How a connection ends is the business of its ends.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
