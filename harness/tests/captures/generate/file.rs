//! Capture files: pcap in its variants, and pcapng.

use super::packet::{Link, Order, Segment};

/// 2026-03-02T08:00:00Z.
pub(crate) const BEGIN: u64 = 1_772_438_400;

/// One packet in a file.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Microseconds after [`BEGIN`].
    pub(crate) micros: u64,
    pub(crate) interface: u32,
    pub(crate) link: u16,
    pub(crate) data: Vec<u8>,
    /// Its length on the wire.
    pub(crate) length: usize,
}

impl Frame {
    pub(crate) fn new(micros: u64, link: Link, packet: &[u8]) -> Self {
        let data = link.wrap(packet);
        Self {
            micros,
            interface: 0,
            link: link.number(packet),
            length: data.len(),
            data,
        }
    }

    /// Cut off as by a snap length.
    pub(crate) fn cut_to(mut self, length: usize) -> Self {
        self.data.truncate(length);
        self
    }
}

/// One frame each millisecond.
pub(crate) fn frames(link: Link, packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<Frame> {
    let numbered = packets.into_iter().zip(1..);
    let frames = numbered.map(|(packet, number)| Frame::new(number * 1_000, link, &packet));
    frames.collect()
}

/// These segments on an Ethernet, as a plain pcap file.
pub(crate) fn capture(segments: impl IntoIterator<Item = Segment>) -> Vec<u8> {
    packets(segments.into_iter().map(|segment| segment.packet()))
}

/// These IP packets on an Ethernet, as a plain pcap file.
pub(crate) fn packets(packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    pcap(Pcap::default(), &frames(Link::Ethernet, packets))
}

/// A variant of pcap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pcap {
    pub(crate) order: Order,
    pub(crate) nanoseconds: bool,
    /// With eight bytes more in each packet's header.
    pub(crate) modified: bool,
}

impl Default for Pcap {
    fn default() -> Self {
        Self {
            order: Order::Little,
            nanoseconds: false,
            modified: false,
        }
    }
}

/// A pcap file.
pub(crate) fn pcap(kind: Pcap, frames: &[Frame]) -> Vec<u8> {
    let word = |word: usize| kind.order.word(u32::try_from(word).unwrap());
    let magic = match (kind.modified, kind.nanoseconds) {
        (true, _) => 0xa1b2_cd34,
        (false, true) => 0xa1b2_3c4d,
        (false, false) => 0xa1b2_c3d4,
    };
    let mut file = kind.order.word(magic).to_vec();
    file.extend(kind.order.half(2));
    file.extend(kind.order.half(4));
    file.extend([0; 8]);
    file.extend(word(262_144));
    file.extend(word(frames.first().map_or(1, |frame| frame.link.into())));
    for frame in frames {
        let micros = BEGIN * 1_000_000 + frame.micros;
        let fraction = micros % 1_000_000 * if kind.nanoseconds { 1_000 } else { 1 };
        file.extend(word(usize::try_from(micros / 1_000_000).unwrap()));
        file.extend(word(usize::try_from(fraction).unwrap()));
        file.extend(word(frame.data.len()));
        file.extend(word(frame.length));
        if kind.modified {
            file.extend([0; 8]);
        }
        file.extend(&frame.data);
    }
    file
}

/// An interface of a pcapng file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interface {
    pub(crate) link: u16,
    pub(crate) snap_length: u32,
    /// The option that says which fraction of a second times count, and their number in a second.
    pub(crate) resolution: Option<(u8, u128)>,
    /// The option that says how many seconds to add.
    pub(crate) offset: Option<i64>,
}

impl Interface {
    pub(crate) fn new(link: u16) -> Self {
        Self {
            link,
            snap_length: 0,
            resolution: None,
            offset: None,
        }
    }
}

/// A pcapng file of one section.
pub(crate) fn pcapng(order: Order, interfaces: &[Interface], frames: &[Frame]) -> Vec<u8> {
    let mut file = section(order);
    for interface in interfaces {
        file.extend(description(order, interface));
    }
    for frame in frames {
        file.extend(enhanced(order, &interfaces[frame.interface as usize], frame));
    }
    file
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    let mut body = order.word(0x1a2b_3c4d).to_vec();
    body.extend(order.half(1));
    body.extend(order.half(0));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

pub(crate) fn description(order: Order, interface: &Interface) -> Vec<u8> {
    let mut body = order.half(interface.link).to_vec();
    body.extend([0, 0]);
    body.extend(order.word(interface.snap_length));
    if let Some((resolution, _)) = interface.resolution {
        body.extend(order.half(9));
        body.extend(order.half(1));
        body.extend([resolution, 0, 0, 0]);
    }
    if let Some(offset) = interface.offset {
        body.extend(order.half(14));
        body.extend(order.half(8));
        match order {
            Order::Little => body.extend(offset.to_le_bytes()),
            Order::Big => body.extend(offset.to_be_bytes()),
        }
    }
    body.extend([0; 4]);
    block(order, 1, &body)
}

pub(crate) fn enhanced(order: Order, interface: &Interface, frame: &Frame) -> Vec<u8> {
    let units = interface.resolution.map_or(1_000_000, |(_, units)| units);
    let seconds = i128::from(BEGIN) - i128::from(interface.offset.unwrap_or(0));
    let micros = u128::try_from(seconds * 1_000_000).unwrap() + u128::from(frame.micros);
    let time = u64::try_from(micros * units / 1_000_000).unwrap();
    let mut body = order.word(frame.interface).to_vec();
    body.extend(order.word((time >> 32) as u32));
    body.extend(order.word(time as u32));
    body.extend(order.word(u32::try_from(frame.data.len()).unwrap()));
    body.extend(order.word(u32::try_from(frame.length).unwrap()));
    body.extend(&frame.data);
    block(order, 6, &body)
}

/// A packet block without time and interface.
pub(crate) fn simple(order: Order, frame: &Frame) -> Vec<u8> {
    let mut body = order.word(u32::try_from(frame.length).unwrap()).to_vec();
    body.extend(&frame.data);
    block(order, 3, &body)
}

pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = order.word(u32::try_from(12 + body.len().next_multiple_of(4)).unwrap());
    let mut block = [order.word(kind), length].concat();
    block.extend(body);
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend(length);
    block
}
