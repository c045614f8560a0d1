//! HTTP/1.1 over one connection: bytes out, one response in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{Answer, connect, connect_from, is_close};

/// An open connection to the proxy.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
}

/// The bytes of a request without a body.
///
/// `target` is what stands between method and version: a path, an absolute URL, or
/// the authority of a CONNECT.
#[must_use]
pub fn request(method: &[u8], target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = [method, b" ", target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in headers {
        bytes.extend([*name, b": ", *value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes
}

/// The bytes of a plain `GET` of `/`, as sent to a proxy.
#[must_use]
pub fn get(authority: &str) -> Vec<u8> {
    let url = format!("http://{authority}/");
    request(b"GET", url.as_bytes(), &[(b"host", authority.as_bytes())])
}

/// The bytes of a `CONNECT`.
#[must_use]
pub fn connect_to(authority: &str) -> Vec<u8> {
    let authority = authority.as_bytes();
    request(b"CONNECT", authority, &[(b"host", authority)])
}

impl Connection {
    /// Connects.
    #[must_use]
    pub fn open(proxy: SocketAddr) -> Self {
        Self { stream: connect(proxy) }
    }

    /// Connects from an address of this machine.
    #[must_use]
    pub fn open_from(local: SocketAddr, proxy: SocketAddr) -> Self {
        Self {
            stream: connect_from(local, proxy),
        }
    }

    /// The client's end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Sends bytes that are no whole request yet.
    ///
    /// # Panics
    /// If the proxy has closed the connection.
    pub fn begin(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the proxy keeps the connection");
    }

    /// Sends one request and reads its response.
    ///
    /// # Panics
    /// If the proxy stays silent, or answers with something that is not HTTP.
    pub fn send(&mut self, request: &[u8]) -> Answer {
        let exchange = self
            .stream
            .write_all(request)
            .and_then(|()| receive(&mut self.stream, request));
        match exchange {
            Ok(answer) => answer,
            Err(error) if is_close(&error) => Answer::Reset,
            Err(error) => panic!("no answer to {}: {error}", request.escape_ascii()),
        }
    }

    /// What comes until the other side closes.
    ///
    /// # Panics
    /// If it stays open.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Err(error) if !is_close(&error) => panic!("the connection stays open: {error}"),
            _ => rest,
        }
    }

    /// Waits until the other side closes, whatever comes before that.
    ///
    /// # Panics
    /// If it stays open.
    pub fn closed(&mut self) {
        match io::copy(&mut self.stream, &mut io::sink()) {
            Err(error) if !is_close(&error) => panic!("the connection stays open: {error}"),
            _ => {}
        }
    }
}

/// Reads one response to a request that begins like this.
///
/// # Errors
/// If the other side closes first, or stays silent.
///
/// # Panics
/// If it is not HTTP.
pub(super) fn receive(from: &mut impl Read, request: &[u8]) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("not an HTTP response: {head:?}"));
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let opened = request.starts_with(b"CONNECT ") && (200..300).contains(&status);
    let bodiless = opened || request.starts_with(b"HEAD ");
    let mut body = vec![0; if bodiless { 0 } else { length.unwrap_or(0) }];
    from.read_exact(&mut body)?;
    Ok(Answer::Response { status, head, body })
}
