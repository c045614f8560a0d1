//! Traces of Envoy's tap, of HTTP and of sockets: as JSON or protobuf, whole or in pieces.

mod binary;
mod json;
mod socket;
mod trace;

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::io::{self, BufRead};

use hashlink::LruCache;
use sluice_policy::Timestamp;

use super::error::SkipReason;
use super::records::Parsed;
use super::sniff::Encoding;
use super::traffic::{Traffic, with_port};
use super::unheard::FlowProblem;
use binary::{Messages, Next};
use json::Objects;
use socket::Socket;
use trace::Trace;

pub(super) use binary::encoding as binary_encoding;

/// The most connections at once whose pieces are brought together.
const MOST_SOCKETS: usize = 1 << 12;

/// What a trace is called in JSON, by Envoy and by other protobuf libraries.
const TRACES: [&str; 8] = [
    "http_buffered_trace",
    "http_streamed_trace_segment",
    "socket_buffered_trace",
    "socket_streamed_trace_segment",
    "httpBufferedTrace",
    "httpStreamedTraceSegment",
    "socketBufferedTrace",
    "socketStreamedTraceSegment",
];

/// Whether an object with this key is a trace.
pub(super) fn is_trace(key: &str) -> bool {
    TRACES.contains(&key)
}

/// Whether a file that begins with `start` is a trace in protobuf's text form.
pub(super) fn is_text(start: &[u8]) -> bool {
    TRACES.iter().any(|name| {
        let rest = start.trim_ascii_start().strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
    })
}

/// An entry and the number of the trace that it stands at, from 0.
type Entry = (u64, Result<Parsed, SkipReason>);

/// Open traces.
pub(super) struct Tap<R> {
    traces: Traces<R>,
    number: u64,
    /// Connections whose pieces are not all there yet.
    sockets: LruCache<u64, Socket, RandomState>,
    ready: VecDeque<Entry>,
    ended: bool,
}

enum Traces<R> {
    Json(Objects<R>),
    Binary(Messages<R>),
}

impl<R: BufRead> Tap<R> {
    pub(super) fn new(reader: R, encoding: Encoding) -> Self {
        Self {
            traces: match encoding {
                Encoding::Json => Traces::Json(Objects::new(reader)),
                Encoding::Binary => Traces::Binary(Messages::new(reader, false)),
                Encoding::Delimited => Traces::Binary(Messages::new(reader, true)),
            },
            number: 0,
            sockets: LruCache::with_hasher(MOST_SOCKETS + 1, RandomState::new()),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            if self.ended {
                return Ok(None);
            }
            match self.traces.next()? {
                Some(trace) => {
                    let number = self.number;
                    self.number += 1;
                    match trace {
                        Ok(trace) => self.take(trace, number),
                        Err(reason) => self.ready.push_back((number, Err(reason))),
                    }
                }
                None => {
                    self.ended = true;
                    while let Some((_, socket)) = self.sockets.remove_lru() {
                        self.ready.extend(socket.finish(None));
                    }
                }
            }
        }
    }

    fn take(&mut self, trace: Trace, number: u64) {
        match trace {
            Trace::Request { headers, at } => self.ready.push_back((number, request(&headers, at))),
            Trace::Connection(pieces) => {
                let mut socket = Socket::new(number);
                self.ready.extend(socket.take(pieces, number));
                self.ready.extend(socket.finish(None));
            }
            Trace::Piece { id, pieces } => {
                // Numbers come again after a restart, and a connection's ends come first.
                if pieces.ends.is_some()
                    && self.sockets.peek(&id).is_some_and(Socket::has_ends)
                    && pieces.events.is_empty()
                    && let Some(socket) = self.sockets.remove(&id)
                {
                    self.ready.extend(socket.finish(None));
                }
                let closed = pieces.closed;
                if !self.sockets.contains_key(&id) {
                    self.sockets.insert(id, Socket::new(number));
                }
                if let Some(socket) = self.sockets.get_mut(&id) {
                    self.ready.extend(socket.take(pieces, number));
                }
                let ended = if closed { self.sockets.remove(&id) } else { None };
                self.ready
                    .extend(ended.into_iter().flat_map(|socket| socket.finish(None)));
                while self.sockets.len() > MOST_SOCKETS {
                    let oldest = self.sockets.remove_lru();
                    let crowded = |(_, socket): (u64, Socket)| socket.finish(Some(FlowProblem::Crowded));
                    self.ready.extend(oldest.into_iter().flat_map(crowded));
                }
            }
            Trace::Nothing => {}
        }
    }
}

impl<R: BufRead> Traces<R> {
    fn next(&mut self) -> io::Result<Option<Result<Trace, SkipReason>>> {
        Ok(match self {
            Self::Json(objects) => objects.next()?.map(|object| json::trace(object?)),
            Self::Binary(messages) => messages.next()?.map(|next| match next {
                Next::Message(message) => binary::trace(message),
                Next::CutOff => Err(SkipReason::CutOff),
                Next::Damaged => Err(SkipReason::Damaged {
                    problem: "a trace's length makes no sense",
                }),
            }),
        })
    }
}

/// A request from the headers that Envoy's filters saw.
fn request(headers: &[(String, Vec<u8>)], at: Option<Timestamp>) -> Result<Parsed, SkipReason> {
    let header = |name: &str| {
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let (Some(method), Some(authority)) = (header(":method"), header(":authority").or_else(|| header("host"))) else {
        return Err(SkipReason::NoTarget);
    };
    let traffic = if method == b"CONNECT" {
        Traffic::Tunnel { authority }
    } else {
        // Envoy writes this one itself, from the connection; the scheme may be the client's word.
        let scheme = header("x-forwarded-proto").or_else(|| header(":scheme"));
        let tls = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"));
        Traffic::Exchange {
            tls,
            authority: if tls { with_port(&authority, 443) } else { authority },
            method,
            path: header(":path"),
        }
    };
    Ok(Parsed {
        at,
        count: 1,
        traffic,
        address: None,
    })
}

#[cfg(test)]
mod tests;
