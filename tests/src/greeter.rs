//! A server that is content with anything: it greets. What comes back proves that a connection passed.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What it says.
pub const GREETING: &[u8] = b"passed\n";

const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A greeter on loopback, until the test ends.
#[derive(Debug)]
pub struct Greeter {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    accepted: AtomicUsize,
    /// Bytes.
    received: AtomicUsize,
}

impl Greeter {
    /// One that waits for the first bytes of its client.
    #[must_use]
    pub fn answering() -> Self {
        Self::start(free(), answer)
    }

    /// The same at several addresses of this machine, at one port that is free at all of them.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn answering_at(addresses: &[Ipv4Addr]) -> Vec<Self> {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let mut listeners: Vec<TcpListener> = Vec::new();
            for address in addresses {
                let port = listeners.first().and_then(|first| first.local_addr().ok());
                let port = port.map_or(0, |first| first.port());
                // Another test may have that port there.
                let Ok(listener) = TcpListener::bind((*address, port)) else {
                    break;
                };
                listeners.push(listener);
            }
            if listeners.len() == addresses.len() {
                return listeners
                    .into_iter()
                    .map(|listener| Self::start(listener, answer))
                    .collect();
            }
        }
        panic!("no port is free at all of {addresses:?}");
    }

    /// One that speaks first, as servers of SSH, SMTP and MySQL do.
    #[must_use]
    pub fn speaking_first() -> Self {
        Self::start(free(), |stream, _| {
            let _ = stream.write_all(GREETING);
        })
    }

    /// One that waits for the first bytes of its client, greets, and stays.
    #[must_use]
    pub fn staying() -> Self {
        Self::start(free(), |stream, seen| {
            let received = stream.read(&mut [0; 4096]).unwrap_or(0);
            seen.received.fetch_add(received, Ordering::SeqCst);
            // Until the client has gone, however it goes.
            let _ = stream
                .write_all(GREETING)
                .and_then(|()| io::copy(stream, &mut io::sink()));
        })
    }

    fn start(listener: TcpListener, greet: impl Fn(&mut TcpStream, &Seen) + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Seen::default());
        let noted = Arc::clone(&seen);
        let greet = Arc::new(greet);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                noted.accepted.fetch_add(1, Ordering::SeqCst);
                let (greet, noted) = (Arc::clone(&greet), Arc::clone(&noted));
                thread::spawn(move || greet(&mut stream, &noted));
            }
        });
        Self { address, seen }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// Bytes that came before it greeted.
    #[must_use]
    pub fn received(&self) -> usize {
        self.seen.received.load(Ordering::SeqCst)
    }
}

fn free() -> TcpListener {
    TcpListener::bind(FREE).expect("loopback has a free port")
}

fn answer(stream: &mut TcpStream, seen: &Seen) {
    // Closing with something unread would reset the connection and lose the greeting.
    let received = stream.read(&mut [0; 4096]).unwrap_or(0);
    seen.received.fetch_add(received, Ordering::SeqCst);
    // Whether the client still listens shows on its side.
    let _ = stream.write_all(GREETING);
}
