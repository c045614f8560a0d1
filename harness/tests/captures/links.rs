//! Every kind of link and file gives the same sightings.

use crate::generate::file::{Frame, Interface, Pcap, frames, pcap, pcapng};
use crate::generate::packet::{Link, Order, Segment};
use crate::generate::session::Session;
use crate::generate::tls::hello;
use crate::show::{check, found};

const LINKS: [Link; 11] = [
    Link::Ethernet,
    Link::Vlan,
    Link::DoubleVlan,
    Link::Raw,
    Link::RawOfOpenBsd,
    Link::RawOfVersion,
    Link::Null(Order::Little),
    Link::Null(Order::Big),
    Link::Loop,
    Link::Cooked,
    Link::CookedVersion2,
];

fn session(client: &str, server: &str) -> Vec<Segment> {
    let mut session = Session::new(client, server);
    let mut segments = session.open();
    segments.push(session.client(&hello(Some("example.com"))));
    segments
}

const SEEN: &str = "r#4 2026-03-02T08:00:00.004000Z sni example.com 8443";

fn packets(v6: bool) -> Vec<Vec<u8>> {
    let segments = match v6 {
        true => session("[2001:db8::1]:50000", "[2001:db8::2]:8443"),
        false => session("192.0.2.1:50000", "192.0.2.2:8443"),
    };
    segments.iter().map(Segment::packet).collect()
}

#[test]
fn every_link_in_every_pcap() {
    for link in LINKS {
        for v6 in [false, true] {
            let frames = frames(link, packets(v6));
            for order in [Order::Little, Order::Big] {
                for nanoseconds in [false, true] {
                    let kind = Pcap {
                        order,
                        nanoseconds,
                        modified: false,
                    };
                    check(&pcap(kind, &frames), &[SEEN], &[]);
                }
            }
            let modified = Pcap {
                modified: true,
                ..Pcap::default()
            };
            check(&pcap(modified, &frames), &[SEEN], &[]);
        }
    }
}

#[test]
fn the_length_of_a_check_sum_is_no_part_of_the_link_type() {
    let mut frames = frames(Link::Ethernet, packets(false));
    for frame in &mut frames {
        frame.data.extend([1, 2, 3, 4]);
        frame.length += 4;
    }
    let mut file = pcap(Pcap::default(), &frames);
    file[23] |= 0x24;
    check(&file, &[SEEN], &[]);
}

#[test]
fn every_link_and_time_in_pcapng() {
    for link in LINKS {
        for order in [Order::Little, Order::Big] {
            for (resolution, offset) in [
                (None, None),
                (Some((9, 1_000_000_000)), None),
                (Some((3, 1_000)), Some(1_000_000_000)),
                (Some((0x80 | 20, 1 << 20)), Some(-5)),
            ] {
                let frames = frames(link, packets(false));
                let interface = Interface {
                    resolution,
                    offset,
                    ..Interface::new(frames[0].link)
                };
                let (recorded, skipped) = found(&pcapng(order, &[interface], &frames));
                assert_eq!((recorded.len(), skipped.len()), (1, 0), "{link:?}");
                // Powers of two are no whole microseconds.
                let rounded = recorded[0].replace("00.003999Z", "00.004000Z");
                assert_eq!(rounded, SEEN, "{link:?} {resolution:?}");
            }
        }
    }
}

#[test]
fn several_interfaces_of_several_kinds() {
    let all: Vec<Frame> = [(Link::Ethernet, 1), (Link::Raw, 2), (Link::Cooked, 3)]
        .into_iter()
        .enumerate()
        .flat_map(|(interface, (link, host))| {
            let segments = session(&format!("192.0.2.{host}:50000"), "192.0.2.9:443");
            let packets = segments.iter().map(Segment::packet);
            let mut frames = frames(link, packets);
            for frame in &mut frames {
                frame.interface = u32::try_from(interface).unwrap();
            }
            frames
        })
        .collect();
    let interfaces = [Interface::new(1), Interface::new(101), Interface::new(113)];
    let at = "2026-03-02T08:00:00.004000Z sni example.com 443";
    let expected = [4, 8, 12].map(|packet| format!("r#{packet} {at}"));
    let expected = expected.each_ref().map(String::as_str);
    check(&pcapng(Order::Little, &interfaces, &all), &expected, &[]);
    check(&pcapng(Order::Big, &interfaces, &all), &expected, &[]);
}
