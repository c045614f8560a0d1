//! Requests and connections as a test describes them, and what becomes of them.

use std::time::Duration;

use super::VmId;

/// A request or connection in the lab. It can be asked about after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The VM that serves it.
    pub vm: VmId,
    /// Its number, which no other stream of the lab has; `connection|id` of it.
    pub number: u64,
}

/// The value of a property by the segments of its path.
pub(super) type Property = (Vec<Vec<u8>>, Vec<u8>);

/// Splits `a|b|c`.
pub(super) fn path(path: &str) -> Vec<Vec<u8>> {
    path.split('|').map(|segment| segment.as_bytes().to_vec()).collect()
}

/// The value that was given last.
pub(super) fn find(given: &[Property], path: &[&[u8]]) -> Option<Vec<u8>> {
    let found = given
        .iter()
        .rev()
        .find(|(name, _)| name.iter().map(Vec::as_slice).eq(path.iter().copied()));
    found.map(|(_, value)| value.clone())
}

/// An HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) tunnel: bool,
    pub(super) properties: Vec<Property>,
}

impl Request {
    /// A request; `CONNECT` has no path.
    #[must_use]
    pub fn new(method: &str, authority: &str, path: Option<&str>) -> Self {
        let request = Self::default().with_header(":authority", authority);
        let request = match path {
            Some(path) => request.with_header(":path", path),
            None => request,
        };
        let mut request = request.with_header(":method", method).with_header(":scheme", "http");
        request.tunnel = method == "CONNECT";
        request
    }

    /// A `GET` of `/`.
    #[must_use]
    pub fn get(authority: &str) -> Self {
        Self::new("GET", authority, Some("/"))
    }

    /// A `CONNECT`.
    #[must_use]
    pub fn connect(authority: &str) -> Self {
        Self::new("CONNECT", authority, None)
    }

    /// One header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_bytes().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// A property by its path, as in `filter_state|x` or
    /// `source|address`; it beats what the lab knows.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.properties.push((path(name), value.as_ref().to_vec()));
        self
    }
}

/// A TCP connection, as it is after the TLS inspector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    pub(super) server_name: Vec<u8>,
    pub(super) port: u16,
    pub(super) properties: Vec<Property>,
}

impl Connection {
    /// A connection with this server name, or with none if it is empty.
    #[must_use]
    pub fn new(server_name: impl AsRef<[u8]>, port: u16) -> Self {
        Self {
            server_name: server_name.as_ref().to_vec(),
            port,
            properties: Vec::new(),
        }
    }

    /// As [`Request::with_property`].
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.properties.push((path(name), value.as_ref().to_vec()));
        self
    }
}

/// What Envoy knows of a stream when it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// `response|code`; none if the client left before a response.
    pub status: Option<u32>,
    /// `response|code_details`.
    pub details: Option<String>,
    /// `response|flags`.
    pub flags: u64,
    /// `request|total_size`.
    pub request_bytes: u64,
    /// `response|total_size`.
    pub response_bytes: u64,
    /// `request|duration`; none is the time since the stream began.
    pub duration: Option<Duration>,
    /// Further properties, as [`Request::with_property`] sets them.
    pub properties: Vec<(String, Vec<u8>)>,
}

impl Ending {
    /// A response of the upstream.
    #[must_use]
    pub fn response(status: u32) -> Self {
        Self {
            status: Some(status),
            details: Some("via_upstream".to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn further(&self) -> impl Iterator<Item = Property> + '_ {
        self.properties.iter().map(|(name, value)| (path(name), value.clone()))
    }
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It went on to the upstream, at once or after a pause.
    Passed,
    /// It waits for the filter.
    Paused,
    /// The filter answered it, at once or after a pause.
    Replied(Reply),
    /// The filter closed or reset it.
    Closed,
    /// Envoy refused it before the filter saw it.
    Rejected,
    /// The VM died with it. Envoy answers a request 503 and resets a connection.
    Failed,
}

/// A local reply of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// The response code details.
    pub details: String,
    /// The headers the filter gave.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}
