//! The properties Envoy serves a filter, in its encodings.
//!
//! Strings are their bytes, numbers eight bytes in little-endian order, times
//! nanoseconds. What Envoy does not have at that moment is absent.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::stream::{Connection, Facts, Wire};

/// The node id of the proxy the harness plays.
const NODE_ID: &[u8] = b"sluice-harness";
const NODE_CLUSTER: &[u8] = b"sluice";
/// The client and the listener, at the addresses tests keep to.
const CLIENT: (&str, u16) = ("127.0.0.1", 49_152);
const FORWARD_PROXY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3128);

/// The value of a property of this stream.
pub(super) fn value(facts: &Facts, path: &[&[u8]]) -> Option<Vec<u8>> {
    match path {
        [b"xds", rest @ ..] => xds(rest),
        [b"connection", rest @ ..] => connection(facts, rest),
        [b"source", rest @ ..] if facts.is_stream() => match rest {
            [b"address"] => Some(format!("{}:{}", CLIENT.0, CLIENT.1).into_bytes()),
            [b"port"] => number(u64::from(CLIENT.1)),
            _ => None,
        },
        [b"destination", rest @ ..] => {
            let destination = destination(facts)?;
            match rest {
                [b"address"] => Some(destination.to_string().into_bytes()),
                [b"port"] => number(u64::from(destination.port())),
                _ => None,
            }
        }
        [b"request", rest @ ..] => request(facts, rest),
        [b"response", rest @ ..] => response(facts, rest),
        [b"upstream", b"address"] => Some(facts.upstream?.to_string().into_bytes()),
        [b"filter_state", key] => facts.state(&[key.strip_prefix(b"wasm.")?]),
        _ => facts.state(path),
    }
}

fn xds(path: &[&[u8]]) -> Option<Vec<u8>> {
    match path {
        [b"node", b"id"] => Some(NODE_ID.to_vec()),
        [b"node", b"cluster"] => Some(NODE_CLUSTER.to_vec()),
        _ => None,
    }
}

fn connection(facts: &Facts, path: &[&[u8]]) -> Option<Vec<u8>> {
    match path {
        [b"id"] => number(facts.stream?),
        [b"mtls"] => facts.is_stream().then(|| vec![0]),
        [b"requested_server_name"] => Some(server_name(facts)?.to_vec()),
        _ => None,
    }
}

/// Present and empty where there was no TLS or no name in it.
fn server_name(facts: &Facts) -> Option<&[u8]> {
    match &facts.wire {
        Wire::Root => None,
        Wire::Request { server_name } | Wire::Connection(Connection { server_name, .. }) => Some(server_name),
    }
}

fn destination(facts: &Facts) -> Option<SocketAddr> {
    match &facts.wire {
        Wire::Root => None,
        Wire::Request { .. } => Some(FORWARD_PROXY),
        Wire::Connection(connection) => Some(connection.destination),
    }
}

fn request(facts: &Facts, path: &[&[u8]]) -> Option<Vec<u8>> {
    if let [b"time"] = path {
        return facts.is_stream().then(|| facts.at_nanos.to_le_bytes().to_vec());
    }
    if !matches!(facts.wire, Wire::Request { .. }) {
        return None;
    }
    let header = |name: &[u8]| facts.request.value(name);
    match path {
        [b"host"] => header(b":authority"),
        [b"method"] => header(b":method"),
        [b"scheme"] => header(b":scheme"),
        [b"path"] => header(b":path"),
        [b"url_path"] => header(b":path").map(|path| split_query(&path).0.to_vec()),
        [b"query"] => header(b":path").map(|path| split_query(&path).1.to_vec()),
        [b"headers", name] => header(name),
        [b"protocol"] => Some(b"HTTP/1.1".to_vec()),
        _ => None,
    }
}

fn response(facts: &Facts, path: &[&[u8]]) -> Option<Vec<u8>> {
    let status = facts.response_status?;
    match path {
        [b"code"] => number(u64::from(status)),
        [b"code_details"] => Some(facts.response_details.clone()),
        [b"flags"] => number(0),
        [b"headers", name] => facts.response.value(name),
        _ => None,
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is the value of a property, which may be absent"
)]
fn number(value: u64) -> Option<Vec<u8>> {
    Some(value.to_le_bytes().to_vec())
}

fn split_query(path: &[u8]) -> (&[u8], &[u8]) {
    let at = path.iter().position(|byte| *byte == b'?');
    match at {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::acts::Journal;

    fn value_of(facts: &Facts, path: &str) -> Option<Vec<u8>> {
        let path: Vec<&[u8]> = path.split('|').map(str::as_bytes).collect();
        value(facts, &path)
    }

    fn number(value: u64) -> Option<Vec<u8>> {
        Some(value.to_le_bytes().to_vec())
    }

    fn text(value: &str) -> Option<Vec<u8>> {
        Some(value.as_bytes().to_vec())
    }

    fn plain() -> Wire {
        Wire::Request {
            server_name: Vec::new(),
        }
    }

    fn facts(wire: Wire) -> Facts {
        let mut facts = Facts::new(&Journal::default());
        facts.begin(wire, 7, 1_500);
        facts
    }

    #[test]
    fn a_request_has_what_envoy_knows_of_it() {
        let mut facts = facts(plain());
        let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        facts.request.fill(vec![
            header(":authority", "Example.com:80"),
            header(":path", "/a?b=c?d"),
            header(":method", "GET"),
            header(":scheme", "http"),
        ]);
        for (path, expected) in [
            ("request|host", text("Example.com:80")),
            ("request|method", text("GET")),
            ("request|path", text("/a?b=c?d")),
            ("request|url_path", text("/a")),
            ("request|query", text("b=c?d")),
            ("request|headers|:scheme", text("http")),
            ("request|headers|x-none", None),
            ("request|time", number(1_500)),
            ("connection|id", number(7)),
            ("connection|mtls", Some(vec![0])),
            ("connection|requested_server_name", text("")),
            ("requested_server_name", None),
            ("source|port", number(49_152)),
            ("destination|address", text("127.0.0.1:3128")),
            ("xds|node|id", text("sluice-harness")),
            ("response|code", None),
            ("upstream|address", None),
        ] {
            assert_eq!(value_of(&facts, path), expected, "{path}");
        }
        facts.response_status = Some(403);
        facts.response_details = b"sluice_rejected{meta}".to_vec();
        assert_eq!(value_of(&facts, "response|code"), number(403));
        assert_eq!(value_of(&facts, "response|code_details"), text("sluice_rejected{meta}"));
    }

    #[test]
    fn a_tunnel_request_has_no_path() {
        let mut facts = facts(plain());
        facts.request.fill(vec![(b":method".to_vec(), b"CONNECT".to_vec())]);
        for path in ["request|path", "request|url_path", "request|query"] {
            assert_eq!(value_of(&facts, path), None, "{path}");
        }
    }

    #[test]
    fn a_connection_has_its_server_name_and_port() {
        let facts = facts(Wire::Connection(Connection {
            server_name: b"example.com".to_vec(),
            destination: ([127, 0, 0, 1], 8443).into(),
        }));
        assert_eq!(
            value_of(&facts, "connection|requested_server_name"),
            text("example.com")
        );
        assert_eq!(value_of(&facts, "destination|port"), number(8443));
        assert_eq!(value_of(&facts, "request|method"), None);
    }

    #[test]
    fn outside_a_stream_only_the_node_is_known() {
        let facts = Facts::new(&Journal::default());
        assert_eq!(value_of(&facts, "xds|node|cluster"), text("sluice"));
        for path in [
            "connection|id",
            "source|address",
            "destination|port",
            "request|time",
            "connection|mtls",
        ] {
            assert_eq!(value_of(&facts, path), None, "{path}");
        }
    }
}
