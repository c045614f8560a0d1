//! A server that is content with anything: it greets and closes. What comes back proves that a connection passed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What it says.
pub const GREETING: &[u8] = b"passed\n";

/// A greeter on loopback, until the test ends.
#[derive(Debug)]
pub struct Greeter {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Greeter {
    /// One that waits for the first bytes of its client.
    #[must_use]
    pub fn answering() -> Self {
        Self::start(|stream| {
            // Closing with something unread would reset the connection and lose the greeting.
            // Whether the client still listens shows on its side.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(GREETING));
        })
    }

    /// One that speaks first, as servers of SSH, SMTP and MySQL do.
    #[must_use]
    pub fn speaking_first() -> Self {
        Self::start(|stream| {
            let _ = stream.write_all(GREETING);
        })
    }

    fn start(greet: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                greet(&mut stream);
            }
        });
        Self { address, accepted }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}
