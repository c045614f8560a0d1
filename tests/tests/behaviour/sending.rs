//! Rows on the wire, byte for byte.

use std::any::Any;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::SystemTime;

use sluice_policy::Timestamp;
use sluice_tests::envoy::Entry;
use sluice_tests::greeter::GREETING;
use sluice_tests::raw::{h1, h2, hello, terminated, tls};
use sluice_tests::table::{Form, Row};

/// What a request that passes is answered with: by a route, so that nothing is ever dialled.
pub(crate) const PASSED: u16 = 418;

/// What is no TLS, where the row does not say.
const NOT_TLS: &[u8] = b"SSH-2.0-client\r\n";

/// A name that no rule of the table is about.
const MARKER: &[u8] = b"marker.example.org";

/// What came back, and the connection it came on, kept open so that hardly any other row gets its port: the system
/// gives the port of a connection that was reset to the next one that asks.
pub(crate) struct Sent {
    client: SocketAddr,
    since: Timestamp,
    pub(crate) answer: Option<u16>,
    _open: Box<dyn Any>,
}

/// The time by the clock that Envoy's log goes by too.
fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970");
    Timestamp::from_micros(since.as_micros().try_into().expect("it is not that late"))
}

impl Sent {
    fn new(client: SocketAddr, since: Timestamp, answer: Option<u16>, open: impl Any) -> Self {
        Self {
            client,
            since,
            answer,
            _open: Box::new(open),
        }
    }

    /// Whether this line of the log is about it.
    pub(crate) fn is_logged_by(&self, entry: &Entry) -> bool {
        let begun = Timestamp::parse_rfc3339(&entry.start_time).expect("the log has times");
        entry.is_from(self.client) && begun >= self.since
    }

    /// Sends a row.
    pub(crate) fn send(row: &Row, to: SocketAddr) -> Self {
        let since = now();
        match row.form {
            Form::Http1 | Form::Host => {
                let mut connection = h1::Connection::open(to);
                let answer = connection.send(&http1(row)).status();
                Self::new(connection.local(), since, answer, connection)
            }
            Form::Http2 => {
                let headers = http2(row);
                let headers: Vec<(&[u8], &[u8])> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                let mut connection = h2::Connection::open(to);
                let answer = connection.send(&headers).status();
                Self::new(connection.local(), since, answer, connection)
            }
            Form::Terminated => {
                let exchange = terminated::Exchange::of(to, row.with.server_name.as_deref(), &http1(row));
                Self::new(exchange.local(), since, exchange.answer.status(), exchange)
            }
            Form::Tls | Form::Dialled => {
                let mut connection = tls::Connection::open(to);
                if row.form == Form::Dialled {
                    connection.redirected(row.dialled());
                }
                let passed = connection.begin(&first_bytes(row)) == GREETING;
                Self::new(logged_as(row, &connection), since, passed.then_some(PASSED), connection)
            }
            Form::Inside => {
                let mut connection = h1::Connection::open(to);
                let target = row.method.as_slice();
                let opened = connection.send(&h1::request(b"CONNECT", target, &[(b"host", target)]));
                let answer = match opened.status() {
                    Some(200) => {
                        for piece in first_bytes(row) {
                            connection.begin(&piece);
                        }
                        (connection.rest() == GREETING).then_some(PASSED)
                    }
                    other => other,
                };
                Self::new(connection.local(), since, answer, connection)
            }
        }
    }

    /// Sends something that has a line in the log for certain.
    pub(crate) fn marker(form: Form, to: SocketAddr) -> Self {
        let since = now();
        match form {
            Form::Http1 | Form::Host | Form::Http2 | Form::Inside => {
                let mut connection = h1::Connection::open(to);
                let answer = connection.send(&h1::connect_to("marker.example.org")).status();
                Self::new(connection.local(), since, answer, connection)
            }
            Form::Terminated => {
                let request = h1::request(b"GET", b"/", &[(b"host", MARKER)]);
                let exchange = terminated::Exchange::of(to, Some(MARKER), &request);
                Self::new(exchange.local(), since, exchange.answer.status(), exchange)
            }
            Form::Tls | Form::Dialled => {
                let mut connection = tls::Connection::open(to);
                if form == Form::Dialled {
                    connection.redirected(([203, 0, 113, 99], 443).into());
                }
                connection.hello(MARKER);
                Self::new(connection.local(), since, None, connection)
            }
        }
    }
}

/// Where Envoy takes a connection to come from: to an IPv6 address nobody comes from an IPv4 one.
fn logged_as(row: &Row, connection: &tls::Connection) -> SocketAddr {
    let client = connection.local();
    match row.form {
        Form::Dialled if row.dialled().is_ipv6() => (Ipv6Addr::LOCALHOST, client.port()).into(),
        _ => client,
    }
}

fn http1(row: &Row) -> Vec<u8> {
    let (scheme, further): (Vec<_>, Vec<_>) = row.with.headers.iter().partition(|(name, _)| name == b":scheme");
    let scheme = scheme.first().map_or(&b"http"[..], |(_, value)| value);
    let path = row.path.as_deref().unwrap_or_default();
    let absolute = [scheme, b"://", row.name(), path].concat();
    let target = match (row.form, row.method.as_slice()) {
        (_, b"CONNECT") => row.name(),
        (Form::Host | Form::Terminated, _) => path,
        _ => &absolute,
    };
    let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
    if !row.with.unnamed && !further.iter().any(|(name, _)| name == b"host") {
        headers.push((b"host", row.name()));
    }
    headers.extend(further.iter().map(|(name, value)| (&**name, &**value)));
    let mut request = h1::request(&row.method, target, &headers);
    if row.with.old {
        let version = row.method.len() + target.len() + b"  HTTP/1.".len();
        request[version] = b'0';
    }
    request
}

fn http2(row: &Row) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let (pseudo, further): (Vec<_>, Vec<_>) = row
        .with
        .headers
        .iter()
        .cloned()
        .partition(|(name, _)| name.starts_with(b":"));
    let mut headers = vec![pair(":method", &row.method)];
    if let Some(path) = &row.path {
        headers.push(pair(":path", path));
        if !pseudo.iter().any(|(name, _)| name == b":scheme") {
            headers.push(pair(":scheme", b"http"));
        }
    }
    if !row.with.unnamed {
        headers.push(pair(":authority", row.name()));
    }
    headers.extend(pseudo);
    headers.extend(further);
    headers
}

fn first_bytes(row: &Row) -> Vec<Vec<u8>> {
    match (&row.authority, &row.with.first_bytes) {
        (None, Some(bytes)) => vec![bytes.clone()],
        (None, None) => vec![NOT_TLS.to_vec()],
        (Some(name), _) => hello::pieces(name, &row.with.hello),
    }
}
