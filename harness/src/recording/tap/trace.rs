//! What of a tap trace is used: `envoy.data.tap.v3.TraceWrapper`, from JSON or protobuf.

use sluice_policy::Timestamp;

/// One trace, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trace {
    /// An HTTP request.
    Request {
        /// Pseudo headers and headers, in their order.
        headers: Vec<(String, Vec<u8>)>,
        at: Option<Timestamp>,
    },
    /// All that was kept of a connection.
    Connection(Pieces),
    /// A part of what was kept of a connection.
    Piece {
        /// The connection's number in its Envoy.
        id: u64,
        pieces: Pieces,
    },
    /// A part of a trace that says nothing about where the traffic goes: an answer, a body.
    Nothing,
}

/// What was seen of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pieces {
    /// Its two ends, where they are told.
    pub(super) ends: Option<Ends>,
    pub(super) events: Vec<Event>,
    /// Which ways there was more than was kept.
    pub(super) truncated: Vec<Direction>,
    pub(super) closed: bool,
}

/// The two ends of a connection: Envoy's and the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) local: Option<Address>,
    pub(super) remote: Option<Address>,
}

/// An address as Envoy writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Bytes that Envoy read or wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: Option<Timestamp>,
    pub(super) direction: Direction,
    pub(super) data: Data,
    /// Whether there was more than was kept.
    pub(super) truncated: bool,
}

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// To Envoy.
    Read,
    /// From Envoy.
    Write,
}

/// Bytes, or what became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    Bytes(Vec<u8>),
    /// Written as text, in which not every byte has a place.
    Damaged,
}

/// The ways that have more than was kept.
pub(super) fn truncated(read: bool, write: bool) -> Vec<Direction> {
    let ways = [(read, Direction::Read), (write, Direction::Write)];
    ways.into_iter().filter_map(|(cut, way)| cut.then_some(way)).collect()
}

/// What protobuf calls a `Timestamp`.
pub(super) fn timestamp(seconds: i64, nanos: i32) -> Option<Timestamp> {
    let micros = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
    Some(Timestamp::from_micros(micros))
}
