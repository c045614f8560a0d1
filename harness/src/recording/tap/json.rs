//! Tap traces as JSON, with the names that Envoy writes or those of other protobuf libraries.

use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;
use sluice_policy::Timestamp;

use super::trace::{Address, Data, Direction, Ends, Event, Pieces, Trace, truncated};
use crate::recording::error::SkipReason;

/// The most that is read of one trace; Envoy buffers 1 KiB of a body unless told otherwise.
const LONGEST: usize = 16 << 20;

/// The JSON objects of a file, one behind the other, each beginning on a line of its own.
pub(super) struct Objects<R> {
    reader: R,
    /// The first line of the next object.
    line: Vec<u8>,
    object: Vec<u8>,
}

impl<R: BufRead> Objects<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            object: Vec::new(),
        }
    }

    /// The next object's text: all lines from one that begins with its brace to the next such line.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<&[u8], SkipReason>>> {
        self.object.clear();
        let mut too_long = false;
        loop {
            if self.line.is_empty() {
                let limit = LONGEST as u64 + 1;
                Read::take(&mut self.reader, limit).read_until(b'\n', &mut self.line)?;
            }
            let begins = self.line.starts_with(b"{") && !self.object.trim_ascii().is_empty();
            if self.line.is_empty() || begins {
                break;
            }
            too_long = too_long || self.object.len() + self.line.len() > LONGEST;
            if too_long {
                // Only that there was something, so that the next brace is another object's.
                self.object = vec![b'{'];
            } else {
                self.object.extend_from_slice(&self.line);
            }
            self.line.clear();
        }
        Ok(match (too_long, self.object.trim_ascii()) {
            (true, _) => Some(Err(SkipReason::TooLong { limit: LONGEST })),
            (false, []) => None,
            (false, object) => Some(Ok(object)),
        })
    }
}

/// One trace.
pub(super) fn trace(object: &[u8]) -> Result<Trace, SkipReason> {
    let wrapper: Wrapper = serde_json::from_slice(object).map_err(|error| SkipReason::Trace {
        problem: error.to_string(),
    })?;
    Ok(wrapper.into())
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Wrapper {
    #[serde(alias = "httpBufferedTrace")]
    http_buffered_trace: Option<HttpBuffered>,
    #[serde(alias = "httpStreamedTraceSegment")]
    http_streamed_trace_segment: Option<HttpSegment>,
    #[serde(alias = "socketBufferedTrace")]
    socket_buffered_trace: Option<SocketBuffered>,
    #[serde(alias = "socketStreamedTraceSegment")]
    socket_streamed_trace_segment: Option<SocketSegment>,
}

#[derive(Deserialize)]
struct HttpBuffered {
    request: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(alias = "headersReceivedTime", default)]
    headers_received_time: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    key: String,
    #[serde(default)]
    value: String,
    #[serde(alias = "rawValue", default)]
    raw_value: Bytes,
}

#[derive(Deserialize)]
struct HttpSegment {
    #[serde(alias = "requestHeaders")]
    request_headers: Option<Message>,
}

#[derive(Deserialize)]
struct SocketBuffered {
    connection: Option<Connection>,
    #[serde(default)]
    events: Vec<SocketEvent>,
    #[serde(alias = "readTruncated", default)]
    read_truncated: bool,
    #[serde(alias = "writeTruncated", default)]
    write_truncated: bool,
}

#[derive(Deserialize)]
struct SocketSegment {
    #[serde(alias = "traceId", default)]
    trace_id: Number,
    connection: Option<Connection>,
    event: Option<SocketEvent>,
    events: Option<SocketEvents>,
}

#[derive(Deserialize)]
struct SocketEvents {
    #[serde(default)]
    events: Vec<SocketEvent>,
}

#[derive(Deserialize)]
struct Connection {
    #[serde(alias = "localAddress")]
    local_address: Option<Place>,
    #[serde(alias = "remoteAddress")]
    remote_address: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(alias = "socketAddress")]
    socket_address: Option<SocketAddress>,
}

#[derive(Deserialize)]
struct SocketAddress {
    #[serde(default)]
    address: String,
    #[serde(alias = "portValue", default)]
    port_value: u16,
}

#[derive(Deserialize)]
struct SocketEvent {
    timestamp: Option<String>,
    read: Option<Transfer>,
    write: Option<Transfer>,
    closed: Option<Value>,
    connection: Option<Connection>,
}

#[derive(Deserialize)]
struct Transfer {
    data: Option<Body>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(alias = "asBytes")]
    as_bytes: Option<Bytes>,
    #[serde(alias = "asString")]
    as_string: Option<String>,
    #[serde(default)]
    truncated: bool,
}

/// A 64-bit number, which protobuf writes as text.
#[derive(Default)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        number.map(Self).ok_or_else(|| D::Error::custom("expected a number"))
    }
}

/// Bytes, which protobuf writes in base64.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let text = String::deserialize(deserializer)?;
        let bytes = LENIENT.decode(text.replace('-', "+").replace('_', "/"));
        bytes.map(Self).map_err(D::Error::custom)
    }
}

impl From<Wrapper> for Trace {
    fn from(wrapper: Wrapper) -> Self {
        if let Some(request) = wrapper.http_buffered_trace.and_then(|trace| trace.request) {
            return request.into();
        }
        if let Some(request) = wrapper
            .http_streamed_trace_segment
            .and_then(|segment| segment.request_headers)
        {
            return request.into();
        }
        if let Some(socket) = wrapper.socket_buffered_trace {
            let truncated = truncated(socket.read_truncated, socket.write_truncated);
            return Self::Connection(pieces(socket.connection, socket.events, truncated));
        }
        match wrapper.socket_streamed_trace_segment {
            Some(segment) => {
                let more = segment.events.map(|events| events.events).unwrap_or_default();
                let events = segment.event.into_iter().chain(more).collect();
                Self::Piece {
                    id: segment.trace_id.0,
                    pieces: pieces(segment.connection, events, Vec::new()),
                }
            }
            None => Self::Nothing,
        }
    }
}

impl From<Message> for Trace {
    fn from(message: Message) -> Self {
        let headers = message.headers.into_iter().map(|header| {
            let value = match header.value.is_empty() {
                true => header.raw_value.0,
                false => header.value.into_bytes(),
            };
            (header.key, value)
        });
        Self::Request {
            headers: headers.collect(),
            at: time(message.headers_received_time.as_deref()),
        }
    }
}

fn pieces(connection: Option<Connection>, mut events: Vec<SocketEvent>, truncated: Vec<Direction>) -> Pieces {
    let place = |place: Option<Place>| {
        let address = place?.socket_address?;
        Some(Address {
            host: address.address,
            port: address.port_value,
        })
    };
    let of_event = || events.iter_mut().find_map(|event| event.connection.take());
    Pieces {
        ends: connection.or_else(of_event).map(|connection| Ends {
            local: place(connection.local_address),
            remote: place(connection.remote_address),
        }),
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
    let data = match (body.as_bytes, body.as_string) {
        (Some(bytes), _) => Data::Bytes(bytes.0),
        (None, Some(text)) if text.contains(char::REPLACEMENT_CHARACTER) => Data::Damaged,
        (None, text) => Data::Bytes(text.unwrap_or_default().into_bytes()),
    };
    Some(Event {
        at: time(event.timestamp.as_deref()),
        direction,
        data,
        truncated: body.truncated,
    })
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text?).ok()
}
