//! One stream as a filter finds it: its headers and properties, and a place
//! for what the filter does to it.

use std::net::SocketAddr;

use proxy_wasm_host::abi::v0_2_1::types::{Action, BufferType, MapType, Status, StreamType};
use proxy_wasm_host::abi::v0_2_1::{Access, Callback, ForeignCall, Invocation, LocalResponse, StreamState};
use proxy_wasm_host::{Buffer, HeaderMap};

use super::acts::{Act, Journal};
use super::headers::Headers;
use super::properties;

/// What a context serves.
#[derive(Debug, Default)]
pub(crate) enum Wire {
    /// No stream: the plugin's own context.
    #[default]
    Root,
    /// An HTTP request, and the server name of the TLS connection that it came
    /// in; empty where it came in none.
    Request { server_name: Vec<u8> },
    /// A TCP connection.
    Connection(Connection),
}

/// A TCP connection as the network filters of Envoy find it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Empty where there was none.
    pub(crate) server_name: Vec<u8>,
    /// Where it was dialled, as the listener has it.
    pub(crate) destination: SocketAddr,
}

/// What is known about a stream. Kept from one stream to the next, so that its
/// buffers are allocated once.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) wire: Wire,
    /// The number of the stream, for streams.
    pub(crate) stream: Option<u64>,
    pub(crate) at_nanos: u64,
    /// The address that is about to be dialled.
    pub(crate) upstream: Option<SocketAddr>,
    pub(crate) request: Headers,
    /// What has come of the body, or of what a tunnel carries.
    pub(crate) request_body: Vec<u8>,
    pub(crate) response: Headers,
    pub(crate) response_status: Option<u32>,
    pub(crate) response_details: Vec<u8>,
    pub(crate) response_bytes: usize,
    pub(crate) closed: bool,
    filter_state: Vec<(Vec<Vec<u8>>, Vec<u8>)>,
    journal: Journal,
}

impl Facts {
    pub(crate) fn new(journal: &Journal) -> Self {
        Self {
            wire: Wire::Root,
            stream: None,
            at_nanos: 0,
            upstream: None,
            request: Headers::new(journal),
            request_body: Vec::new(),
            response: Headers::new(journal),
            response_status: None,
            response_details: Vec::new(),
            response_bytes: 0,
            closed: false,
            filter_state: Vec::new(),
            journal: journal.clone(),
        }
    }

    /// Forgets the stream before and turns to this one.
    pub(crate) fn begin(&mut self, wire: Wire, stream: u64, at_nanos: u64) {
        self.wire = wire;
        self.stream = Some(stream);
        self.at_nanos = at_nanos;
        self.upstream = None;
        self.request.clear();
        self.request_body.clear();
        self.response.clear();
        self.response_status = None;
        self.response_details.clear();
        self.response_bytes = 0;
        self.closed = false;
        self.filter_state.clear();
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    pub(crate) fn state(&self, path: &[&[u8]]) -> Option<Vec<u8>> {
        self.filter_state
            .iter()
            .find(|(key, _)| key.iter().map(Vec::as_slice).eq(path.iter().copied()))
            .map(|(_, value)| value.clone())
    }

    pub(crate) fn answered(&self, callback: Callback, action: Action) {
        self.journal.add(Some(callback), Act::Answer(action));
    }

    fn done(&self, call: Invocation, act: Act) {
        self.journal.add(call.callback, act);
    }
}

/// The facts as the ABI crate wants them lent: owned, and small to move.
#[derive(Debug)]
pub(crate) struct Lent(pub(crate) Box<Facts>);

impl StreamState for Lent {
    fn header_map(&mut self, call: Invocation, _: Access, map: MapType) -> Result<&mut dyn HeaderMap, Status> {
        let facts = &mut *self.0;
        let headers = match map {
            MapType::HttpRequestHeaders if matches!(facts.wire, Wire::Request { .. }) => &mut facts.request,
            MapType::HttpResponseHeaders if facts.response_status.is_some() => &mut facts.response,
            _ => return Err(Status::BadArgument),
        };
        headers.during = call.callback;
        Ok(headers)
    }

    fn buffer(&mut self, _: Invocation, _: Access, buffer: BufferType) -> Result<&mut dyn Buffer, Status> {
        match (buffer, &self.0.wire) {
            (BufferType::HttpRequestBody, Wire::Request { .. }) => Ok(&mut self.0.request_body),
            _ => Err(Status::NotFound),
        }
    }

    fn property(&mut self, _: Invocation, path: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Status> {
        *out = properties::value(&self.0, path).ok_or(Status::NotFound)?;
        Ok(())
    }

    /// Envoy takes any path and keeps it as filter state of the stream.
    fn set_property(&mut self, call: Invocation, path: &[&[u8]], value: &[u8]) -> Result<(), Status> {
        if path.is_empty() {
            // How a rewritten module asks for another effective context: all that
            // are lent this are about one stream.
            return Ok(());
        }
        let path: Vec<Vec<u8>> = path.iter().map(|segment| segment.to_vec()).collect();
        let facts = &mut *self.0;
        facts.filter_state.retain(|(key, _)| *key != path);
        facts.filter_state.push((path.clone(), value.to_vec()));
        let value = value.to_vec();
        facts.done(call, Act::SetProperty { path, value });
        Ok(())
    }

    fn send_local_response(&mut self, call: Invocation, response: LocalResponse<'_>) -> Result<(), Status> {
        let facts = &mut *self.0;
        let given: Vec<_> = response
            .headers
            .iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect();
        // As Envoy sends it on through the filters: the status and the length
        // of the body, then what the filter gave.
        let mut sent = vec![
            (b":status".to_vec(), response.status_code.to_string().into_bytes()),
            (b"content-length".to_vec(), response.body.len().to_string().into_bytes()),
        ];
        sent.extend(given.iter().cloned());
        facts.response.fill(sent);
        facts.response_status = Some(response.status_code);
        facts.response_details = response.status_code_details.to_vec();
        facts.response_bytes = response.body.len();
        facts.done(
            call,
            Act::LocalResponse {
                status: response.status_code,
                details: response.status_code_details.to_vec(),
                headers: given,
                body: response.body.to_vec(),
            },
        );
        Ok(())
    }

    fn close_stream(&mut self, call: Invocation, stream: StreamType) -> Result<(), Status> {
        self.0.closed = true;
        self.0.done(call, Act::Close(stream));
        Ok(())
    }

    fn continue_stream(&mut self, call: Invocation, stream: StreamType) -> Result<(), Status> {
        self.0.done(call, Act::Resume(stream));
        Ok(())
    }

    /// None is known here, as in an Envoy without extensions; the attempt is recorded.
    fn call_foreign_function(
        &mut self,
        call: Invocation,
        request: ForeignCall<'_>,
        _: &mut Vec<u8>,
    ) -> Result<(), Status> {
        let name = request.name.to_vec();
        self.0.done(call, Act::Foreign { name });
        Err(Status::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use proxy_wasm_host::abi::v0_2_1::{ContextId, GuestId};

    use super::*;
    use crate::engine::acts::Entry;

    fn lent(wire: Wire) -> (Lent, Journal) {
        let journal = Journal::default();
        let mut facts = Box::new(Facts::new(&journal));
        facts.begin(wire, 1, 0);
        (Lent(facts), journal)
    }

    fn plain() -> Wire {
        Wire::Request {
            server_name: Vec::new(),
        }
    }

    fn call() -> Invocation {
        let context = ContextId::try_from(2).unwrap();
        Invocation::new(GuestId::next(), context).with_callback(Callback::RequestHeaders)
    }

    fn acts(journal: &Journal) -> Vec<Act> {
        let mut entries = Vec::new();
        journal.take_into(&mut entries);
        entries.into_iter().map(|Entry { act, .. }| act).collect()
    }

    fn property(lent: &mut Lent, path: &[&[u8]]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        lent.property(call(), path, &mut out).ok().map(|()| out)
    }

    #[test]
    fn filter_state_reads_back_by_both_of_its_names_until_the_stream_ends() {
        let (mut lent, journal) = lent(plain());
        for value in [&b"one"[..], b"two"] {
            lent.set_property(call(), &[b"verdict"], value).unwrap();
        }
        assert_eq!(property(&mut lent, &[b"verdict"]).as_deref(), Some(&b"two"[..]));
        assert_eq!(
            property(&mut lent, &[b"filter_state", b"wasm.verdict"]).as_deref(),
            Some(&b"two"[..])
        );
        assert_eq!(property(&mut lent, &[b"wasm.verdict"]), None);
        assert_eq!(acts(&journal).len(), 2);
        lent.0.begin(plain(), 2, 0);
        assert_eq!(property(&mut lent, &[b"verdict"]), None);
    }

    #[test]
    fn changed_headers_are_changed_and_recorded() {
        let (mut lent, journal) = lent(plain());
        lent.0.request.fill(vec![(b"a".to_vec(), b"1".to_vec())]);
        let map = lent
            .header_map(call(), Access::Write, MapType::HttpRequestHeaders)
            .unwrap();
        map.set(b"a", b"2").unwrap();
        map.add(b"b", b"3").unwrap();
        map.remove(b"a").unwrap();
        assert_eq!(lent.0.request.value(b"a"), None);
        assert_eq!(lent.0.request.value(b"b").as_deref(), Some(&b"3"[..]));
        let set = |name: &[u8], value: Option<&[u8]>| Act::SetHeader {
            name: name.to_vec(),
            value: value.map(<[u8]>::to_vec),
        };
        assert_eq!(
            acts(&journal),
            [set(b"a", Some(b"2")), set(b"b", Some(b"3")), set(b"a", None)]
        );
    }

    #[test]
    fn headers_exist_where_envoy_has_them() {
        let (mut request, _) = lent(plain());
        let (mut connection, _) = lent(Wire::Connection(Connection {
            server_name: Vec::new(),
            destination: ([127, 0, 0, 1], 443).into(),
        }));
        let has = |lent: &mut Lent, map| lent.header_map(call(), Access::Read, map).is_ok();
        assert!(has(&mut request, MapType::HttpRequestHeaders));
        assert!(!has(&mut request, MapType::HttpResponseHeaders));
        assert!(!has(&mut connection, MapType::HttpRequestHeaders));
        request.send_local_response(call(), LocalResponse::new(403)).unwrap();
        assert!(has(&mut request, MapType::HttpResponseHeaders));
        assert_eq!(request.0.response.value(b":status").as_deref(), Some(&b"403"[..]));
    }
}
