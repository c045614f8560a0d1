//! Capture files that are cut off, damaged, or no captures at all, and such as are read as a stream.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_harness::progress::Progress;
use sluice_harness::recording::{Format, Item, ReadError, Resemblance, open, read_watched};

use crate::generate::file::{
    Frame, Interface, Pcap, block, capture, description, enhanced, frames, pcap, pcapng, section, simple,
};
use crate::generate::packet::{Link, Order, Segment};
use crate::generate::session::Session;
use crate::generate::tls::hello;
use crate::show::{check, found, read_bytes};

fn segments() -> Vec<Segment> {
    let mut session = Session::new("192.0.2.1:50000", "192.0.2.2:443");
    let mut segments = session.open();
    segments.push(session.client(&hello(Some("example.com"))));
    segments
}

fn all_frames() -> Vec<Frame> {
    frames(Link::Ethernet, segments().iter().map(Segment::packet))
}

const SEEN: &str = "r#4 2026-03-02T08:00:00.004000Z sni example.com 443";

#[test]
fn a_capture_that_is_cut_off_keeps_what_is_there() {
    let mut file = capture(segments());
    let whole = file.len();
    file.extend(&file.clone()[24..64]);
    check(&file, &[SEEN], &["r#5: the file is cut off here"]);
    file.truncate(whole + 7);
    check(&file, &[SEEN], &["r#5: the file is cut off here"]);
    file.truncate(10);
    check(&file, &[], &["r#1: the file is cut off here"]);
    file.truncate(4);
    check(&file, &[], &["r#1: the file is cut off here"]);

    let mut file = pcapng(Order::Little, &[Interface::new(1)], &all_frames());
    let whole = file.len();
    file.extend(b"\x06\0\0\0\x40\0\0\0and so on");
    check(&file, &[SEEN], &["r#5: the file is cut off here"]);
    file.truncate(whole + 5);
    check(&file, &[SEEN], &["r#5: the file is cut off here"]);
}

#[test]
fn a_damaged_length_ends_a_capture() {
    let mut file = capture(segments());
    file.extend([1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    let damaged = "r#5: the file is damaged here and cannot be read any further: ";
    check(&file, &[SEEN], &[&format!("{damaged}a packet's length makes no sense")]);
    let whole = pcapng(Order::Big, &[Interface::new(1)], &all_frames());
    for (block, problem) in [
        (
            &b"\0\0\0\x06\0\0\0\x08\0\0\0\x08"[..],
            "a block's length makes no sense",
        ),
        (b"\0\0\0\x06\0\0\0\x0e\0\0\0\x0e\0\0", "a block's length makes no sense"),
        (b"\0\0\0\x06\xff\xff\xff\xf0\0\0\0\0", "a block's length makes no sense"),
        (b"\0\0\0\x05\0\0\0\x0c\0\0\0\x10", "a block does not end where it says"),
        (
            b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4e",
            "a section's byte order makes no sense",
        ),
    ] {
        let file = [whole.as_slice(), block].concat();
        check(&file, &[SEEN], &[&format!("{damaged}{problem}")]);
    }
}

#[test]
fn a_damaged_block_costs_itself() {
    let interface = Interface::new(1);
    let frames = all_frames();
    for order in [Order::Little, Order::Big] {
        let mut file = section(order);
        file.extend(description(order, &interface));
        // of an interface that there is not, longer than its block, and of a type of long ago
        let stranger = Frame {
            interface: 7,
            ..frames[0].clone()
        };
        file.extend(enhanced(order, &interface, &stranger));
        let mut longer = enhanced(order, &interface, &frames[0]);
        longer[20..24].copy_from_slice(&order.word(5_000));
        file.extend(longer);
        file.extend(block(order, 2, &[0; 20]));
        // statistics and comments are none of our business
        file.extend(block(order, 5, &[0; 12]));
        file.extend(block(order, 0x0bad, b"a comment"));
        for frame in &frames {
            file.extend(enhanced(order, &interface, frame));
        }
        check(
            &file,
            &["r#7 2026-03-02T08:00:00.004000Z sni example.com 443"],
            &["r#1: 3 packets: broken, or in a form that is not read"],
        );
    }
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let other = |order, link: Link| {
        let frames = frames(link, segments().iter().map(Segment::packet));
        pcapng(order, &[Interface::new(frames[0].link)], &frames)
    };
    let file = [other(Order::Little, Link::Ethernet), other(Order::Big, Link::Raw)].concat();
    // The second one repeats the first connection.
    check(&file, &[SEEN], &[]);
    let file = [other(Order::Big, Link::Raw), section(Order::Little)].concat();
    check(&file, &[SEEN], &[]);
}

#[test]
fn simple_packets_have_no_time() {
    for order in [Order::Little, Order::Big] {
        let mut file = section(order);
        file.extend(description(order, &Interface::new(1)));
        for frame in all_frames() {
            file.extend(simple(order, &frame));
        }
        check(&file, &["r#4 sni example.com 443"], &[]);
    }
    let mut file = section(Order::Little);
    let interface = Interface {
        snap_length: 96,
        ..Interface::new(1)
    };
    file.extend(description(Order::Little, &interface));
    for frame in all_frames() {
        file.extend(simple(Order::Little, &frame.cut_to(96)));
    }
    check(
        &file,
        &[],
        &["r#1: to 192.0.2.2:443: its packets were captured only in part; capture with a larger snap length"],
    );
}

#[test]
fn a_capture_without_packets_is_empty() {
    check(&pcap(Pcap::default(), &[]), &[], &[]);
    check(&section(Order::Little), &[], &[]);
}

#[test]
fn a_compressed_capture_is_to_be_unpacked() {
    let error = read_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xd4\xc3\xb2\xa1").unwrap_err();
    assert!(matches!(
        error,
        ReadError::Unknown {
            resembles: Some(Resemblance::Compressed),
            ..
        }
    ));
    assert!(error.to_string().contains("unpack it first"), "{error}");
    assert!(error.to_string().contains(Format::Capture.describe()), "{error}");
}

#[test]
fn captures_are_not_held_beyond_a_packet() {
    // Far more than is looked at to tell the format, so that most of it is read
    // while iterating: entries come out before the file is complete.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.pcap");
    let mut file = fs::File::create(&path).unwrap();
    let session = |port: u16| {
        let mut session = Session::new(&format!("192.0.2.1:{port}"), "192.0.2.2:443");
        let mut segments = session.open();
        segments.push(session.client(&hello(Some("example.com"))));
        segments
    };
    file.write_all(&capture((1..=2_000).flat_map(session))).unwrap();
    assert!(file.metadata().unwrap().len() > 2 << 18);
    let mut records = open(&path).unwrap();
    assert_eq!(records.format(), Format::Capture);
    assert!(matches!(records.next(), Some(Ok(Item::Recorded(first))) if first.source == "long.pcap#4"));
    file.write_all(&capture(session(2_001))[24..]).unwrap();
    let last = records.last().unwrap().unwrap();
    assert!(matches!(last, Item::Recorded(last) if last.source == "long.pcap#8004"));
}

/// Adds up what it is told.
#[derive(Default)]
struct Told {
    to_read: AtomicUsize,
    read: AtomicUsize,
}

impl Progress for Told {
    fn begin(&self, entries: usize) {
        self.to_read.fetch_add(entries, Ordering::Relaxed);
    }

    fn advance(&self, entries: usize) {
        self.read.fetch_add(entries, Ordering::Relaxed);
    }
}

#[test]
fn reading_says_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    let content = capture(segments());
    fs::write(&path, &content).unwrap();
    let told = Arc::new(Told::default());
    let reading = read_watched(&path, Arc::clone(&told) as Arc<dyn Progress + Send>).unwrap();
    assert_eq!(reading.recorded.len(), 1);
    assert_eq!(told.to_read.load(Ordering::Relaxed), content.len());
    assert_eq!(told.read.load(Ordering::Relaxed), content.len());
}

#[test]
fn names_that_are_no_names_stay_what_they_are() {
    let mut session = Session::new("192.0.2.1:50000", "192.0.2.2:443");
    let mut segments = session.open();
    segments.push(session.client(&hello(Some("a\u{1b}[31m\u{202e}b.example.com"))));
    let mut proxy = Session::new("192.0.2.1:50001", "192.0.2.2:3128");
    segments.extend(proxy.open());
    segments.push(proxy.client("CONNECT a\u{202e}b.example.com:1 HTTP/1.1\r\n\r\n".as_bytes()));
    segments.push(proxy.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    segments.push(proxy.server(b"\x1b[31mhello"));
    let (recorded, skipped) = found(&capture(segments));
    assert!(
        recorded[0].ends_with(r"sni a\x1b[31m\xe2\x80\xaeb.example.com 443"),
        "{recorded:?}"
    );
    assert_eq!(recorded.len() + skipped.len(), 3, "{recorded:?} {skipped:?}");
    assert!(
        skipped[0].contains(r"to a\xe2\x80\xaeb.example.com:1 through 192.0.2.2:3128"),
        "{skipped:?}"
    );
}
