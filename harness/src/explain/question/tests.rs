//! What is given, and what a filter would see.

use super::*;

fn asked(
    target: &str,
    method: Option<&str>,
    path: Option<&str>,
    sni: Option<&str>,
) -> Result<Question, InvalidQuestion> {
    Question::of(Given {
        target: Some(target.as_bytes()).filter(|target| !target.is_empty()),
        method: method.map(str::as_bytes),
        path: path.map(str::as_bytes),
        sni: sni.map(str::as_bytes),
    })
}

fn request(authority: &str, method: &str, path: Option<&str>, default_port: u16) -> Question {
    Question {
        sighting: Sighting::Request {
            authority: authority.into(),
            method: method.into(),
            path: path.map(Into::into),
        },
        default_port,
    }
}

#[test]
fn the_form_of_the_target_says_what_is_visible() {
    for (target, method, path, expected) in [
        ("a.example", None, None, request("a.example:443", "CONNECT", None, 443)),
        (
            "a.example:8443",
            None,
            None,
            request("a.example:8443", "CONNECT", None, 443),
        ),
        (
            "https://A.example/x",
            None,
            None,
            request("A.example:443", "CONNECT", None, 443),
        ),
        (
            "https://a.example/x?y",
            Some("PUT"),
            None,
            request("a.example", "PUT", Some("/x?y"), 443),
        ),
        (
            "https://a.example",
            None,
            Some("/z"),
            request("a.example", "GET", Some("/z"), 443),
        ),
        (
            "a.example",
            Some("PUT"),
            None,
            request("a.example", "PUT", Some("/"), 443),
        ),
        (
            "http://a.example",
            None,
            None,
            request("a.example", "GET", Some("/"), 80),
        ),
        (
            "HTTP://a.example?y#z",
            None,
            None,
            request("a.example", "GET", Some("/?y"), 80),
        ),
        (
            "ws://a.example/chat",
            None,
            None,
            request("a.example", "GET", Some("/chat"), 80),
        ),
        (
            "a.example",
            Some("CONNECT"),
            None,
            request("a.example", "CONNECT", None, 443),
        ),
        // An invalid target stays as it was given.
        ("u@a.example", None, None, request("u@a.example", "CONNECT", None, 443)),
        ("a.example/x", None, None, request("a.example/x", "CONNECT", None, 443)),
    ] {
        assert_eq!(
            asked(target, method, path, None),
            Ok(expected),
            "{target} {method:?} {path:?}"
        );
    }
}

#[test]
fn a_server_name_is_a_connection_to_the_port_of_the_target() {
    for (target, port) in [
        ("", 443),
        ("192.0.2.1:8443", 8443),
        ("https://a.example", 443),
        ("a.example:80", 80),
    ] {
        let question = asked(target, None, None, Some("b.example")).unwrap();
        let expected = Sighting::Connection {
            server_name: b"b.example".to_vec(),
            port,
        };
        assert_eq!(question.sighting, expected, "{target}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    use InvalidQuestion::{NoPort, NoTarget, PathOfTunnel, Scheme, SniOfPlain, SniOfRequest, TwoPaths};
    let scheme = "ftp".to_owned();
    for (target, method, path, sni, expected) in [
        ("ftp://a.example", None, None, None, Scheme { scheme }),
        ("http://a.example/x", None, Some("/y"), None, TwoPaths),
        ("https://a.example?x", None, Some("/y"), None, TwoPaths),
        ("a.example:443", Some("CONNECT"), Some("/y"), None, PathOfTunnel),
        ("http://a.example", None, None, Some("a.example"), SniOfPlain),
        ("", Some("GET"), None, Some("a.example"), SniOfRequest),
        ("", None, Some("/"), Some("a.example"), SniOfRequest),
        ("", Some("GET"), None, None, NoTarget),
        (
            "a.example:0",
            None,
            None,
            Some("a.example"),
            NoPort(InvalidTarget::Port),
        ),
    ] {
        assert_eq!(asked(target, method, path, sni), Err(expected), "{target}");
    }
}
