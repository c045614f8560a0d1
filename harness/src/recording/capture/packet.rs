//! Finds TCP segments and UDP datagrams in packets; the headers are read by `etherparse`.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, LenSource, TransportSlice, ip_number};
use pcap_parser::Linktype;

use super::file::Packet;
use crate::recording::unheard::PacketProblem;

/// One TCP segment.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// The sequence number of the segment, which a SYN has for itself.
    pub(super) sequence: u32,
    /// What the sender has got so far.
    pub(super) acknowledged: Option<u32>,
    pub(super) syn: bool,
    pub(super) data: &'a [u8],
    /// Whether there was more of `data` on the wire.
    pub(super) cut: bool,
}

/// What a packet carries.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    Tcp(Segment<'a>),
    Udp {
        from: SocketAddr,
        to: SocketAddr,
        data: &'a [u8],
    },
    /// Something that may belong to a connection and is not read.
    PassedOver(PacketProblem),
    /// Something that belongs to none.
    Nothing,
}

impl<'a> Carried<'a> {
    pub(super) fn by(packet: &Packet<'a>) -> Self {
        match unwrapped(packet.link, packet.data) {
            Ok(Some(sliced)) => Self::of(&sliced, packet.cut),
            Ok(None) => Self::Nothing,
            Err(problem) => Self::PassedOver(problem),
        }
    }

    fn of(sliced: &LaxSlicedPacket<'a>, cut: bool) -> Self {
        let (from, to, payload) = match &sliced.net {
            Some(LaxNetSlice::Ipv4(ip)) => {
                let header = ip.header();
                let (from, to) = (header.source_addr(), header.destination_addr());
                (IpAddr::V4(from), IpAddr::V4(to), ip.payload())
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                let header = ip.header();
                let (from, to) = (header.source_addr(), header.destination_addr());
                (IpAddr::V6(from), IpAddr::V6(to), ip.payload())
            }
            Some(LaxNetSlice::Arp(_)) => return Self::Nothing,
            None => return Self::not_ip(sliced, cut),
        };
        let carries = matches!(payload.ip_number, ip_number::TCP | ip_number::UDP);
        if payload.fragmented && carries {
            return Self::PassedOver(PacketProblem::Fragment);
        }
        // A network card that cuts packets to size itself may leave the length out.
        let cut = payload.incomplete || (cut && payload.len_source == LenSource::Slice);
        match &sliced.transport {
            Some(TransportSlice::Tcp(tcp)) => Self::Tcp(Segment {
                from: SocketAddr::new(from, tcp.source_port()),
                to: SocketAddr::new(to, tcp.destination_port()),
                sequence: tcp.sequence_number(),
                acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
                syn: tcp.syn(),
                data: tcp.payload(),
                cut,
            }),
            Some(TransportSlice::Udp(udp)) => Self::Udp {
                from: SocketAddr::new(from, udp.source_port()),
                to: SocketAddr::new(to, udp.destination_port()),
                data: udp.payload(),
            },
            _ if sliced.stop_err.is_some() => Self::PassedOver(broken(cut)),
            _ => Self::Nothing,
        }
    }

    fn not_ip(sliced: &LaxSlicedPacket<'a>, cut: bool) -> Self {
        /// MPLS and PPPoE carry IP packets further inside.
        const WRAPPERS: [EtherType; 3] = [EtherType(0x8847), EtherType(0x8848), EtherType(0x8864)];
        match sliced.ether_payload() {
            Some(inside) if WRAPPERS.contains(&inside.ether_type) => Self::PassedOver(PacketProblem::Wrapped {
                ether_type: inside.ether_type.0,
            }),
            _ if sliced.stop_err.is_some() => Self::PassedOver(broken(cut)),
            _ => Self::Nothing,
        }
    }
}

fn broken(cut: bool) -> PacketProblem {
    if cut {
        PacketProblem::Short
    } else {
        PacketProblem::Unreadable
    }
}

/// The packet behind the header of its link; nothing where that is none of IP's business.
fn unwrapped(link: Linktype, data: &[u8]) -> Result<Option<LaxSlicedPacket<'_>>, PacketProblem> {
    let ip = |data| LaxSlicedPacket::from_ip(data).map(Some);
    let after = |length: usize| data.get(length..).unwrap_or_default();
    let ether = |at: usize, length: usize| {
        let kind = data.get(at..).and_then(<[u8]>::first_chunk)?;
        let payload = data.get(length..)?;
        let kind = EtherType(u16::from_be_bytes(*kind));
        Some(LaxSlicedPacket::from_ether_type(kind, payload))
    };
    let short = Err(PacketProblem::Short);
    match link.0 {
        0 | 108 => ip(after(4)).or(short),
        1 => LaxSlicedPacket::from_ethernet(data).map(Some).or(short),
        // Raw IP has had several numbers.
        12 | 14 | 101 | 228 | 229 => ip(data).or(short),
        113 => ether(14, 16).map_or(short, |sliced| Ok(Some(sliced))),
        276 => ether(0, 20).map_or(short, |sliced| Ok(Some(sliced))),
        link => Err(PacketProblem::Link { link }),
    }
}
