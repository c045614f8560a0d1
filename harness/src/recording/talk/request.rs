//! Reads the heads of HTTP/1 requests, for what Envoy would make of them.

use httparse::{EMPTY_HEADER, Header, Request, Response, Status};

use super::super::traffic::{Traffic, with_port};
use super::super::unheard::FlowProblem;
use super::body::Body;

/// More than Envoy takes, which is 100.
const MOST_HEADERS: usize = 128;

/// One request.
#[derive(Debug)]
pub(super) struct Read {
    /// What a filter would see.
    pub(super) traffic: Traffic,
    /// What comes behind the head; nothing where that cannot be known.
    pub(super) body: Option<Body>,
}

/// Where a head ends: behind its first empty line. The first `looked` bytes were searched before.
pub(super) fn end_of_head(bytes: &[u8], looked: &mut usize) -> Option<usize> {
    // An empty line may have begun in what was searched.
    let from = looked.saturating_sub(2);
    *looked = bytes.len();
    (from..bytes.len()).find_map(|at| match bytes[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The request with this head, sent on a connection to this port.
pub(super) fn read(head: &[u8], port: u16) -> Result<Read, FlowProblem> {
    let broken = |problem: &str| FlowProblem::Request {
        problem: problem.to_owned(),
    };
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) => return Err(broken("it ends too early")),
        Err(error) => return Err(broken(&error.to_string())),
    }
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(broken("it ends too early"));
    };
    let traffic = if method == "CONNECT" {
        Traffic::Tunnel {
            authority: target.into(),
        }
    } else {
        let (authority, path) = match absolute(target) {
            Some(parts) => parts,
            None if target.starts_with('/') || target == "*" => {
                let host = host(request.headers).ok_or_else(|| broken("it has no Host"))?;
                (dialled(host, port), target.into())
            }
            None => return Err(broken("its target is neither a path nor a URL")),
        };
        Traffic::Exchange {
            tls: false,
            authority,
            method: method.into(),
            path: Some(path),
        }
    };
    Ok(Read {
        body: Body::of(request.headers),
        traffic,
    })
}

/// Authority and path of a target that is a URL, as a client sends to a proxy.
///
/// Envoy takes both from the target, whatever `Host` says, and drops a user name.
/// The port stays as it was written: the flow's own port is the proxy's, and the
/// proxy dials its default where there is none.
fn absolute(target: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = target.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.split_once('@') {
        // With a second one it is no URL, and stays what the policy calls invalid.
        Some((_, host)) if !host.contains('@') => host,
        _ => authority,
    };
    let path = match path.as_bytes() {
        path @ [b'/', ..] => path.to_vec(),
        path => [b"/".as_slice(), path].concat(),
    };
    Some((authority.into(), path))
}

/// All `Host` headers, put together as Envoy does.
fn host(headers: &[Header<'_>]) -> Option<Vec<u8>> {
    let hosts: Vec<&[u8]> = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("host"))
        .map(|header| header.value.trim_ascii())
        .collect();
    (!hosts.is_empty()).then(|| hosts.join(&b','))
}

/// The authority of a request that names only a path, so that it was sent to the
/// server itself and the flow's port is the one that was dialled.
///
/// Where `Host` has no port, a filter that sees the original destination takes
/// that one's, and a client of a proxy would have written it. Port 80 is what
/// a filter adds by itself. A port in `Host` stays: whether it is the dialled one
/// is for the filter to judge.
fn dialled(host: Vec<u8>, port: u16) -> Vec<u8> {
    match port {
        80 => host,
        port => with_port(&host, port),
    }
}

/// Status and length of the head of an answer; nothing while it is not complete.
pub(super) fn status(bytes: &[u8]) -> Result<Option<(u16, usize)>, ()> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(Status::Complete(end)) => Ok(response.code.map(|code| (code, end))),
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(head: &str, port: u16) -> String {
        match read(head.as_bytes(), port) {
            Err(problem) => problem.to_string(),
            Ok(Read { traffic, .. }) => match traffic {
                Traffic::Tunnel { authority } => format!("tunnel {}", authority.escape_ascii()),
                Traffic::Exchange {
                    tls: false,
                    authority,
                    method,
                    path: Some(path),
                } => format!(
                    "{} {} {}",
                    method.escape_ascii(),
                    authority.escape_ascii(),
                    path.escape_ascii()
                ),
                other => panic!("{other:?}"),
            },
        }
    }

    #[test]
    fn requests_name_their_target_as_envoy_shows_it() {
        for (head, port, expected) in [
            (
                "GET /a?b HTTP/1.1\r\nHost: example.com\r\n\r\n",
                80,
                "GET example.com /a?b",
            ),
            (
                "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
                8080,
                "GET example.com:8080 /",
            ),
            (
                "GET / HTTP/1.1\r\nHost: Example.com.:81\r\n\r\n",
                8080,
                "GET Example.com.:81 /",
            ),
            (
                "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n",
                81,
                "GET [2001:db8::1]:81 /",
            ),
            ("GET / HTTP/1.0\nhost:example.com\n\n", 80, "GET example.com /"),
            (
                "OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n",
                80,
                "OPTIONS example.com *",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
                80,
                "GET a.example,b.example /",
            ),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 80, "GET  /"),
            (
                "GET http://example.com/a HTTP/1.1\r\nHost: other.example\r\n\r\n",
                3128,
                "GET example.com /a",
            ),
            (
                "GET http://example.com:81?q HTTP/1.1\r\n\r\n",
                3128,
                "GET example.com:81 /?q",
            ),
            ("GET HTTP://u:p@example.com HTTP/1.1\r\n\r\n", 3128, "GET example.com /"),
            (
                "GET http://a@b@example.com/ HTTP/1.1\r\n\r\n",
                3128,
                "GET a@b@example.com /",
            ),
            (
                "GET /?u=http://other.example HTTP/1.1\r\nHost: a\r\n\r\n",
                80,
                "GET a /?u=http://other.example",
            ),
            (
                "CONNECT example.com:8443 HTTP/1.1\r\nHost: other.example:1\r\n\r\n",
                3128,
                "tunnel example.com:8443",
            ),
            (
                "GET / HTTP/1.1\r\n\r\n",
                80,
                "the HTTP request cannot be read: it has no Host",
            ),
            (
                "GET example.com HTTP/1.1\r\nHost: example.com\r\n\r\n",
                80,
                "the HTTP request cannot be read: its target is neither a path nor a URL",
            ),
            (
                "GET / HTTP/1.1\r\nHo st: example.com\r\n\r\n",
                80,
                "the HTTP request cannot be read: invalid header name",
            ),
        ] {
            assert_eq!(seen(head, port), expected, "{head}");
        }
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line() {
        for (bytes, expected) in [
            ("a\r\n\r\nb", Some(5)),
            ("a\n\nb", Some(3)),
            ("a\r\nb\n\r\n", Some(7)),
            ("a\r\n\rb", None),
            ("", None),
        ] {
            assert_eq!(end_of_head(bytes.as_bytes(), &mut 0), expected, "{bytes:?}");
            let mut looked = 0;
            let stepwise = (0..=bytes.len()).find_map(|length| end_of_head(&bytes.as_bytes()[..length], &mut looked));
            assert_eq!(stepwise, expected, "{bytes:?}");
        }
    }
}
