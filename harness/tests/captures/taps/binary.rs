//! Taps in protobuf, encoded by hand.

use sluice_harness::recording::{Encoding, Format};

use crate::generate::tls::hello;
use crate::show::{found, read_bytes};

/// A field that holds bytes or a message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(content.len()), content].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn number(field: u8, value: usize) -> Vec<u8> {
    [&[field << 3][..], &varint(value)].concat()
}

pub(super) fn delimited(message: &[u8]) -> Vec<u8> {
    [&varint(message.len()), message].concat()
}

pub(super) fn binary_http() -> Vec<u8> {
    let header = |key: &str, value: &str| field(1, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
    let time = [number(1, 1_772_438_400), number(2, 250_000_000)].concat();
    let request = [
        header(":authority", "example.com"),
        header(":method", "GET"),
        field(1, &[field(1, b":path"), field(3, b"/\xff")].concat()),
        field(4, &time),
    ];
    field(1, &field(1, &request.concat()))
}

/// A socket trace whose connection has its addresses in these two fields.
pub(super) fn binary_socket(fields: (u8, u8)) -> Vec<u8> {
    let address = |port| field(1, &[field(2, b"192.0.2.9"), number(3, port)].concat());
    let connection = [field(fields.0, &address(8443)), field(fields.1, &address(50_000))].concat();
    let body = field(1, &field(1, &hello(Some("example.com"))));
    let event = field(3, &field(2, &body));
    field(3, &[number(1, 5), field(2, &connection), event].concat())
}

#[test]
fn traces_in_protobuf() {
    let http = r"2026-03-02T08:00:00.250000Z http GET example.com /\xff";
    let segment = |piece: Vec<u8>| field(4, &[number(1, 9), piece].concat());
    let hello = hello(Some("example.com"));
    let read = |bytes: &[u8]| field(2, &field(1, &field(1, bytes)));
    let messages = [
        binary_http(),
        binary_socket((1, 2)),
        binary_socket((2, 3)),
        segment(field(3, &read(&hello[..20]))),
        segment(field(4, &field(1, &read(&hello[20..])))),
        field(2, &field(2, &field(1, &[field(1, b":path"), field(2, b"/")].concat()))),
    ];
    let expected = [
        format!("r#0 {http}"),
        "r#1 sni example.com 8443".to_owned(),
        "r#2 sni example.com 8443".to_owned(),
        "r#4 sni example.com 443".to_owned(),
    ];
    let lengths: Vec<u8> = messages.iter().flat_map(|message| delimited(message)).collect();
    for (content, encoding) in [(lengths, Encoding::Delimited), (messages.concat(), Encoding::Binary)] {
        assert_eq!(read_bytes(&content).unwrap().format, Format::EnvoyTap(encoding));
        let (recorded, skipped) = found(&content);
        assert_eq!(recorded, expected);
        assert_eq!(skipped, ["r#5: neither an authority nor a server name was recorded"]);
    }
}

#[test]
fn protobuf_that_is_cut_off_or_damaged() {
    let first = binary_http();
    for (content, reason) in [
        ([&first[..], &first[..10]].concat(), "the file is cut off here"),
        (
            [&first[..], b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"].concat(),
            "a trace's length makes no sense",
        ),
        (
            [&first[..], b"\x0a\xff\xff\xff\xff\x0f"].concat(),
            "a trace's length makes no sense",
        ),
        ([&first[..], b"\x0a\x02\x0a\x05"].concat(), "not a readable tap trace"),
    ] {
        let (recorded, skipped) = found(&content);
        assert_eq!(recorded.len(), 1);
        assert_eq!(skipped.len(), 1);
        assert!(
            skipped[0].starts_with("r#1: ") && skipped[0].contains(reason),
            "{skipped:?}"
        );
    }
}
