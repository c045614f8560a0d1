//! IP packets, and what the link puts around them.

use std::net::{IpAddr, SocketAddr};

pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;
pub(crate) const FIN: u8 = 0x01;

/// One TCP segment; the acknowledgement counts where its flag is set.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) flags: u8,
    pub(crate) data: Vec<u8>,
}

impl Segment {
    /// The IP packet that carries it.
    pub(crate) fn packet(&self) -> Vec<u8> {
        ip(self.from.ip(), self.to.ip(), 6, &self.bytes())
    }

    /// TCP header, with a time stamp option as usual, and data.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut tcp = Vec::new();
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.sequence.to_be_bytes());
        tcp.extend(self.acknowledged.to_be_bytes());
        tcp.extend([8 << 4, self.flags, 0x10, 0, 0, 0, 0, 0]);
        tcp.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        tcp.extend(&self.data);
        tcp
    }
}

/// An IP packet that carries a UDP datagram.
pub(crate) fn udp(from: SocketAddr, to: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut udp = Vec::new();
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(u16::try_from(8 + data.len()).unwrap().to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(data);
    ip(from.ip(), to.ip(), 17, &udp)
}

/// An IP packet.
pub(crate) fn ip(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
            let mut packet = vec![0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
            packet.extend(from.octets());
            packet.extend(to.octets());
            packet.extend(payload);
            packet
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
            let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64];
            packet.extend(from.octets());
            packet.extend(to.octets());
            packet.extend(payload);
            packet
        }
        _ => panic!("one address of each family"),
    }
}

/// A kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Ethernet,
    Vlan,
    DoubleVlan,
    Raw,
    RawOfOpenBsd,
    /// Only for one of the IP versions.
    RawOfVersion,
    Null(Order),
    Loop,
    Cooked,
    CookedVersion2,
}

/// The byte order of the machine that captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn word(self, word: u32) -> [u8; 4] {
        match self {
            Self::Little => word.to_le_bytes(),
            Self::Big => word.to_be_bytes(),
        }
    }

    pub(crate) fn half(self, half: u16) -> [u8; 2] {
        match self {
            Self::Little => half.to_le_bytes(),
            Self::Big => half.to_be_bytes(),
        }
    }
}

impl Link {
    /// Its number in capture files.
    pub(crate) fn number(self, packet: &[u8]) -> u16 {
        match self {
            Self::Ethernet | Self::Vlan | Self::DoubleVlan => 1,
            Self::Raw => 101,
            Self::RawOfOpenBsd => 14,
            Self::RawOfVersion => 228 + u16::from(is_v6(packet)),
            Self::Null(_) => 0,
            Self::Loop => 108,
            Self::Cooked => 113,
            Self::CookedVersion2 => 276,
        }
    }

    /// The packet with the link's header.
    pub(crate) fn wrap(self, packet: &[u8]) -> Vec<u8> {
        let kind: u16 = if is_v6(packet) { 0x86dd } else { 0x0800 };
        let kind = kind.to_be_bytes();
        let family = if is_v6(packet) { 30 } else { 2 };
        let addresses = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        let header: Vec<u8> = match self {
            Self::Ethernet => [&addresses[..], &kind].concat(),
            Self::Vlan => [&addresses[..], &[0x81, 0, 0, 7], &kind].concat(),
            Self::DoubleVlan => [&addresses[..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], &kind].concat(),
            Self::Raw | Self::RawOfOpenBsd | Self::RawOfVersion => Vec::new(),
            Self::Null(order) => order.word(family).to_vec(),
            Self::Loop => family.to_be_bytes().to_vec(),
            Self::Cooked => [&[0, 4, 0, 1, 0, 6][..], &addresses[..8], &kind].concat(),
            Self::CookedVersion2 => [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 4, 6], &addresses[..8]].concat(),
        };
        let mut whole = [header.as_slice(), packet].concat();
        if self == Self::Ethernet {
            // Short frames are padded on the wire.
            whole.resize(whole.len().max(60), 0);
        }
        whole
    }
}

fn is_v6(packet: &[u8]) -> bool {
    packet[0] >> 4 == 6
}
