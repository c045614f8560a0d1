//! Packet captures, pcap and pcapng: one sighting for each ClientHello and each
//! plain HTTP/1 request in them, inside a `CONNECT` as well.
//!
//! A capture is read as a stream, and no table grows with it. What cannot be
//! judged is counted with its reason: per connection where it is one, and for
//! packets that belong to no connection once for each reason.

mod assembly;
mod blocks;
mod file;
mod flow;
mod flows;
mod packet;
mod quic;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};

use sluice_policy::Timestamp;

use super::error::SkipReason;
use super::records::Parsed;
use super::talk::Heard;
use super::unheard::PacketProblem;
use file::{Packets, Piece};
use flows::{Flows, Limits, OfFlow};
use packet::Carried;
use quic::Quic;

pub(super) use file::is_capture;

/// An entry and the number of the packet that it stands at.
type Entry = (u64, Result<Parsed, SkipReason>);

/// An open capture.
pub(super) struct Capture<R> {
    packets: Packets<R>,
    number: u64,
    flows: Flows,
    quic: Quic,
    /// Packets that belong to no flow, with the first of them.
    passed_over: BTreeMap<PacketProblem, (u64, u64)>,
    ready: VecDeque<Entry>,
    ended: bool,
}

impl<R: Read> Capture<R> {
    pub(super) fn new(reader: R) -> Self {
        Self::with_limits(reader, Limits::default())
    }

    fn with_limits(reader: R, limits: Limits) -> Self {
        Self {
            packets: Packets::new(reader),
            number: 0,
            flows: Flows::new(limits),
            quic: Quic::new(),
            passed_over: BTreeMap::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.read()? {
                self.ended = true;
                self.finish();
            }
        }
    }

    /// Reads one packet; whether there was one.
    fn read(&mut self) -> io::Result<bool> {
        let Some(piece) = self.packets.next()? else {
            return Ok(false);
        };
        self.number += 1;
        let number = self.number;
        let packet = match piece {
            Piece::Packet(packet) => packet,
            Piece::Unreadable => {
                pass_over(&mut self.passed_over, PacketProblem::Unreadable, number);
                return Ok(true);
            }
            Piece::CutOff => {
                self.ready.push_back((number, Err(SkipReason::CutOff)));
                return Ok(true);
            }
            Piece::Damaged(problem) => {
                self.ready.push_back((number, Err(SkipReason::Damaged { problem })));
                return Ok(true);
            }
        };
        match Carried::by(&packet) {
            Carried::Tcp(segment) => {
                let mut found = Vec::new();
                self.flows.take(&segment, number, &mut found);
                let at = packet.at;
                self.ready
                    .extend(found.into_iter().map(|of_flow| entry(of_flow, number, at)));
            }
            Carried::Udp { from, to, data } => self.quic.take(from, to, data, number),
            Carried::PassedOver(problem) => pass_over(&mut self.passed_over, problem, number),
            Carried::Nothing => {}
        }
        Ok(true)
    }

    /// Says what is left to say at the end, in the order of the packets.
    fn finish(&mut self) {
        let mut found = Vec::new();
        self.flows.finish(&mut found);
        let number = self.number;
        let flows = found.into_iter().map(|of_flow| entry(of_flow, number, None));
        let unseen = self.quic.finish().map(|unseen| {
            let reason = SkipReason::Quic {
                server: unseen
                    .server
                    .map_or("further servers".to_owned(), |server| server.to_string()),
                connections: unseen.connections,
            };
            (unseen.packet, Err(reason))
        });
        let passed_over = std::mem::take(&mut self.passed_over)
            .into_iter()
            .map(|(problem, (first, packets))| (first, Err(SkipReason::Packets { packets, problem })));
        let mut all: Vec<Entry> = flows.chain(unseen).chain(passed_over).collect();
        all.sort_by_key(|(number, _)| *number);
        self.ready.extend(all);
    }
}

fn pass_over(passed_over: &mut BTreeMap<PacketProblem, (u64, u64)>, problem: PacketProblem, number: u64) {
    let (_, packets) = passed_over.entry(problem).or_insert((number, 0));
    *packets += 1;
}

/// A sighting stands at the packet with which it was complete, as a dissector
/// shows it; what was never complete stands at the flow's first one.
fn entry(of_flow: OfFlow, number: u64, at: Option<Timestamp>) -> Entry {
    let OfFlow { packet, server, heard } = of_flow;
    match heard {
        Heard::Traffic(traffic) => (
            number,
            Ok(Parsed {
                at,
                count: 1,
                traffic,
                address: None,
            }),
        ),
        Heard::Problem { inside, problem } => {
            let to = match inside {
                Some(target) => format!("{target} through {server}"),
                None => server.to_string(),
            };
            (packet, Err(SkipReason::Flow { to, problem }))
        }
    }
}

#[cfg(test)]
mod tests;
