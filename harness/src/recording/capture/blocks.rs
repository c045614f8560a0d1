//! The blocks of a pcapng file: which interfaces it names, and the packets seen on them.

use pcap_parser::{Block as Parsed, InterfaceDescriptionBlock, parse_block_be, parse_block_le};
use pcap_parser::{Linktype, OptionCode};
use sluice_policy::Timestamp;

use super::file::{Packet, Piece};

/// More than any machine has; the rest is passed over, so that a file cannot fill the memory with them.
const MOST_INTERFACES: usize = 1 << 16;

/// Types of blocks. The obsolete packet, which no tool has written for many years, is counted and not read.
const DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// What one section of the file has said so far.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    big_endian: bool,
    /// Nothing for one whose description cannot be read.
    interfaces: Vec<Option<Interface>>,
}

/// What a block is to the one who wants the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// A packet, readable or not.
    Packet,
    /// Anything else.
    Other,
}

#[derive(Debug)]
struct Interface {
    link: Linktype,
    snap_length: u32,
    /// Units of time in a second; nothing where they make no sense.
    units: Option<u128>,
    /// Seconds to add to each time.
    offset: i64,
}

impl Blocks {
    /// A section begins, with this byte order mark; whether it is one.
    pub(super) fn begin(&mut self, mark: &[u8]) -> bool {
        const MARK: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
        self.interfaces.clear();
        self.big_endian = mark.starts_with(&MARK);
        self.big_endian || mark.iter().rev().eq(&MARK)
    }

    /// The byte order of the section.
    pub(super) fn big_endian(&self) -> bool {
        self.big_endian
    }

    /// Learns what a whole block says, unless it is a packet.
    pub(super) fn read(&mut self, block: &[u8]) -> Block {
        let kind = block.first_chunk().copied().unwrap_or_default();
        let kind = if self.big_endian {
            u32::from_be_bytes(kind)
        } else {
            u32::from_le_bytes(kind)
        };
        match kind {
            DESCRIPTION => {
                let interface = match self.parse(block) {
                    Some(Parsed::InterfaceDescription(description)) => {
                        Some(Interface::new(&description, self.big_endian))
                    }
                    _ => None,
                };
                if self.interfaces.len() < MOST_INTERFACES {
                    self.interfaces.push(interface);
                }
                Block::Other
            }
            ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => Block::Packet,
            _ => Block::Other,
        }
    }

    /// The packet in a whole block.
    pub(super) fn piece<'a>(&self, block: &'a [u8]) -> Piece<'a> {
        self.packet(block).map_or(Piece::Unreadable, Piece::Packet)
    }

    fn packet<'a>(&self, block: &'a [u8]) -> Option<Packet<'a>> {
        match self.parse(block)? {
            Parsed::EnhancedPacket(packet) => {
                let interface = self.interfaces.get(usize::try_from(packet.if_id).ok()?)?.as_ref()?;
                Some(Packet {
                    at: interface.at(packet.ts_high, packet.ts_low),
                    link: interface.link,
                    data: packet.data.get(..usize::try_from(packet.caplen).ok()?)?,
                    cut: packet.caplen < packet.origlen,
                })
            }
            // It says neither when it was nor how much of it there is.
            Parsed::SimplePacket(packet) => {
                let interface = self.interfaces.first()?.as_ref()?;
                let length = match interface.snap_length {
                    0 => packet.origlen,
                    limit => packet.origlen.min(limit),
                };
                Some(Packet {
                    at: None,
                    link: interface.link,
                    data: packet.data.get(..usize::try_from(length).ok()?)?,
                    cut: length < packet.origlen,
                })
            }
            _ => None,
        }
    }

    fn parse<'a>(&self, block: &'a [u8]) -> Option<Parsed<'a>> {
        let parse = if self.big_endian {
            parse_block_be
        } else {
            parse_block_le
        };
        parse(block).ok().map(|(_, parsed)| parsed)
    }
}

impl Interface {
    fn new(description: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let option = |code| description.options.iter().find(|option| option.code == code);
        // The parser reads this one as little-endian whatever the section is.
        let offset = option(OptionCode::IfTsoffset).and_then(|option| option.value.first_chunk().copied());
        let offset = offset.map_or(0, |bytes| match big_endian {
            true => i64::from_be_bytes(bytes),
            false => i64::from_le_bytes(bytes),
        });
        // The highest bit says whether it is a power of two or of ten.
        let exponent = u32::from(description.if_tsresol & 0x7f);
        let base: u128 = if description.if_tsresol & 0x80 == 0 { 10 } else { 2 };
        Self {
            link: description.linktype,
            snap_length: description.snaplen,
            units: base.checked_pow(exponent),
            offset,
        }
    }

    fn at(&self, high: u32, low: u32) -> Option<Timestamp> {
        let units = u128::from(high) << 32 | u128::from(low);
        let micros = i64::try_from(units * 1_000_000 / self.units?).ok()?;
        let micros = self.offset.checked_mul(1_000_000)?.checked_add(micros)?;
        Some(Timestamp::from_micros(micros))
    }
}
