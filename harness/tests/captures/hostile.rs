//! Every prefix of a capture, and every damaged byte of it, is read without a panic.

use std::fs;
use std::path::Path;

use sluice_harness::recording::{Reading, read};

use crate::generate::file::{Frame, Interface, Pcap, frames, pcap, pcapng};
use crate::generate::packet::{Link, Order, Segment, udp};
use crate::generate::session::Session;
use crate::generate::tls::{hello, hello_with};
use crate::show::read_bytes;

/// A little of everything.
fn some_of_all(link: Link) -> Vec<Frame> {
    let mut tls = Session::new("192.0.2.1:50000", "192.0.2.2:443");
    let mut segments = tls.open();
    segments.extend(tls.client_in(40, &hello_with(Some("example.com"), 0, 50)));
    let mut proxy = Session::new("[2001:db8::1]:50000", "[2001:db8::2]:3128");
    segments.extend(proxy.open());
    segments.push(
        proxy.client(b"PUT http://a.example.com/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    );
    segments.push(proxy.client(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"));
    segments.push(proxy.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    segments.push(proxy.client(&hello(Some("b.example.com"))));
    let mut all: Vec<Vec<u8>> = segments.iter().map(Segment::packet).collect();
    let (client, server) = ("192.0.2.1:50000".parse().unwrap(), "192.0.2.2:443".parse().unwrap());
    all.push(udp(client, server, b"\xc3\0\0\0\x01\x08connects\0\0\0"));
    frames(link, all)
}

fn files() -> Vec<Vec<u8>> {
    let vlan = some_of_all(Link::Vlan);
    let cooked = some_of_all(Link::Cooked);
    let interface = Interface {
        resolution: Some((9, 1_000_000_000)),
        offset: Some(9),
        ..Interface::new(cooked[0].link)
    };
    vec![
        pcap(Pcap::default(), &vlan),
        pcap(
            Pcap {
                order: Order::Big,
                nanoseconds: true,
                modified: false,
            },
            &cooked,
        ),
        pcapng(Order::Little, &[interface], &cooked),
        pcapng(Order::Big, &[Interface::new(1)], &vlan),
    ]
}

fn whole(file: &[u8]) -> Reading {
    let reading = read_bytes(file).unwrap();
    assert_eq!(
        (reading.recorded.len(), reading.skipped.len()),
        (4, 1),
        "{:?}",
        reading.skipped
    );
    reading
}

/// Reads what is in the file; it is a capture whatever has become of it, or no recording at all.
fn survives(path: &Path) {
    let Ok(reading) = read(path) else { return };
    for skipped in &reading.skipped {
        assert!(!skipped.to_string().contains(|c: char| c.is_control()), "{skipped}");
    }
}

#[test]
fn every_prefix_of_a_capture_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    for content in files() {
        let complete = whole(&content);
        fs::write(&path, &content).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        // Four bytes of pcapng are line ends, so that such a file is an empty one.
        for length in (5..content.len()).rev() {
            file.set_len(length as u64).unwrap();
            let reading = read(&path).unwrap();
            let seen = reading.recorded.len();
            assert_eq!(reading.recorded, complete.recorded[..seen], "{length}");
        }
    }
}

#[test]
fn every_damaged_byte_of_a_capture_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    for content in files() {
        whole(&content);
        for at in 0..content.len() {
            for flip in [0x01, 0x80] {
                let mut damaged = content.clone();
                damaged[at] ^= flip;
                fs::write(&path, &damaged).unwrap();
                survives(&path);
            }
        }
    }
}
