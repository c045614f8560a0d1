//! Takes a capture file apart into its packets, one at a time.
//!
//! The lengths in a file say where its next packet begins. They are followed here,
//! so that no more than one packet is in memory and a damaged one costs only
//! itself; what is inside each piece is read by `pcap-parser`.

use std::io::{self, Read};

use pcap_parser::nom::IResult;
use pcap_parser::{LegacyPcapBlock, Linktype, PcapError};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header};
use sluice_policy::Timestamp;

use super::blocks::{Block, Blocks};

/// No packet is longer: the largest snap length in use is 256 KiB.
const LONGEST: usize = 16 << 20;

/// What pcapng files begin with.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Whether a file that begins with `start` is a capture.
pub(in super::super) fn is_capture(start: &[u8]) -> bool {
    const PCAP: [[u8; 4]; 5] = [
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        // in nanoseconds
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        // with longer packet headers, as some old kernels wrote it
        [0x34, 0xcd, 0xb2, 0xa1],
    ];
    start
        .first_chunk()
        .is_some_and(|magic| *magic == SECTION || PCAP.contains(magic))
}

/// One packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    pub(super) at: Option<Timestamp>,
    pub(super) link: Linktype,
    pub(super) data: &'a [u8],
    /// Whether there was more of it on the wire.
    pub(super) cut: bool,
}

/// What comes next in a file.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// A packet that cannot be read; the next one can.
    Unreadable,
    /// The file ends in the middle of a packet.
    CutOff,
    /// No next packet can be found.
    Damaged(&'static str),
}

/// The packets of a file.
pub(super) struct Packets<R> {
    reader: R,
    buffer: Vec<u8>,
    kind: Kind,
}

enum Kind {
    Unknown,
    Pcap(Pcap),
    PcapNg(Blocks),
    Over,
}

/// What `pcap-parser` makes of a packet's header and data.
type Frame<'a> = IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

struct Pcap {
    link: Linktype,
    big_endian: bool,
    nanoseconds: bool,
    header: usize,
    parse: for<'a> fn(&'a [u8]) -> Frame<'a>,
}

impl<R: Read> Packets<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            kind: Kind::Unknown,
        }
    }

    /// The next piece of the file; nothing at its end, and after a piece that was the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.buffer.clear();
        if matches!(self.kind, Kind::Unknown) {
            self.fill(SECTION.len())?;
            if self.buffer.starts_with(&SECTION) {
                self.kind = Kind::PcapNg(Blocks::default());
            } else {
                self.fill(24)?;
                match Pcap::new(&self.buffer) {
                    Some(pcap) => self.kind = Kind::Pcap(pcap),
                    None => return Ok(self.last(Piece::CutOff)),
                }
                self.buffer.clear();
            }
        }
        match self.kind {
            Kind::Pcap(_) => self.frame(),
            Kind::PcapNg(_) => self.block(),
            Kind::Unknown | Kind::Over => Ok(None),
        }
    }

    /// A packet of a pcap file.
    fn frame(&mut self) -> io::Result<Option<Piece<'_>>> {
        let Kind::Pcap(pcap) = &self.kind else {
            return Ok(None);
        };
        let header = pcap.header;
        if !self.fill(header)? {
            let piece = (!self.buffer.is_empty()).then_some(Piece::CutOff);
            return Ok(piece.and_then(|piece| self.last(piece)));
        }
        let Kind::Pcap(pcap) = &self.kind else {
            return Ok(None);
        };
        let length = word(&self.buffer, 8, pcap.big_endian);
        if length > LONGEST {
            return Ok(self.last(Piece::Damaged("a packet's length makes no sense")));
        }
        if !self.fill(header + length)? {
            return Ok(self.last(Piece::CutOff));
        }
        let Kind::Pcap(pcap) = &self.kind else {
            return Ok(None);
        };
        Ok(Some(match (pcap.parse)(&self.buffer) {
            Ok((_, frame)) => Piece::Packet(Packet {
                at: pcap.at(&frame),
                link: pcap.link,
                data: frame.data,
                cut: frame.caplen < frame.origlen,
            }),
            Err(_) => Piece::Unreadable,
        }))
    }

    /// The next packet of a pcapng file.
    fn block(&mut self) -> io::Result<Option<Piece<'_>>> {
        // Block type, length, and in a section header what tells its endianness.
        const HEADER: usize = 12;
        let Kind::PcapNg(mut blocks) = std::mem::replace(&mut self.kind, Kind::Over) else {
            return Ok(None);
        };
        loop {
            if !self.fill(HEADER)? {
                return Ok((!self.buffer.is_empty()).then_some(Piece::CutOff));
            }
            if self.buffer.starts_with(&SECTION) && !blocks.begin(&self.buffer[8..]) {
                return Ok(Some(Piece::Damaged("a section's byte order makes no sense")));
            }
            let length = word(&self.buffer, 4, blocks.big_endian());
            if !(HEADER..=LONGEST).contains(&length) || !length.is_multiple_of(4) {
                return Ok(Some(Piece::Damaged("a block's length makes no sense")));
            }
            if !self.fill(length)? {
                return Ok(Some(Piece::CutOff));
            }
            if word(&self.buffer, length - 4, blocks.big_endian()) != length {
                return Ok(Some(Piece::Damaged("a block does not end where it says")));
            }
            if blocks.read(&self.buffer) != Block::Other {
                break;
            }
            self.buffer.clear();
        }
        let piece = blocks.piece(&self.buffer);
        self.kind = Kind::PcapNg(blocks);
        Ok(Some(piece))
    }

    fn last<'a>(&mut self, piece: Piece<'a>) -> Option<Piece<'a>> {
        self.kind = Kind::Over;
        Some(piece)
    }

    /// Fills the buffer up to this length; whether there was that much.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        let missing = length.saturating_sub(self.buffer.len());
        (&mut self.reader).take(missing as u64).read_to_end(&mut self.buffer)?;
        Ok(self.buffer.len() >= length)
    }
}

impl Pcap {
    fn new(header: &[u8]) -> Option<Self> {
        let (_, header) = parse_pcap_header(header).ok()?;
        let modified = header.is_modified_format();
        Some(Self {
            // Above them, some tools say how long the check sum behind each packet is.
            link: Linktype(header.network.0 & 0x03ff_ffff),
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            header: if modified { 24 } else { 16 },
            parse: match (modified, header.is_bigendian()) {
                (true, _) => parse_pcap_frame_modified,
                (false, true) => parse_pcap_frame_be,
                (false, false) => parse_pcap_frame,
            },
        })
    }

    fn at(&self, frame: &LegacyPcapBlock<'_>) -> Option<Timestamp> {
        let fraction = i64::from(frame.ts_usec);
        let micros = if self.nanoseconds { fraction / 1_000 } else { fraction };
        Some(Timestamp::from_micros(i64::from(frame.ts_sec) * 1_000_000 + micros))
    }
}

/// The four bytes at an offset, as a length.
fn word(bytes: &[u8], at: usize, big_endian: bool) -> usize {
    let word = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .unwrap_or_default();
    let word = if big_endian {
        u32::from_be_bytes(word)
    } else {
        u32::from_le_bytes(word)
    };
    usize::try_from(word).unwrap_or(usize::MAX)
}
