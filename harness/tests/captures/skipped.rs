//! What cannot be judged is counted, with its reason.

use std::net::SocketAddr;

use crate::generate::file::{Frame, Pcap, capture, packets, pcap};
use crate::generate::packet::{Link, Segment, ip, udp};
use crate::generate::session::Session;
use crate::generate::tls::{hello, hello_with};
use crate::show::{check, found};

fn session() -> Session {
    Session::new("192.0.2.1:50000", "192.0.2.2:443")
}

#[test]
fn connections_that_name_no_host() {
    let mut ssh = Session::new("192.0.2.1:50000", "192.0.2.2:22");
    let mut segments = ssh.open();
    segments.push(ssh.server(b"SSH-2.0-OpenSSH_9.6\r\n"));
    segments.push(ssh.client(b"SSH-2.0-OpenSSH_9.6\r\n"));
    let mut database = Session::new("[2001:db8::1]:50000", "[2001:db8::2]:5432");
    segments.extend(database.open());
    segments.push(database.client(b"\0\0\0\x08\x04\xd2\x16\x2f"));
    segments.push(database.server(b"S"));
    let mut h2 = Session::new("192.0.2.1:50001", "192.0.2.2:80");
    segments.extend(h2.open());
    segments.push(h2.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    let mut tunnel = Session::new("192.0.2.1:50002", "192.0.2.2:3128");
    segments.extend(tunnel.open());
    segments.push(tunnel.client(b"CONNECT example.com:22 HTTP/1.1\r\n\r\n"));
    segments.push(tunnel.server(b"HTTP/1.1 200 OK\r\n\r\n"));
    segments.push(tunnel.server(b"SSH-2.0-OpenSSH_9.6\r\n"));
    check(
        &capture(segments),
        &["r#18 2026-03-02T08:00:00.018000Z tunnel example.com:22"],
        &[
            "r#1: to 192.0.2.2:22: the server speaks first, so there is neither a ClientHello nor a request",
            "r#6: to [2001:db8::2]:5432: the client's first bytes are neither TLS nor HTTP/1 (hex 0000000804d2162f)",
            "r#11: to 192.0.2.2:80: HTTP/2 without TLS, which is not read",
            "r#15: to example.com:22 through 192.0.2.2:3128: the server speaks first, \
             so there is neither a ClientHello nor a request",
        ],
    );
}

#[test]
fn flows_that_began_before_the_capture() {
    let mut one = session();
    let mut other = Session::new("192.0.2.1:50001", "192.0.2.3:443");
    let mut third = Session::new("192.0.2.1:50002", "192.0.2.4:443");
    let segments = vec![
        one.client(b"\x17\x03\x03\0\x05hello"),
        one.server(b"\x17\x03\x03\0\x05hello"),
        // once is enough
        one.client(b"\x17\x03\x03\0\x05hello"),
        other.server(b"\x17\x03\x03\0\x05hello"),
        // a keep-alive probe, and acknowledgements, say nothing at all
        third.client(b"\0"),
        third.server(b""),
    ];
    check(
        &capture(segments),
        &[],
        &[
            "r#1: to 192.0.2.2:443: the flow began before the capture",
            "r#4: to 192.0.2.1:50001: the flow began before the capture",
        ],
    );
}

#[test]
fn flows_of_which_something_is_missing() {
    let mut gap = session();
    let mut segments = gap.open();
    let mut parts = gap.client_in(50, &hello(Some("example.com")));
    parts.remove(0);
    segments.extend(parts);
    let mut cut_off = Session::new("192.0.2.1:50001", "192.0.2.2:443");
    segments.extend(cut_off.open());
    segments.push(cut_off.client(&hello(Some("example.com"))[..50]));
    // The client has spoken, says the server's acknowledgement, but the capture has missed it.
    let mut missed = Session::new("192.0.2.1:50002", "192.0.2.2:443");
    segments.extend(missed.open());
    missed.client(&hello(Some("example.com")));
    segments.push(missed.server(b"\x16\x03\x03\0\x01\x02"));
    segments.push(missed.client(b"\x17\x03\x03\0\x01x"));
    let mut unanswered = Session::new("192.0.2.1:50003", "192.0.2.2:3128");
    segments.extend(unanswered.open());
    segments.push(unanswered.client(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"));
    segments.push(unanswered.client(&hello(Some("example.com"))));
    let (recorded, skipped) = found(&capture(segments));
    assert_eq!(recorded, ["r#17 2026-03-02T08:00:00.017000Z tunnel example.com:443"]);
    assert_eq!(
        skipped,
        [
            "r#1: to 192.0.2.2:443: bytes of it are missing from the capture",
            "r#5: to 192.0.2.2:443: it ends before its ClientHello or request is complete",
            "r#9: to 192.0.2.2:443: bytes of it are missing from the capture",
            "r#14: to 192.0.2.2:3128: the proxy's answer to CONNECT was not recorded in a readable form",
        ]
    );
}

#[test]
fn packets_that_were_kept_only_in_part() {
    let cut = |segments: Vec<Segment>, length: usize| {
        let frames = segments
            .iter()
            .zip(1..)
            .map(|(segment, number)| Frame::new(number * 1_000, Link::Ethernet, &segment.packet()).cut_to(length));
        pcap(Pcap::default(), &frames.collect::<Vec<_>>())
    };
    let mut session = session();
    let mut segments = session.open();
    segments.push(session.client(&hello_with(Some("example.com"), 200, 16_384)));
    segments.push(session.client(b"\x17\x03\x03\0\x01x"));
    check(
        &cut(segments.clone(), 96),
        &[],
        &["r#1: to 192.0.2.2:443: its packets were captured only in part; capture with a larger snap length"],
    );
    // not even a TCP header of any
    check(
        &cut(segments.clone(), 40),
        &[],
        &["r#1: 5 packets: cut off in their headers; capture with a larger snap length"],
    );
    // what is cut off is not needed
    let mut session = self::session();
    let mut segments = session.open();
    let whole = [hello(Some("example.com")), vec![0x17; 1_000]].concat();
    segments.push(session.client(&whole));
    check(
        &cut(segments.clone(), 300),
        &["r#4 2026-03-02T08:00:00.004000Z sni example.com 443"],
        &[],
    );
    // nor is an answer, beside the one to a CONNECT
    let mut web = Session::new("192.0.2.1:50000", "192.0.2.2:3128");
    let mut segments = web.open();
    segments.push(web.client(b"GET http://example.com/ HTTP/1.1\r\n\r\n"));
    segments.push(web.server(&[b'x'; 1_000]));
    segments.push(web.client(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"));
    let long = format!("HTTP/1.1 200 OK\r\nVia: {}\r\n\r\n", "x".repeat(500));
    segments.push(web.server(long.as_bytes()));
    check(
        &cut(segments, 200),
        &[
            "r#4 2026-03-02T08:00:00.004000Z http GET example.com /",
            "r#6 2026-03-02T08:00:00.006000Z tunnel example.com:443",
        ],
        &["r#1: to 192.0.2.2:3128: its packets were captured only in part; capture with a larger snap length"],
    );
}

#[test]
fn a_card_that_cuts_packets_to_size_leaves_their_length_out() {
    let mut session = session();
    let mut segments = session.open();
    segments.push(session.client(&hello(Some("example.com"))));
    let all = segments.iter().map(|segment| {
        let mut packet = segment.packet();
        packet[2..4].fill(0);
        packet
    });
    check(
        &packets(all),
        &["r#4 2026-03-02T08:00:00.004000Z sni example.com 443"],
        &[],
    );
}

#[test]
fn fragments_are_counted_together() {
    let mut session = session();
    let mut all: Vec<Vec<u8>> = session.open().iter().map(Segment::packet).collect();
    let tcp = session.client(&hello(Some("example.com"))).bytes();
    let (from, to) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    let mut first = ip(from, to, 6, &tcp[..64]);
    first[6] = 0x20;
    let mut rest = ip(from, to, 6, &tcp[64..]);
    rest[7] = 8;
    all.extend([first, rest]);
    // of IPv6 the same, in an extension header
    let (from, to) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
    all.push(ip(from, to, 44, &[&[6, 0, 0, 1, 0, 0, 0, 9][..], &tcp[..64]].concat()));
    all.push(ip(from, to, 44, &[&[6, 0, 0, 64, 0, 0, 0, 9][..], &tcp[64..]].concat()));
    // A lone one is whole.
    let mut other = Session::new("[2001:db8::1]:50000", "[2001:db8::2]:443");
    all.extend(other.open().iter().map(Segment::packet));
    let tcp = other.client(&hello(Some("example.com"))).bytes();
    all.push(ip(from, to, 44, &[&[6, 0, 0, 0, 0, 0, 0, 9][..], &tcp].concat()));
    check(
        &packets(all),
        &["r#11 2026-03-02T08:00:00.011000Z sni example.com 443"],
        &["r#4: 4 packets: IP fragments, which are not put together"],
    );
}

#[test]
fn quic_is_counted_by_connection_and_server() {
    let initial = |size: usize| [b"\xc3\0\0\0\x01\x08connects\0\0".as_slice(), &vec![0; size]].concat();
    let server: SocketAddr = "192.0.2.2:443".parse().unwrap();
    let other: SocketAddr = "[2001:db8::2]:8443".parse().unwrap();
    let client = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
    let client_v6: SocketAddr = "[2001:db8::1]:50000".parse().unwrap();
    let all = vec![
        udp(client(50_000), server, &initial(1_200)),
        udp(server, client(50_000), &initial(1_200)),
        udp(client(50_000), server, &initial(1_200)),
        udp(client(50_000), server, b"\x40 short header"),
        udp(client_v6, other, &initial(1_200)),
        udp(client(50_001), server, &initial(1_200)),
    ];
    check(
        &packets(all),
        &[],
        &[
            "r#1: QUIC: not seen by Sluice (2 connections to 192.0.2.2:443)",
            "r#5: QUIC: not seen by Sluice (1 connection to [2001:db8::2]:8443)",
        ],
    );
}

#[test]
fn packets_in_a_form_that_is_not_read() {
    let mut session = session();
    let hello = session.client(&hello(Some("example.com"))).packet();
    let mut wrapped = Link::Ethernet.wrap(&hello);
    wrapped[12..14].copy_from_slice(&[0x88, 0x64]);
    let frame = |data: Vec<u8>| Frame {
        micros: 0,
        interface: 0,
        link: 1,
        length: data.len(),
        data,
    };
    let mut broken = Link::Ethernet.wrap(&hello);
    // A TCP header that says it is longer than its packet.
    broken[14 + 20 + 12] = 15 << 4;
    broken[16..18].copy_from_slice(&[0, 60]);
    check(
        &pcap(Pcap::default(), &[frame(wrapped), frame(broken)]),
        &[],
        &[
            "r#1: 1 packet: wrapped in a protocol that is not read (EtherType 0x8864)",
            "r#2: 1 packet: broken, or in a form that is not read",
        ],
    );
    let radio = Frame {
        link: 127,
        ..frame(vec![0; 80])
    };
    check(
        &pcap(Pcap::default(), &[radio.clone(), radio]),
        &[],
        &["r#1: 2 packets: from a kind of interface that is not read (link type 127)"],
    );
}
