//! More than a call may bring: an error in the shape of all others, before any of it is read.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use sluice_tests::sluice::Sluice;

use crate::support::sqlite;

#[test]
fn a_body_that_is_too_long_is_refused_by_its_length() {
    let place = sqlite();
    let sluice = Sluice::on(&place.url);
    let at = sluice.addresses();
    let mut stream = TcpStream::connect(at.http).unwrap();
    // 32 MiB and a byte, of which none is sent.
    let head = format!(
        "POST /api/v1/egress/policies HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 33554433\r\nconnection: close\r\n\r\n",
        at.http, at.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json"), "{head}");
    assert!(head.contains("\r\nx-request-id: "), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({"error": {
        "code": "TOO_LARGE", "message": body["error"]["message"], "details": {},
        "retryable": false, "retry_after_ms": null,
    }});
    assert_eq!(body, expected);
    assert!(body["error"]["message"].is_string());
}
