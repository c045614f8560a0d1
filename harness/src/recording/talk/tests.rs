use super::hello::tests::{message, names, records};
use super::*;

/// Who says what.
enum Said<'a> {
    Client(&'a [u8]),
    Server(&'a [u8]),
}
use Said::{Client, Server};

fn show(heard: &Heard) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match heard {
        Heard::Traffic(Traffic::Connection { server_name, port }) => format!("sni {} {port}", text(server_name)),
        Heard::Traffic(Traffic::Tunnel { authority }) => format!("tunnel {}", text(authority)),
        Heard::Traffic(Traffic::Exchange {
            authority,
            method,
            path,
            ..
        }) => {
            let path = path.as_deref().map_or(String::new(), text);
            format!("{} {} {path}", text(method), text(authority))
        }
        Heard::Problem { inside: None, problem } => problem.to_string(),
        Heard::Problem {
            inside: Some(target),
            problem,
        } => format!("in {target}: {problem}"),
    }
}

/// What is heard of a talk on this port, with its end.
fn heard(port: u16, talk: &[Said<'_>]) -> Vec<String> {
    let mut heard = Vec::new();
    let mut listener = Talk::new(port);
    for said in talk {
        match said {
            Client(bytes) => listener.client(bytes, &mut heard),
            Server(bytes) => listener.server(bytes, &mut heard),
        }
    }
    listener.end(&mut heard);
    assert!(listener.is_done());
    heard.iter().map(show).collect()
}

fn hello(name: &[u8]) -> Vec<u8> {
    records(&message(&[names(&[(0, name)])]), 16_384)
}

const CONNECT: &[u8] = b"CONNECT example.com:8443 HTTP/1.1\r\nHost: example.com:8443\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n";

#[test]
fn a_hello_is_heard_however_it_is_cut() {
    let hello = [hello(b"example.com"), b"\x14\x03\x03\0\x01\x01".to_vec()].concat();
    for cut in 1..hello.len() {
        let (first, rest) = hello.split_at(cut);
        assert_eq!(
            heard(
                443,
                &[Client(first), Client(rest), Server(b"\x16\x03\x03"), Client(&hello)]
            ),
            ["sni example.com 443"],
            "{cut}"
        );
    }
}

#[test]
fn every_request_of_a_connection_is_heard_however_they_are_cut() {
    let all = b"POST /1 HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\n\r\nGET /\r\n\
        PUT /2 HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n\
        GET /3 HTTP/1.1\r\nHost: other.example.com\r\n\r\n";
    let expected = ["POST example.com /1", "PUT example.com /2", "GET other.example.com /3"];
    for cut in 1..all.len() {
        let (first, rest) = all.split_at(cut);
        assert_eq!(
            heard(80, &[Client(first), Server(b"HTTP/1.1 200 OK\r\n\r\n"), Client(rest)]),
            expected,
            "{cut}"
        );
    }
    let bytes: Vec<Said<'_>> = all.chunks(1).map(Client).collect();
    assert_eq!(heard(80, &bytes), expected);
}

#[test]
fn requests_end_quietly_where_the_next_one_cannot_be_found() {
    for (rest, body) in [
        ("Content-Length: x\r\n", "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"),
        (
            "Transfer-Encoding: chunked\r\n",
            "no chunk\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
        ),
        (
            "Upgrade: websocket\r\nConnection: upgrade\r\n",
            "\u{1}\u{5}GET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
        ),
        ("Upgrade: h2c\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}"),
    ] {
        let head = format!("GET /1 HTTP/1.1\r\nHost: a\r\n{rest}\r\n{body}");
        assert_eq!(heard(80, &[Client(head.as_bytes())]), ["GET a /1"], "{rest}");
    }
}

#[test]
fn what_goes_through_a_connect_is_heard_once_the_proxy_agrees() {
    let hello = hello(b"inner.example.com");
    let inner = ["tunnel example.com:8443", "sni inner.example.com 8443"];
    assert_eq!(heard(3128, &[Client(CONNECT), Server(OK), Client(&hello)]), inner);
    // the answer in pieces, with an interim one before it
    let answer = [b"HTTP/1.1 100 Continue\r\n\r\n", OK].concat();
    let pieces = answer.chunks(1).map(Server);
    let talk: Vec<Said<'_>> = [Client(CONNECT)]
        .into_iter()
        .chain(pieces)
        .chain([Client(&hello)])
        .collect();
    assert_eq!(heard(3128, &talk), inner);
    // a client that does not wait
    let eager = [CONNECT, &hello].concat();
    assert_eq!(heard(3128, &[Client(&eager), Server(OK)]), inner);
    let request = b"GET /a HTTP/1.1\r\nHost: inner.example.com\r\n\r\n";
    assert_eq!(
        heard(3128, &[Client(CONNECT), Server(OK), Client(request)]),
        ["tunnel example.com:8443", "GET inner.example.com:8443 /a"]
    );
    // one proxy through another
    let second = b"CONNECT second.example.com:443 HTTP/1.1\r\n\r\n";
    assert_eq!(
        heard(
            3128,
            &[Client(CONNECT), Server(OK), Client(second), Server(OK), Client(&hello)]
        ),
        [
            "tunnel example.com:8443",
            "tunnel second.example.com:443",
            "sni inner.example.com 443"
        ]
    );
}

#[test]
fn a_refused_connect_may_be_asked_again() {
    let refused = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nno!\n";
    let hello = hello(b"inner.example.com");
    assert_eq!(
        heard(
            3128,
            &[
                Client(CONNECT),
                Server(refused),
                Client(CONNECT),
                Server(OK),
                Client(&hello)
            ]
        ),
        [
            "tunnel example.com:8443",
            "tunnel example.com:8443",
            "sni inner.example.com 8443"
        ]
    );
    assert_eq!(
        heard(3128, &[Client(CONNECT), Server(refused)]),
        ["tunnel example.com:8443"]
    );
}

#[test]
fn what_cannot_be_judged_says_why() {
    let head = format!("GET /{} HTTP/1.1\r\n", "a".repeat(LONGEST_HEAD));
    let headers = format!("GET / HTTP/1.1\r\nCookie: {}", "a".repeat(LONGEST_HEAD));
    let hello = hello(b"inner.example.com");
    let eager = [CONNECT, &vec![b'x'; LONGEST_HEAD + 1]].concat();
    for (talk, expected) in [
        (
            &[Server(b"220 mail.example.com\r\n"), Client(b"EHLO a\r\n")][..],
            "the server speaks first",
        ),
        (
            &[Client(b"\0\0\0\x08\x04\xd2\x16\x2f more")],
            "neither TLS nor HTTP/1 (hex 0000000804d2162f)",
        ),
        (&[Client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")], "HTTP/2 without TLS"),
        (&[Client(b"GET / HTTP/1.1\r\n\r\n")], "cannot be read: it has no Host"),
        (
            &[Client(b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n")],
            "cannot be read: invalid header name",
        ),
        (&[Client(head.as_bytes())], "longer than 65536 bytes"),
        (&[Client(headers.as_bytes())], "longer than 65536 bytes"),
        (&[Client(&hello[..100])], "it ends before"),
        (&[Client(b"GET / HTTP/1.1\r\nHost")], "it ends before"),
        (&[Client(b"GE")], "it ends before"),
        (
            &[Client(b"\x16\x03\x01\0\x01\x01\x15\x03\x01\0\x01\x01")],
            "ClientHello cannot be read",
        ),
    ] {
        let all = heard(80, talk);
        assert_eq!(all.len(), 1, "{expected}: {all:?}");
        assert!(all[0].contains(expected), "{expected}: {all:?}");
    }
    assert_eq!(heard(80, &[]), [""; 0]);
    for (talk, expected) in [
        (
            &[Client(CONNECT), Server(OK), Server(b"SSH-2.0-x\r\n")][..],
            "in example.com:8443: the server speaks first",
        ),
        (
            &[Client(CONNECT), Server(OK), Client(b"\0\0\0\0")],
            "in example.com:8443: the client's first bytes are neither TLS nor HTTP/1 (hex 00000000)",
        ),
        (
            &[Client(CONNECT), Client(&hello)],
            "the proxy's answer to CONNECT was not recorded",
        ),
        (
            &[Client(CONNECT), Server(b"SSH-2.0-x\r\n")],
            "the proxy's answer to CONNECT was not recorded",
        ),
        (&[Client(&eager)], "the proxy's answer to CONNECT was not recorded"),
    ] {
        let all = heard(3128, talk);
        assert_eq!(all.len(), 2, "{expected}: {all:?}");
        assert!(all[1].starts_with(expected), "{expected}: {all:?}");
    }
}

#[test]
fn what_is_held_is_bounded_and_let_go() {
    let mut talk = Talk::new(80);
    let mut heard = Vec::new();
    talk.client(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n",
        &mut heard,
    );
    for _ in 0..1_000 {
        talk.client(&[b'x'; 1_000], &mut heard);
    }
    assert!(talk.held() < 1_000, "{}", talk.held());
    assert!(!talk.has_pending() && !talk.hears_server());
    talk.fail(FlowProblem::Gap, &mut heard);
    assert_eq!(talk.held(), 0);
    assert_eq!(
        heard.iter().map(show).collect::<Vec<_>>(),
        ["POST a /", &FlowProblem::Gap.to_string()]
    );
}
