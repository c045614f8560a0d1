//! Just enough of an HTTP/2 client to send any `:authority` and to keep a connection open.
//!
//! Library clients refuse to send what these tests are about.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use super::{Answer, connect, hpack, is_close};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS_HEADER_TABLE_SIZE = 0: the peer's headers then never refer back to earlier ones.
const SETTINGS: &[u8] = &[0, 1, 0, 0, 0, 0];

mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PING: u8 = 6;
    pub(super) const GOAWAY: u8 = 7;
}

mod flag {
    pub(super) const ACK: u8 = 1;
    pub(super) const END_STREAM: u8 = 1;
    pub(super) const END_HEADERS: u8 = 4;
    pub(super) const PADDED: u8 = 8;
    pub(super) const PRIORITY: u8 = 32;
}

/// What a connection is made of.
pub trait Wire: Read + Write + Send {}

impl<T: Read + Write + Send> Wire for T {}

/// An open connection to the proxy.
pub struct Connection {
    wire: Box<dyn Wire>,
    local: SocketAddr,
    next: u32,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h2 from {}", self.local)
    }
}

/// Names and values, pseudo-headers first.
pub type Headers<'h> = [(&'h [u8], &'h [u8])];

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Connection {
    /// Connects and greets: prior knowledge, no TLS.
    #[must_use]
    pub fn open(proxy: SocketAddr) -> Self {
        let stream = connect(proxy);
        let local = stream.local_addr().expect("a connected socket has an address");
        Self::over(stream, local)
    }

    /// Greets on a connection that is open.
    #[must_use]
    pub fn over(wire: impl Wire + 'static, local: SocketAddr) -> Self {
        let mut connection = Self {
            wire: Box::new(wire),
            local,
            next: 1,
        };
        connection
            .wire
            .write_all(PREFACE)
            .and_then(|()| connection.write(kind::SETTINGS, 0, 0, SETTINGS))
            .expect("a fresh connection takes a few bytes");
        connection
    }

    /// The client's end.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends the headers, pseudo-headers first, on a new stream. A CONNECT stays open
    /// for its tunnel, everything else is a request without a body.
    ///
    /// # Panics
    /// If the proxy stays silent, or breaks the protocol.
    pub fn send(&mut self, headers: &Headers<'_>) -> Answer {
        let tunnel = headers.contains(&(b":method", b"CONNECT"));
        let stream = self.next;
        let exchange = self.begin(headers, tunnel).and_then(|()| self.receive(stream, tunnel));
        match exchange {
            Ok(answer) => answer,
            Err(error) if is_close(&error) => Answer::Reset,
            Err(error) => panic!("no answer on stream {stream}: {error}"),
        }
    }

    /// Opens a stream for each request before anything is read, and reads all answers: of requests
    /// without a body, in their order.
    ///
    /// # Panics
    /// If the proxy stays silent, closes the connection or breaks the protocol.
    pub fn send_together(&mut self, requests: &[&Headers<'_>]) -> Vec<Option<u16>> {
        let first = self.next;
        for headers in requests {
            self.begin(headers, false).expect("the proxy keeps the connection");
        }
        let mut statuses = HashMap::new();
        let mut ended = 0;
        while ended < requests.len() {
            let frame = self.read().expect("the proxy answers all of them");
            self.keep_up(&frame).expect("the proxy keeps the connection");
            match frame.kind {
                kind::GOAWAY => panic!("the proxy ends the connection"),
                kind::HEADERS => {
                    statuses.insert(frame.stream, hpack::status(&frame.payload));
                }
                _ => {}
            }
            let ends = frame.kind == kind::RST_STREAM
                || matches!(frame.kind, kind::HEADERS | kind::DATA) && frame.flags & flag::END_STREAM != 0;
            ended += usize::from(ends);
        }
        let streams = (first..self.next).step_by(2);
        streams.map(|stream| statuses.get(&stream).copied()).collect()
    }

    fn begin(&mut self, headers: &Headers<'_>, tunnel: bool) -> io::Result<()> {
        let stream = self.next;
        self.next += 2;
        let end = if tunnel { 0 } else { flag::END_STREAM };
        let block = hpack::block(headers);
        self.write(kind::HEADERS, flag::END_HEADERS | end, stream, &block)
    }

    /// What a client owes its server on every frame.
    fn keep_up(&mut self, frame: &Frame) -> io::Result<()> {
        match frame.kind {
            kind::SETTINGS if frame.flags & flag::ACK == 0 => self.write(kind::SETTINGS, flag::ACK, 0, &[]),
            kind::PING if frame.flags & flag::ACK == 0 => self.write(kind::PING, flag::ACK, 0, &frame.payload),
            _ => Ok(()),
        }
    }

    fn receive(&mut self, stream: u32, tunnel: bool) -> io::Result<Answer> {
        let mut status = None;
        let mut body = Vec::new();
        loop {
            let frame = self.read()?;
            self.keep_up(&frame)?;
            match frame.kind {
                kind::GOAWAY => return Ok(Answer::Reset),
                kind::RST_STREAM if frame.stream == stream => return Ok(Answer::Reset),
                kind::HEADERS if frame.stream == stream && status.is_none() => {
                    assert_eq!(frame.flags & (flag::PADDED | flag::PRIORITY), 0, "plain HEADERS");
                    status = Some(hpack::status(&frame.payload));
                }
                kind::DATA if frame.stream == stream => body.extend(&frame.payload),
                _ => {}
            }
            if let Some(status) = status {
                let opened = tunnel && (200..300).contains(&status);
                let ended = matches!(frame.kind, kind::HEADERS | kind::DATA)
                    && frame.stream == stream
                    && frame.flags & flag::END_STREAM != 0;
                if opened || ended {
                    return Ok(Answer::Response {
                        status,
                        head: String::new(),
                        body,
                    });
                }
            }
        }
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len())
            .expect("test payloads are small")
            .to_be_bytes();
        let header = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.wire.write_all(&[&header, payload].concat())?;
        self.wire.flush()
    }

    fn read(&mut self) -> io::Result<Frame> {
        let mut header = [0; 9];
        self.wire.read_exact(&mut header)?;
        let [a, b, c, kind, flags, w, x, y, z] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.wire.read_exact(&mut payload)?;
        Ok(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes([w & 0x7f, x, y, z]),
            payload,
        })
    }
}
