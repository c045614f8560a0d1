//! Connections that go where their client dialled: the name decides, the address may forbid, and what has no name
//! is decided by its address.

use std::io::{Read, Write};
use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::{GREETING, Greeter};
use sluice_tests::raw::{self, tls};
use sluice_tests::world::World;

fn policy() -> Value {
    json!({"destination": "original", "opaque_ports": [22, 25], "policy": {"mode": "enforce", "rules": [
        {"id": "api", "effect": "allow", "host": "api.example.com"},
        {"id": "net", "effect": "allow", "host": "192.0.2.0/24", "ports": [22, 443, 5432]},
        {"id": "bad", "effect": "deny", "host": "192.0.2.66"},
    ]}})
}

struct Site {
    envoy: Envoy,
    /// What answers at every address.
    greeter: Greeter,
}

impl Site {
    fn start(greeter: Greeter) -> Self {
        let world = World::start();
        let envoy = Setup::shipped("original-dst", &world.dns)
            .configuration(&policy())
            .dialling(greeter.address().port())
            .redirected_by_proxy_protocol()
            .start();
        Self { envoy, greeter }
    }

    /// What comes back of a connection that was dialled at `dialled` and begins with `bytes`.
    fn answer(&self, dialled: &str, bytes: &[u8]) -> Vec<u8> {
        let dialled: SocketAddr = dialled.parse().expect("it is an address");
        let mut stream = raw::connect(self.envoy.listener("outbound"));
        let client = stream.local_addr().expect("it is connected");
        let header = raw::redirected(client, dialled);
        let mut received = Vec::new();
        let exchange = stream
            .write_all(&[header.as_bytes(), bytes].concat())
            .and_then(|()| stream.read_to_end(&mut received));
        match exchange {
            Err(error) if !raw::is_close(&error) => panic!("no answer at {dialled}: {error}"),
            _ => received,
        }
    }

    fn verdicts(&self, expected: usize) -> Vec<String> {
        let log = self.envoy.recording(expected);
        let lines = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("our log is JSON"));
        let verdict = |line: Value| {
            let verdict = line["verdict"].as_str().unwrap_or("{}");
            let verdict: Value = serde_json::from_str(verdict).expect("it is a decision");
            let text = |key: &str| verdict[key].as_str().map(str::to_owned);
            let by = text("rejected_by").or(text("rule_id")).unwrap_or_default();
            let target = text("host").unwrap_or_default();
            format!("{} {by} {target}", text("action").unwrap_or_default())
        };
        lines.map(verdict).collect()
    }
}

/// What the table in `behaviour.md` has no rows for: other bytes than TLS, IPv6, and that nothing is dialled.
#[test]
fn what_is_no_tls_is_decided_by_its_address() {
    const STARTUP: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f"; // of a database, without a line's end
    const SSH: &[u8] = b"SSH-2.0-x\r\n";
    let site = Site::start(Greeter::answering());
    let nameless = tls::client_hello(b"");
    let cases = [
        ("192.0.2.1:5432", STARTUP, "allow net 192.0.2.1"),
        ("192.0.2.1:443", SSH, "allow net 192.0.2.1"),
        ("192.0.2.1:80", STARTUP, "reject sni_missing 192.0.2.1"),
        ("192.0.2.66:5432", STARTUP, "reject bad 192.0.2.66"),
        ("127.0.0.1:5432", STARTUP, "reject self 127.0.0.1"),
        ("203.0.113.1:443", SSH, "reject sni_missing 203.0.113.1"),
        ("[2001:db8::1]:443", &nameless, "reject sni_missing 2001:db8::1"),
    ];
    let mut expected = Vec::new();
    for (dialled, bytes, verdict) in cases {
        let answer = if verdict.starts_with("allow") { GREETING } else { b"" };
        assert_eq!(site.answer(dialled, bytes), answer, "{verdict}");
        expected.push(verdict);
        site.verdicts(expected.len()); // lines in the order of the table
    }
    assert_eq!(site.verdicts(expected.len()), expected);
    assert_eq!(site.greeter.accepted(), 2, "nothing is dialled for what is rejected");
}

/// Nobody waits for a client that waits for its server.
#[test]
fn where_the_server_speaks_first_the_address_decides_at_once() {
    let site = Site::start(Greeter::speaking_first());
    // Not a byte is sent, and the listener's filters would wait 15 seconds for one.
    assert_eq!(site.answer("192.0.2.66:22", b""), b"");
    assert_eq!(site.answer("203.0.113.1:25", b""), b"");
    assert_eq!(
        site.verdicts(2),
        ["reject bad 192.0.2.66", "reject default_deny 203.0.113.1"]
    );
    assert_eq!(site.greeter.accepted(), 0);
    assert_eq!(site.answer("192.0.2.1:22", b""), GREETING);
}

#[test]
fn plain_http_is_decided_request_by_request() {
    let site = Site::start(Greeter::answering());
    let status = |dialled: &str, host: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = site.answer(dialled, request.as_bytes());
        let head = String::from_utf8_lossy(&answer).into_owned();
        head.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for (dialled, host, expected) in [
        ("203.0.113.1:80", "other.example.com", "403"),
        ("192.0.2.66:80", "api.example.com", "403"),
        ("10.0.0.1:80", "api.example.com", "403"),
        // The port of the authority is not the one that was dialled.
        ("203.0.113.1:80", "api.example.com:8080", "403"),
    ] {
        assert_eq!(status(dialled, host), expected, "{host} at {dialled}");
    }
    assert_eq!(site.greeter.accepted(), 0);
    // What is no HTTP answers: it was dialled.
    assert_eq!(status("203.0.113.1:80", "api.example.com"), "502");
    assert_eq!(site.greeter.accepted(), 1);
    let expected = [
        "reject default_deny other.example.com",
        "reject bad api.example.com",
        "reject private_address api.example.com",
        "reject invalid_authority ",
        "allow api api.example.com",
    ];
    assert_eq!(site.verdicts(5), expected);
}
