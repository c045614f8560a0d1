//! Tap traces as protobuf: plain, as a file of one trace has it, or each behind its length.
//!
//! The messages are declared as far as they are used, with the numbers of
//! `envoy.data.tap.v3`; the crates that have all of Envoy's would more than double the build.

use std::io::{self, Read};

use prost::Message as _;
use prost::encoding::decode_varint;

use super::trace::{self, Data, Direction, Event, Pieces, Trace};
use crate::recording::error::SkipReason;
use crate::recording::sniff::Encoding;

/// The most that is read of one trace.
const LONGEST: usize = 16 << 20;

/// What comes next in a file.
pub(super) enum Next<'a> {
    /// A message, or the only field of one.
    Message(&'a [u8]),
    /// The file ends in the middle of one.
    CutOff,
    /// No next one can be found.
    Damaged,
}

/// The messages of a file.
pub(super) struct Messages<R> {
    reader: R,
    delimited: bool,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(reader: R, delimited: bool) -> Self {
        Self {
            reader,
            delimited,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// The next message. A plain one has a single field, so that several behind
    /// each other are told apart by their fields.
    pub(super) fn next(&mut self) -> io::Result<Option<Next<'_>>> {
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        self.buffer.clear();
        if !self.delimited {
            if !self.more(1)? {
                return Ok(None);
            }
            // Its number aside, it must be a field that has a length.
            if self.buffer.first().is_some_and(|tag| tag & 0x87 != 2) {
                return Ok(Some(Next::Damaged));
            }
        }
        let begins = self.buffer.len();
        let length = loop {
            if !self.more(1)? {
                return Ok((!self.buffer.is_empty()).then_some(Next::CutOff));
            }
            if self.buffer.last().is_some_and(|byte| *byte < 0x80) {
                break decode_varint(&mut &self.buffer[begins..]);
            }
            if self.buffer.len() > begins + 10 {
                return Ok(Some(Next::Damaged));
            }
        };
        let length = length.ok().and_then(|length| usize::try_from(length).ok());
        let Some(length) = length.filter(|length| *length <= LONGEST) else {
            return Ok(Some(Next::Damaged));
        };
        let header = if self.delimited { self.buffer.len() } else { 0 };
        if !self.more(length)? {
            return Ok(Some(Next::CutOff));
        }
        self.ended = false;
        Ok(Some(Next::Message(&self.buffer[header..])))
    }

    /// Reads this many bytes more; whether there were that many.
    fn more(&mut self, length: usize) -> io::Result<bool> {
        let read = (&mut self.reader).take(length as u64).read_to_end(&mut self.buffer)?;
        Ok(read == length)
    }
}

/// One trace.
pub(super) fn trace(message: &[u8]) -> Result<Trace, SkipReason> {
    let wrapper = Wrapper::decode(message).map_err(|error| SkipReason::Trace {
        problem: error.to_string(),
    })?;
    Ok(wrapper.into())
}

/// How a file that begins with `start` is written, if it is tap traces in protobuf.
pub(in crate::recording) fn encoding(start: &[u8]) -> Option<Encoding> {
    let mut rest = start;
    if let Ok(length) = decode_varint(&mut rest)
        && let Some(whole) = trace_length(rest)
        && usize::try_from(length) == Ok(whole)
    {
        // One that goes beyond what is looked at is known by its two lengths.
        let says_something = rest.get(..whole).is_none_or(says_something);
        return says_something.then_some(Encoding::Delimited);
    }
    let whole = start.get(..trace_length(start)?)?;
    says_something(whole).then_some(Encoding::Binary)
}

/// The length of a trace that begins here: the tag of one of the fields 1 to 4, each a
/// message, its length, and the message.
fn trace_length(bytes: &[u8]) -> Option<usize> {
    let (tag, mut rest) = bytes.split_first()?;
    let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
    let header = bytes.len() - rest.len();
    let length = header.checked_add(length)?;
    matches!(tag, 0x0a | 0x12 | 0x1a | 0x22).then_some(length)
}

/// Whether this is a trace: the lengths of a short text can fit by chance.
fn says_something(message: &[u8]) -> bool {
    match trace(message) {
        Ok(Trace::Nothing) | Err(_) => false,
        Ok(Trace::Connection(pieces)) => pieces != Pieces::default(),
        Ok(Trace::Piece { id, pieces }) => id != 0 || pieces != Pieces::default(),
        Ok(Trace::Request { headers, .. }) => !headers.is_empty(),
    }
}

#[derive(prost::Message)]
struct Wrapper {
    #[prost(message, optional, tag = "1")]
    http_buffered_trace: Option<HttpBuffered>,
    #[prost(message, optional, tag = "2")]
    http_streamed_trace_segment: Option<HttpSegment>,
    #[prost(message, optional, tag = "3")]
    socket_buffered_trace: Option<SocketBuffered>,
    #[prost(message, optional, tag = "4")]
    socket_streamed_trace_segment: Option<SocketSegment>,
}

#[derive(prost::Message)]
struct HttpBuffered {
    #[prost(message, optional, tag = "1")]
    request: Option<Message>,
}

#[derive(prost::Message)]
struct Message {
    #[prost(message, repeated, tag = "1")]
    headers: Vec<Header>,
    #[prost(message, optional, tag = "4")]
    headers_received_time: Option<Time>,
}

#[derive(prost::Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(bytes = "vec", tag = "3")]
    raw_value: Vec<u8>,
}

#[derive(prost::Message)]
struct HttpSegment {
    #[prost(message, optional, tag = "2")]
    request_headers: Option<HeaderMap>,
}

#[derive(prost::Message)]
struct HeaderMap {
    #[prost(message, repeated, tag = "1")]
    headers: Vec<Header>,
}

#[derive(prost::Message)]
struct SocketBuffered {
    #[prost(message, optional, tag = "2")]
    connection: Option<Connection>,
    #[prost(message, repeated, tag = "3")]
    events: Vec<SocketEvent>,
    #[prost(bool, tag = "4")]
    read_truncated: bool,
    #[prost(bool, tag = "5")]
    write_truncated: bool,
}

#[derive(prost::Message)]
struct SocketSegment {
    #[prost(uint64, tag = "1")]
    trace_id: u64,
    #[prost(message, optional, tag = "2")]
    connection: Option<Connection>,
    #[prost(message, optional, tag = "3")]
    event: Option<SocketEvent>,
    #[prost(message, optional, tag = "4")]
    events: Option<SocketEvents>,
}

#[derive(prost::Message)]
struct SocketEvents {
    #[prost(message, repeated, tag = "1")]
    events: Vec<SocketEvent>,
}

/// Its fields were renumbered when the message moved to another file: local and
/// remote address are 1 and 2 now, and were 2 and 3.
#[derive(prost::Message)]
struct Connection {
    #[prost(message, optional, tag = "1")]
    first: Option<Place>,
    #[prost(message, optional, tag = "2")]
    second: Option<Place>,
    #[prost(message, optional, tag = "3")]
    third: Option<Place>,
}

#[derive(prost::Message)]
struct Place {
    #[prost(message, optional, tag = "1")]
    socket_address: Option<SocketAddress>,
}

#[derive(prost::Message)]
struct SocketAddress {
    #[prost(string, tag = "2")]
    address: String,
    #[prost(uint32, tag = "3")]
    port_value: u32,
}

#[derive(prost::Message)]
struct SocketEvent {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(message, optional, tag = "2")]
    read: Option<Transfer>,
    #[prost(message, optional, tag = "3")]
    write: Option<Transfer>,
    #[prost(message, optional, tag = "4")]
    closed: Option<Empty>,
    #[prost(message, optional, tag = "5")]
    connection: Option<Connection>,
}

#[derive(prost::Message)]
struct Transfer {
    #[prost(message, optional, tag = "1")]
    data: Option<Body>,
}

#[derive(prost::Message)]
struct Body {
    #[prost(bytes = "vec", optional, tag = "1")]
    as_bytes: Option<Vec<u8>>,
    /// Declared as bytes: Envoy writes whatever it saw into this text.
    #[prost(bytes = "vec", optional, tag = "2")]
    as_string: Option<Vec<u8>>,
    #[prost(bool, tag = "3")]
    truncated: bool,
}

#[derive(prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(prost::Message)]
struct Empty {}

impl From<Wrapper> for Trace {
    fn from(wrapper: Wrapper) -> Self {
        if let Some(message) = wrapper.http_buffered_trace.and_then(|trace| trace.request) {
            return Self::Request {
                headers: headers(message.headers),
                at: time(message.headers_received_time),
            };
        }
        if let Some(map) = wrapper
            .http_streamed_trace_segment
            .and_then(|segment| segment.request_headers)
        {
            return Self::Request {
                headers: headers(map.headers),
                at: None,
            };
        }
        if let Some(socket) = wrapper.socket_buffered_trace {
            let truncated = trace::truncated(socket.read_truncated, socket.write_truncated);
            return Self::Connection(pieces(socket.connection, socket.events, truncated));
        }
        match wrapper.socket_streamed_trace_segment {
            Some(segment) => {
                let more = segment.events.map(|events| events.events).unwrap_or_default();
                let events = segment.event.into_iter().chain(more).collect();
                Self::Piece {
                    id: segment.trace_id,
                    pieces: pieces(segment.connection, events, Vec::new()),
                }
            }
            None => Self::Nothing,
        }
    }
}

fn headers(headers: Vec<Header>) -> Vec<(String, Vec<u8>)> {
    let value = |header: Header| {
        let value = match header.value.is_empty() {
            true => header.raw_value,
            false => header.value.into_bytes(),
        };
        (header.key, value)
    };
    headers.into_iter().map(value).collect()
}

fn pieces(connection: Option<Connection>, mut events: Vec<SocketEvent>, truncated: Vec<Direction>) -> Pieces {
    let place = |place: Option<Place>| {
        let address = place?.socket_address?;
        Some(trace::Address {
            host: address.address,
            port: address.port_value.try_into().ok()?,
        })
    };
    let ends = |connection: Connection| {
        let Connection { first, second, third } = connection;
        let (local, remote) = match first {
            Some(first) => (Some(first), second),
            None => (second, third),
        };
        trace::Ends {
            local: place(local),
            remote: place(remote),
        }
    };
    let of_event = || events.iter_mut().find_map(|event| event.connection.take());
    Pieces {
        ends: connection.or_else(of_event).map(ends),
        closed: events.iter().any(|event| event.closed.is_some()),
        events: events.into_iter().filter_map(event).collect(),
        truncated,
    }
}

fn event(event: SocketEvent) -> Option<Event> {
    let (direction, transfer) = match (event.read, event.write) {
        (Some(read), _) => (Direction::Read, read),
        (None, Some(write)) => (Direction::Write, write),
        (None, None) => return None,
    };
    let body = transfer.data?;
    Some(Event {
        at: time(event.timestamp),
        direction,
        data: Data::Bytes(body.as_bytes.or(body.as_string).unwrap_or_default()),
        truncated: body.truncated,
    })
}

fn time(time: Option<Time>) -> Option<sluice_policy::Timestamp> {
    let time = time?;
    trace::timestamp(time.seconds, time.nanos)
}
