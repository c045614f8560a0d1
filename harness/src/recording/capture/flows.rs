//! All TCP connections of a capture, as many at once as fit into a bounded table.

use std::collections::hash_map::RandomState;
use std::net::SocketAddr;

use hashlink::LruCache;

use super::flow::Flow;
use super::packet::Segment;
use crate::recording::talk::Heard;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most flows at once. Those that were decided stay until they are the
    /// oldest, so that what follows in them is not taken for a new one.
    pub(super) flows: usize,
    /// The most bytes of all flows together that wait for others.
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 1 << 16,
            bytes: 64 << 20,
        }
    }
}

/// Something heard of a flow.
#[derive(Debug)]
pub(super) struct OfFlow {
    /// The flow's first packet.
    pub(super) packet: u64,
    /// Where it goes.
    pub(super) server: SocketAddr,
    /// What was heard.
    pub(super) heard: Heard,
}

/// Both ends of a connection, the smaller one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends(SocketAddr, SocketAddr);

impl Ends {
    pub(super) fn of(one: SocketAddr, other: SocketAddr) -> Self {
        Self(one.min(other), one.max(other))
    }
}

/// The flows, the one that was silent longest first.
pub(super) struct Flows {
    limits: Limits,
    table: LruCache<Ends, Flow, RandomState>,
    held: usize,
}

impl Flows {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            // One more than the limit, so that the table itself never drops one unheard.
            table: LruCache::with_hasher(limits.flows.saturating_add(1), RandomState::new()),
            held: 0,
        }
    }

    /// Takes the segment that is in this packet.
    pub(super) fn take(&mut self, segment: &Segment<'_>, packet: u64, found: &mut Vec<OfFlow>) {
        let ends = Ends::of(segment.from, segment.to);
        if self.table.peek(&ends).is_some_and(|flow| flow.is_replaced_by(segment))
            && let Some(flow) = self.table.remove(&ends)
        {
            self.close(flow, Flow::finish, found);
        }
        if !self.table.contains_key(&ends) {
            if segment.data.is_empty() && !segment.syn {
                return;
            }
            self.table.insert(ends, Flow::new(segment, packet));
        }
        if let Some(flow) = self.table.get_mut(&ends) {
            let before = flow.held();
            let mut heard = Vec::new();
            flow.hear(segment, &mut heard);
            self.held = self.held - before + flow.held();
            found.extend(named(flow, heard));
        }
        while self.table.len() > self.limits.flows || self.held > self.limits.bytes {
            match self.table.remove_lru() {
                Some((_, flow)) => self.close(flow, Flow::give_up, found),
                None => break,
            }
        }
    }

    /// Nothing more is to come of any flow.
    pub(super) fn finish(&mut self, found: &mut Vec<OfFlow>) {
        while let Some((_, flow)) = self.table.remove_lru() {
            self.close(flow, Flow::finish, found);
        }
    }

    fn close(&mut self, mut flow: Flow, how: impl FnOnce(&mut Flow, &mut Vec<Heard>), found: &mut Vec<OfFlow>) {
        self.held -= flow.held();
        let mut heard = Vec::new();
        how(&mut flow, &mut heard);
        found.extend(named(&flow, heard));
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.table.len(), self.held)
    }
}

fn named(flow: &Flow, heard: Vec<Heard>) -> impl Iterator<Item = OfFlow> {
    let (packet, server) = (flow.packet(), flow.server());
    heard.into_iter().map(move |heard| OfFlow { packet, server, heard })
}
