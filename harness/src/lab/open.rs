//! A stream that has not ended, and the properties it has at each moment.

use std::net::Ipv4Addr;

use proxy_wasm_host::abi::v0_2_1::StreamKind;

use super::traffic::{Connection, Ending, Property, Request, find};
use crate::engine::acts::Journal;
use crate::engine::stream::{Connection as Dialled, Facts, Lent, Wire};

/// A stream that has not ended.
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) kind: StreamKind,
    pub(super) lent: Lent,
    /// Whether the filter still holds the request: it is being asked, or has paused it.
    pub(super) holds_request: bool,
    began: u64,
    set: Vec<Property>,
    ending: Option<(Ending, u64)>,
}

impl Open {
    pub(super) fn request(request: Request, number: u64, now: u64, journal: &Journal) -> Self {
        let mut facts = Box::new(Facts::new(journal));
        let server_name = Vec::new();
        facts.begin(Wire::Request { server_name }, number, now);
        facts.request.fill(request.headers);
        Self::new(StreamKind::Http, number, now, facts, request.properties)
    }

    pub(super) fn connection(connection: Connection, number: u64, now: u64, journal: &Journal) -> Self {
        let mut facts = Box::new(Facts::new(journal));
        let Connection {
            server_name,
            port,
            properties,
        } = connection;
        let connection = Dialled {
            server_name,
            destination: (Ipv4Addr::LOCALHOST, port).into(),
        };
        facts.begin(Wire::Connection(connection), number, now);
        Self::new(StreamKind::Tcp, number, now, facts, properties)
    }

    fn new(kind: StreamKind, number: u64, began: u64, facts: Box<Facts>, set: Vec<Property>) -> Self {
        Self {
            number,
            kind,
            lent: Lent(facts),
            holds_request: kind == StreamKind::Http,
            began,
            set,
            ending: None,
        }
    }

    /// From here on its properties are those of its end.
    pub(super) fn ends(&mut self, ending: Ending, now: u64) {
        self.holds_request = false;
        self.set.extend(ending.further());
        self.ending = Some((ending, now));
    }

    /// The property, where the test set it or the end of the stream did. What
    /// is neither is a property like those of the replay.
    pub(super) fn property(&self, path: &[&[u8]]) -> Option<Vec<u8>> {
        if let Some(value) = find(&self.set, path) {
            return Some(value);
        }
        let (ending, at) = self.ending.as_ref()?;
        let number = |value: u64| Some(value.to_le_bytes().to_vec());
        match path {
            [b"response", b"flags"] => number(ending.flags),
            [b"request", b"total_size"] => number(ending.request_bytes),
            [b"response", b"total_size"] => number(ending.response_bytes),
            // A connection has neither a response nor, in Envoy, a duration.
            _ if self.kind == StreamKind::Tcp => None,
            [b"response", b"code"] => number(u64::from(ending.status?)),
            [b"response", b"code_details"] => Some(ending.details.clone()?.into_bytes()),
            [b"request", b"duration"] => {
                let passed = at.saturating_sub(self.began);
                let duration = ending.duration.map(|given| given.as_nanos());
                number(duration.map_or(passed, |given| u64::try_from(given).unwrap_or(u64::MAX)))
            }
            _ => None,
        }
    }
}
