//! Where allowed traffic ends: HTTP/1.1 servers on loopback, plain or TLS, that remember who came.

mod authority;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

pub use authority::Authority;

use crate::RUNTIME;

/// A server that answers every request with one status. It stops when dropped.
#[derive(Debug)]
pub struct Upstream {
    port: u16,
    seen: Arc<Seen>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    accepted: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Upstream {
    /// A plain HTTP server.
    #[must_use]
    pub fn plain(status: u16) -> Self {
        Self::start(status, None)
    }

    /// A TLS server with a certificate for `names`.
    #[must_use]
    pub fn tls(status: u16, authority: &Authority, names: &[&str]) -> Self {
        Self::start(status, Some(authority.acceptor(names)))
    }

    fn start(status: u16, tls: Option<TlsAcceptor>) -> Self {
        let listener = RUNTIME
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("loopback has a free TCP port");
        let address: SocketAddr = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Seen::default());
        let task = RUNTIME
            .spawn(accept(listener, status, tls, Arc::clone(&seen)))
            .abort_handle();
        Self {
            port: address.port(),
            seen,
            task,
        }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// TCP connections accepted so far.
    ///
    /// Connections are accepted in the order in which they were opened, so once a
    /// later one has been answered, an earlier one is sure to be counted.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// The heads of all requests so far, as they came.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.seen
            .requests
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, status: u16, tls: Option<TlsAcceptor>, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.accepted.fetch_add(1, Ordering::SeqCst);
        let (tls, seen) = (tls.clone(), Arc::clone(&seen));
        // How a connection ends is the client's business; what counts is in `seen`.
        tokio::spawn(async move { serve(stream, status, tls, &seen).await });
    }
}

async fn serve(stream: TcpStream, status: u16, tls: Option<TlsAcceptor>, seen: &Seen) -> io::Result<()> {
    match tls {
        Some(tls) => answer(tls.accept(stream).await?, status, seen).await,
        None => answer(stream, status, seen).await,
    }
}

/// Requests without a body, one after the other, until the client closes.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, status: u16, seen: &Seen) -> io::Result<()> {
    let mut head = Vec::new();
    let body = "upstream\n";
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        seen.requests.lock().expect("no holder of this lock panics").push(text);
        head.clear();
        let length = body.len();
        let response = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(response.as_bytes()).await?;
        stream.flush().await?;
    }
}
