//! What is seen of TCP connections, however their segments come.

use crate::generate::file::{capture, packets};
use crate::generate::packet::{ACK, RST, Segment, ip, udp};
use crate::generate::session::Session;
use crate::generate::tls::{hello, hello_with};
use crate::show::{check, found};

const SNI: &str = "sni example.com 443";

fn at(packet: u32, what: &str) -> String {
    format!("r#{packet} 2026-03-02T08:00:00.{packet:03}000Z {what}")
}

fn session() -> Session {
    Session::new("192.0.2.1:50000", "192.0.2.2:443")
}

/// Checks that one sighting stands at this packet, and that nothing is skipped.
#[track_caller]
fn check_one(segments: Vec<Segment>, packet: u32, what: &str) {
    check(&capture(segments), &[&at(packet, what)], &[]);
}

#[test]
fn a_hello_in_segments_and_records_of_any_size() {
    for (segment, record) in [(1, 16_384), (7, 11), (100, 50), (1_400, 16_384)] {
        let mut session = session();
        let mut segments = session.open();
        segments.extend(session.client_in(segment, &hello_with(Some("Example.COM"), 300, record)));
        let last = u32::try_from(segments.len()).unwrap();
        segments.push(session.client(b"\x17\x03\x03\0\x01x"));
        segments.push(session.server(b"\x16\x03\x03\0\x01x"));
        segments.extend(session.close());
        check_one(segments, last, SNI);
    }
}

#[test]
fn a_hello_that_is_larger_than_a_record() {
    let mut session = session();
    let mut segments = session.open();
    segments.extend(session.client_in(1_400, &hello_with(Some("example.com"), 60_000, 16_384)));
    let last = u32::try_from(segments.len()).unwrap();
    check_one(segments, last, SNI);
}

#[test]
fn no_server_name_is_an_empty_one() {
    let mut session = session();
    let mut segments = session.open();
    segments.push(session.client(&hello(None)));
    check_one(segments, 4, "sni  443");
}

#[test]
fn segments_in_any_order_and_more_than_once() {
    let mut session = session();
    let opened = session.open();
    let parts = session.client_in(50, &hello_with(Some("example.com"), 130, 16_384));
    assert_eq!(parts.len(), 5);
    for order in [
        &[4, 3, 2, 1, 0][..],
        &[1, 0, 4, 2, 3],
        &[0, 0, 1, 2, 2, 3, 1, 4],
        &[1, 1, 2, 3, 4, 4, 0],
    ] {
        let shuffled = order.iter().map(|part: &usize| parts[*part].clone());
        let segments: Vec<Segment> = opened.iter().cloned().chain(shuffled).collect();
        let last = u32::try_from(segments.len()).unwrap();
        check_one(segments, last, SNI);
    }
}

#[test]
fn of_overlapping_bytes_the_first_ones_count() {
    let mut session = session();
    let mut segments = session.open();
    let whole = session.client(&hello(Some("example.com")));
    let mut forged = whole.clone();
    forged.data = hello(Some("evil.example.com"));
    let middle = Segment {
        sequence: whole.sequence.wrapping_add(30),
        data: whole.data[30..].to_vec(),
        ..whole.clone()
    };
    // The end comes first, and what is sent again over it says something else.
    segments.push(middle);
    segments.push(Segment {
        data: forged.data[..whole.data.len()].to_vec(),
        ..whole
    });
    // Bytes 3 to 8 hold the lengths, which differ; only what comes after 30 is the first one's.
    let (recorded, skipped) = found(&capture(segments));
    assert_eq!(recorded, [""; 0]);
    assert_eq!(
        skipped,
        ["r#1: to 192.0.2.2:443: it ends before its ClientHello or request is complete"]
    );

    let mut session = self::session();
    let mut segments = session.open();
    let whole = session.client(&hello(Some("example.com")));
    let mut forged = whole.clone();
    let name = forged.data.len() - 11;
    forged.data[name..].copy_from_slice(b"forged.test");
    let first = |segment: &Segment, range: std::ops::Range<usize>| Segment {
        sequence: segment.sequence.wrapping_add(u32::try_from(range.start).unwrap()),
        data: segment.data[range].to_vec(),
        ..segment.clone()
    };
    segments.push(first(&whole, name..name + 7));
    segments.push(first(&forged, 0..name + 11));
    check_one(segments, 5, "sni exampletest 443");
}

#[test]
fn a_capture_that_begins_later_still_sees_what_begins_in_it() {
    let mut session = session();
    session.open();
    let hello = session.client(&hello(Some("example.com")));
    check_one(vec![hello.clone()], 1, SNI);
    // the answer to the SYN tells the same
    let answer = self::session().open().remove(1);
    check_one(vec![answer.clone(), hello.clone()], 2, SNI);
    let server_only = session.server(b"\x16\x03\x03\0\x01\x02");
    check_one(vec![hello, server_only], 1, SNI);
    // an answer's end, then a request on the same connection
    let mut web = Session::new("192.0.2.1:50000", "192.0.2.2:80");
    let segments = vec![
        web.server(b"rest of an answer"),
        web.client(b"GET /2 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
    ];
    check_one(segments, 2, "http GET example.com /2");
}

#[test]
fn the_same_ends_again_are_another_connection() {
    let mut first = session();
    let mut segments = first.open();
    segments.push(first.client(&hello(Some("first.example.com"))));
    // a SYN that is sent again opens nothing
    segments.push(segments[0].clone());
    segments.push(segments[1].clone());
    segments.push(first.client(&hello(Some("never.example.com"))));
    let mut second = session().starting_at(77);
    segments.extend(second.open());
    segments.push(second.client(&hello(Some("second.example.com"))));
    let expected = [at(4, "sni first.example.com 443"), at(11, "sni second.example.com 443")];
    check(&capture(segments), &expected.each_ref().map(String::as_str), &[]);
}

#[test]
fn data_on_the_syn_is_the_first() {
    let mut session = session();
    let mut segments = session.open();
    let whole = hello(Some("example.com"));
    segments[0].data = whole[..20].to_vec();
    // The answer acknowledges it as well.
    segments[1].acknowledged = segments[1].acknowledged.wrapping_add(20);
    session.client(&whole[..20]);
    segments.push(session.client(&whole[20..]));
    check_one(segments, 4, SNI);
}

#[test]
fn both_directions_at_once_and_many_flows() {
    let mut sessions: Vec<Session> = (1..=50)
        .map(|host| Session::new(&format!("192.0.2.{host}:50000"), "198.51.100.9:443"))
        .collect();
    let mut segments: Vec<Segment> = sessions.iter_mut().flat_map(Session::open).collect();
    let hello = hello(Some("example.com"));
    for part in hello.chunks(20) {
        segments.extend(sessions.iter_mut().map(|session| session.client(part)));
    }
    let (recorded, skipped) = found(&capture(segments));
    assert_eq!((recorded.len(), skipped.len()), (50, 0));
}

#[test]
fn a_reset_or_an_empty_connection_is_nothing() {
    let mut session = session();
    let mut segments = session.open();
    segments.extend(session.close());
    check(&capture(segments.clone()), &[], &[]);
    segments.truncate(1);
    segments.push(Segment {
        flags: RST | ACK,
        from: segments[0].to,
        to: segments[0].from,
        ..segments[0].clone()
    });
    check(&capture(segments), &[], &[]);
}

#[test]
fn plain_requests_with_the_port_that_was_dialled() {
    let mut web = Session::new("192.0.2.1:50000", "192.0.2.2:8080");
    let mut segments = web.open();
    segments.push(web.client(b"POST /1?q HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3000\r\n\r\n"));
    segments.extend(web.client_in(1_000, &[b'x'; 3_000]));
    segments.push(web.server(b"HTTP/1.1 204 No Content\r\n\r\n"));
    segments.push(
        web.client(b"GET /2 HTTP/1.1\r\nHost: example.com:8080\r\n\r\nGET /3 HTTP/1.1\r\nHost: other.example\r\n\r\n"),
    );
    let expected = [
        at(4, "http POST example.com:8080 /1?q"),
        at(9, "http GET example.com:8080 /2"),
        at(9, "http GET other.example:8080 /3"),
    ];
    check(&capture(segments), &expected.each_ref().map(String::as_str), &[]);
}

#[test]
fn a_proxy_s_clients() {
    let mut web = Session::new("192.0.2.1:50000", "192.0.2.2:3128");
    let mut segments = web.open();
    segments.push(web.client(b"GET http://plain.example.com/a HTTP/1.1\r\nHost: plain.example.com\r\n\r\n"));
    segments.push(web.server(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nHTTP/1.1 403 this is the body\r\n"));
    segments.push(web.client(b"CONNECT example.com:8443 HTTP/1.1\r\nHost: example.com:8443\r\n\r\n"));
    let (answer, early) = {
        let answer = web.server(b"HTTP/1.1 200 OK\r\n\r\n");
        let (first, rest) = answer.data.split_at(9);
        let rest = Segment {
            sequence: answer.sequence.wrapping_add(9),
            data: rest.to_vec(),
            ..answer.clone()
        };
        let first = Segment {
            data: first.to_vec(),
            ..answer
        };
        (first, rest)
    };
    segments.extend([early, answer]);
    segments.extend(web.client_in(60, &hello(Some("inner.example.com"))));
    let last = u32::try_from(segments.len()).unwrap();
    let expected = [
        at(4, "http GET plain.example.com /a"),
        at(6, "tunnel example.com:8443"),
        at(last, "sni inner.example.com 8443"),
    ];
    check(&capture(segments), &expected.each_ref().map(String::as_str), &[]);
}

#[test]
fn other_packets_are_passed_over() {
    let mut session = session();
    let mut all: Vec<Vec<u8>> = session.open().iter().map(Segment::packet).collect();
    let name = "192.0.2.53:53".parse().unwrap();
    let client = "192.0.2.1:40000".parse().unwrap();
    all.push(udp(client, name, b"\x12\x34\x01\0\0\x01"));
    all.push(ip(
        "192.0.2.1".parse().unwrap(),
        "192.0.2.2".parse().unwrap(),
        1,
        b"\x08\0\0\0ping",
    ));
    all.push(session.client(&hello(Some("example.com"))).packet());
    check(&packets(all), &[&at(6, SNI)], &[]);
}
