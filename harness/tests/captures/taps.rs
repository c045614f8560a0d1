//! Envoy's tap traces, in JSON as it writes them and in protobuf.

mod binary;

use serde_json::{Value, json};
use sluice_harness::recording::{Encoding, Format, ReadError, Resemblance, read};

use crate::generate::tls::hello;
use crate::show::{found, read_bytes};
use binary::{binary_http, binary_socket, delimited};

fn pretty(traces: &[Value]) -> Vec<u8> {
    let text: Vec<String> = traces
        .iter()
        .map(|trace| serde_json::to_string_pretty(trace).unwrap() + "\n")
        .collect();
    text.concat().into_bytes()
}

fn lines(traces: &[Value]) -> Vec<u8> {
    let text: Vec<String> = traces.iter().map(|trace| trace.to_string() + "\n").collect();
    text.concat().into_bytes()
}

/// Checks traces written in both ways.
#[track_caller]
fn check(traces: &[Value], recorded: &[&str], skipped: &[&str]) {
    for content in [pretty(traces), lines(traces)] {
        let format = read_bytes(&content).unwrap().format;
        assert_eq!(format, Format::EnvoyTap(Encoding::Json));
        let (found, left_out) = found(&content);
        assert_eq!(found, recorded);
        assert_eq!(left_out, skipped);
    }
}

fn headers(headers: &[(&str, &str)]) -> Value {
    headers
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect()
}

/// An HTTP trace as the tap filter writes it.
fn http(request: &[(&str, &str)]) -> Value {
    json!({"http_buffered_trace": {
        "request": {
            "headers": headers(request),
            "trailers": [],
            "headers_received_time": "2026-03-02T08:00:00.250Z"
        },
        "response": {"headers": headers(&[(":status", "200")]), "body": {"truncated": false, "as_bytes": "aGVsbG8="}}
    }})
}

const AT: &str = "2026-03-02T08:00:00.250000Z";

#[test]
fn requests_of_http_traces() {
    let proxied = [
        (":authority", "example.com:8080"),
        (":path", "/a?b"),
        (":method", "GET"),
        (":scheme", "http"),
        ("x-forwarded-proto", "http"),
    ];
    let claimed = [
        (":authority", "example.com"),
        (":path", "/"),
        (":method", "GET"),
        (":scheme", "https"),
        ("x-forwarded-proto", "http"),
    ];
    let terminated = [
        (":authority", "example.com"),
        (":path", "/"),
        (":method", "POST"),
        (":scheme", "https"),
    ];
    let tunnel = [(":authority", "example.com:443"), (":method", "CONNECT")];
    check(
        &[
            http(&proxied),
            http(&claimed),
            http(&terminated),
            http(&tunnel),
            http(&[(":path", "/")]),
        ],
        &[
            &format!("r#0 {AT} http GET example.com:8080 /a?b"),
            &format!("r#1 {AT} http GET example.com /"),
            &format!("r#2 {AT} https POST example.com:443 /"),
            &format!("r#3 {AT} tunnel example.com:443"),
        ],
        &["r#4: neither an authority nor a server name was recorded"],
    );
}

#[test]
fn streamed_http_traces_are_their_request_headers() {
    let segment = |name: &str, piece: Value| json!({"http_streamed_trace_segment": {"trace_id": "7", name: piece}});
    let request = json!({"headers": headers(&[(":authority", "example.com"), (":method", "PUT"), (":path", "/")])});
    check(
        &[
            segment("request_headers", request),
            segment("request_body_chunk", json!({"as_bytes": "e30=", "truncated": false})),
            segment("response_headers", json!({"headers": headers(&[(":status", "200")])})),
        ],
        &["r#0 http PUT example.com /"],
        &[],
    );
}

#[test]
fn names_of_other_protobuf_libraries_and_raw_values() {
    check(
        &[json!({"httpBufferedTrace": {"request": {"headers": [
            {"key": ":authority", "rawValue": "ZXhhbXBsZS5jb20"},
            {"key": ":method", "value": "GET"},
            {"key": ":path", "raw_value": "L_8_"}
        ], "headersReceivedTime": "2026-03-02T08:00:00.250Z"}}})],
        &[&format!(r"r#0 {AT} http GET example.com /\xff?")],
        &[],
    );
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |part: &[u8]| {
        let bits = part
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let digit = |at: usize| match at <= part.len() {
            true => char::from(DIGITS[bits >> (18 - 6 * at) & 0x3f]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

fn address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"protocol": "TCP", "address": host, "port_value": port}})
}

fn event(way: &str, bytes: &[u8]) -> Value {
    json!({"timestamp": "2026-03-02T08:00:00.250Z", way: {"data": {"as_bytes": base64(bytes), "truncated": false}}})
}

fn socket(events: &[Value]) -> Value {
    json!({"socket_buffered_trace": {
        "trace_id": "12",
        "connection": {"local_address": address("192.0.2.9", 8443), "remote_address": address("2001:db8::1", 9443)},
        "events": events,
        "read_truncated": false,
        "write_truncated": false
    }})
}

#[test]
fn socket_traces_hold_what_a_client_said() {
    let hello = hello(Some("example.com"));
    let connect = b"CONNECT inner.example.com:444 HTTP/1.1\r\n\r\n";
    check(
        &[
            // of a listener: what Envoy reads is the client's
            socket(&[
                event("read", &hello[..50]),
                event("read", &hello[50..]),
                event("write", b"\x16\x03\x03"),
            ]),
            // of a cluster: what it writes
            socket(&[
                event("write", &hello),
                event("read", b"\x16\x03\x03"),
                json!({"closed": {}}),
            ]),
            socket(&[
                event("read", connect),
                event("write", b"HTTP/1.1 200 OK\r\n\r\n"),
                event("read", &hello),
            ]),
            socket(&[event("read", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")]),
        ],
        &[
            &format!("r#0 {AT} sni example.com 8443"),
            &format!("r#1 {AT} sni example.com 9443"),
            &format!("r#2 {AT} tunnel inner.example.com:444"),
            &format!("r#2 {AT} sni example.com 444"),
            &format!("r#3 {AT} http GET example.com:8443 /"),
        ],
        &[],
    );
}

#[test]
fn socket_traces_that_say_too_little() {
    let hello = hello(Some("example.com"));
    let mut truncated = socket(&[event("read", &hello[..50])]);
    truncated["socket_buffered_trace"]["read_truncated"] = json!(true);
    // What is missing of the answers does not matter, and a whole ClientHello is enough.
    let mut answers = socket(&[event("read", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")]);
    answers["socket_buffered_trace"]["write_truncated"] = json!(true);
    let mut enough = socket(&[event("read", &hello)]);
    enough["socket_buffered_trace"]["read_truncated"] = json!(true);
    let text = json!({"read": {"data": {"as_string": "\u{16}\u{3}\u{1}\u{fffd}"}}});
    let odd = json!({"socket_buffered_trace": {"events": [event("read", b"\0\x01")]}});
    check(
        &[
            truncated,
            answers,
            enough,
            socket(&[text]),
            odd,
            socket(&[event("write", &hello[..9])]),
        ],
        &[
            &format!("r#1 {AT} http GET a.example:8443 /"),
            &format!("r#2 {AT} sni example.com 8443"),
        ],
        &[
            "r#0: to 192.0.2.9:8443: the tap kept only the first bytes; raise max_buffered_rx_bytes",
            "r#3: to 192.0.2.9:8443: the tap wrote its bytes as text, which damages them; \
             set the format to JSON_BODY_AS_BYTES",
            "r#4: to an unknown address: the client's first bytes are neither TLS nor HTTP/1 (hex 0001)",
            "r#5: to [2001:db8::1]:9443: it ends before its ClientHello or request is complete",
        ],
    );
}

#[test]
fn streamed_socket_traces_are_brought_together() {
    let hello = hello(Some("example.com"));
    let segment = |id: u32, name: &str, piece: Value| json!({"socket_streamed_trace_segment": {"trace_id": id.to_string(), name: piece}});
    let ends = json!({"local_address": address("192.0.2.9", 443), "remote_address": address("192.0.2.1", 50_000)});
    check(
        &[
            segment(1, "connection", ends.clone()),
            segment(2, "connection", ends.clone()),
            segment(1, "event", event("read", &hello[..50])),
            segment(
                2,
                "events",
                json!({"events": [event("read", &hello[..9]), event("read", &hello[9..])]}),
            ),
            segment(1, "event", event("read", &hello[50..])),
            segment(2, "event", json!({"closed": {}})),
            // a number that comes again
            segment(1, "connection", ends.clone()),
            segment(1, "event", event("read", &hello)),
            segment(3, "event", event("read", &hello[..9])),
        ],
        &[
            &format!("r#3 {AT} sni example.com 443"),
            &format!("r#4 {AT} sni example.com 443"),
            &format!("r#7 {AT} sni example.com 443"),
        ],
        &["r#8: to an unknown address: it ends before its ClientHello or request is complete"],
    );
}

#[test]
fn a_broken_trace_costs_itself() {
    let good = http(&[(":authority", "example.com"), (":method", "GET"), (":path", "/")]);
    let mut content = pretty(std::slice::from_ref(&good));
    content.extend(b"{\n  \"http_buffered_trace\": {\n    \"request\": {\"headers\": [[]]\n}\n");
    content.extend(b"{\"http_buffered_trace\": 5}\n");
    content.extend(pretty(&[good]));
    content.extend(b"{\"http_buffered_trace\": {\"request\":");
    let (recorded, skipped) = found(&content);
    let expected = [0, 3].map(|place| format!("r#{place} {AT} http GET example.com /"));
    assert_eq!(recorded, expected);
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    for (skipped, start) in skipped.iter().zip(["r#1", "r#2", "r#4"]) {
        assert!(
            skipped.starts_with(&format!("{start}: not a readable tap trace: ")),
            "{skipped}"
        );
    }
}

#[test]
fn protobuf_s_text_form_is_told_what_to_do() {
    let error = read_bytes(b"http_buffered_trace {\n  request {\n  }\n}\n").unwrap_err();
    assert!(matches!(
        error,
        ReadError::Unknown {
            resembles: Some(Resemblance::TapText),
            ..
        }
    ));
    assert!(error.to_string().contains("JSON_BODY_AS_BYTES"), "{error}");
}

#[test]
fn every_prefix_and_every_damaged_byte_is_survived() {
    let json = lines(&[
        http(&[(":authority", "example.com"), (":method", "GET"), (":path", "/")]),
        socket(&[event("read", &hello(Some("example.com")))]),
    ]);
    let plain = [binary_http(), binary_socket((1, 2))].concat();
    let delimited = [delimited(&binary_http()), delimited(&binary_socket((1, 2)))].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    // What it is now does not matter, and that it is something is up to chance.
    let survives = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        if let Ok(reading) = read(&path) {
            for skipped in &reading.skipped {
                assert!(!skipped.to_string().contains(|c: char| c.is_control()), "{skipped}");
            }
        }
    };
    for content in [json, plain, delimited] {
        assert_eq!(read_bytes(&content).unwrap().recorded.len(), 2);
        for at in 0..content.len() {
            survives(&content[..at]);
            for byte in [content[at] ^ 0xff, b'"'] {
                let mut damaged = content.clone();
                damaged[at] = byte;
                survives(&damaged);
            }
        }
    }
}
