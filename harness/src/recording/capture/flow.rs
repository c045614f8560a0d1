//! One TCP connection: who its client is, and what is heard of it.

use std::net::SocketAddr;

use super::assembly::Assembly;
use super::packet::Segment;
use crate::recording::talk::{Heard, Talk, is_a_beginning};
use crate::recording::unheard::FlowProblem;

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Flow {
    phase: Phase,
    /// The client's end and the number of its first byte, where its SYN or the answer to it was seen.
    opened: Option<(SocketAddr, u32)>,
    /// The first packet of it, from 1.
    packet: u64,
    /// Where it goes, as far as that is known.
    server: SocketAddr,
}

#[derive(Debug)]
enum Phase {
    /// It began before the capture. Which ends have already sent something that no
    /// client begins with: that of the flow's first packet, and the other.
    Midway([bool; 2]),
    /// Both ends are known.
    Open(Box<Open>),
    /// Nothing more is of interest.
    Over,
}

#[derive(Debug)]
struct Open {
    talk: Talk,
    up: Assembly,
    /// The server's direction, from where its answer to a `CONNECT` begins and
    /// only until that is known.
    down: Option<Assembly>,
}

impl Flow {
    /// A connection of which this is the first segment that was seen.
    pub(super) fn new(segment: &Segment<'_>, packet: u64) -> Self {
        let opened = opening(segment);
        let server = match opened {
            Some((client, _)) if client == segment.to => segment.from,
            _ => segment.to,
        };
        Self {
            phase: match opened {
                Some((_, first)) => Phase::open(server, first),
                None => Phase::Midway([false; 2]),
            },
            opened,
            packet,
            server,
        }
    }

    /// Whether this segment opens another connection between the same ends.
    pub(super) fn is_replaced_by(&self, segment: &Segment<'_>) -> bool {
        // The answer acknowledges the data as well that a SYN may have brought along.
        let most = if segment.acknowledged.is_some() { 0xffff } else { 0 };
        match (opening(segment), self.opened) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some((client, first)), Some((known, begun))) => client != known || first.wrapping_sub(begun) > most,
        }
    }

    /// Its first packet.
    pub(super) fn packet(&self) -> u64 {
        self.packet
    }

    /// Where it goes.
    pub(super) fn server(&self) -> SocketAddr {
        self.server
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        match &self.phase {
            Phase::Open(open) => open.talk.held() + open.up.held() + open.down.as_ref().map_or(0, Assembly::held),
            _ => 0,
        }
    }

    /// Takes a segment of it.
    pub(super) fn hear(&mut self, segment: &Segment<'_>, heard: &mut Vec<Heard>) {
        // A keep-alive probe repeats one byte, which may be any.
        if let Phase::Midway(ruled_out) = &mut self.phase
            && segment.data.len() > 1
        {
            if is_a_beginning(segment.data) {
                self.server = segment.to;
                self.phase = Phase::open(segment.to, segment.sequence);
            } else {
                ruled_out[usize::from(segment.to != self.server)] = true;
                if *ruled_out == [true; 2] {
                    self.finish(heard);
                }
            }
        }
        if let Phase::Open(open) = &mut self.phase {
            if segment.to == self.server {
                open.client(segment, heard);
            } else {
                open.server(segment, heard);
            }
            if open.talk.is_done() {
                self.phase = Phase::Over;
            }
        }
    }

    /// Nothing more of it is to come.
    pub(super) fn finish(&mut self, heard: &mut Vec<Heard>) {
        self.finish_for(None, heard);
    }

    /// It is given up.
    pub(super) fn give_up(&mut self, heard: &mut Vec<Heard>) {
        self.finish_for(Some(FlowProblem::Crowded), heard);
    }

    fn finish_for(&mut self, problem: Option<FlowProblem>, heard: &mut Vec<Heard>) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Midway(ruled_out) if ruled_out.contains(&true) => heard.push(Heard::Problem {
                inside: None,
                problem: FlowProblem::Began,
            }),
            Phase::Open(mut open) => {
                let gap = open.up.has_gap() || open.down.as_ref().is_some_and(Assembly::has_gap);
                match problem.or(gap.then_some(FlowProblem::Gap)) {
                    Some(problem) if open.is_waiting() => open.talk.fail(problem, heard),
                    _ => open.talk.end(heard),
                }
            }
            _ => {}
        }
    }
}

impl Phase {
    fn open(server: SocketAddr, first: u32) -> Self {
        Self::Open(Box::new(Open {
            talk: Talk::new(server.port()),
            up: Assembly::new(first),
            down: None,
        }))
    }
}

impl Open {
    /// Whether it has bytes whose meaning is not known yet.
    fn is_waiting(&self) -> bool {
        self.talk.has_pending() || self.up.has_gap() || self.down.as_ref().is_some_and(Assembly::has_gap)
    }

    fn client(&mut self, segment: &Segment<'_>, heard: &mut Vec<Heard>) {
        let Self { talk, up, down } = self;
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        let taken = up.take(first, segment.data, |bytes| talk.client(bytes, heard));
        if taken.is_err() {
            talk.fail(FlowProblem::Gap, heard);
        } else if is_lacking(segment, up) {
            talk.fail(FlowProblem::Snapped, heard);
        }
        if !talk.hears_server() {
            *down = None;
        } else if down.is_none() {
            // A client waits for the answer, so that is what it gets next.
            *down = segment.acknowledged.map(Assembly::new);
        }
    }

    fn server(&mut self, segment: &Segment<'_>, heard: &mut Vec<Heard>) {
        let Self { talk, up, down } = self;
        if let Some(assembly) = down {
            let taken = assembly.take(segment.sequence, segment.data, |bytes| talk.server(bytes, heard));
            if taken.is_err() {
                talk.fail(FlowProblem::Gap, heard);
            } else if talk.hears_server() && is_lacking(segment, assembly) {
                talk.fail(FlowProblem::Snapped, heard);
            }
            if !talk.hears_server() {
                *down = None;
            }
        } else if up.is_untouched() && !segment.data.is_empty() && segment.acknowledged == Some(up.next()) {
            // Had the client spoken, the server would acknowledge more: then only the capture has missed it.
            talk.server(segment.data, heard);
        }
    }
}

/// Whether the capture lacks bytes of this segment that no other segment has brought.
fn is_lacking(segment: &Segment<'_>, assembly: &Assembly) -> bool {
    let first = segment.sequence.wrapping_add(u32::from(segment.syn));
    let length = u32::try_from(segment.data.len()).unwrap_or(u32::MAX);
    segment.cut && !assembly.is_behind(first.wrapping_add(length))
}

/// The client's end and the number of its first byte, of a SYN or the answer to one.
fn opening(segment: &Segment<'_>) -> Option<(SocketAddr, u32)> {
    match (segment.syn, segment.acknowledged) {
        (true, None) => Some((segment.from, segment.sequence.wrapping_add(1))),
        (true, Some(acknowledged)) => Some((segment.to, acknowledged)),
        _ => None,
    }
}
