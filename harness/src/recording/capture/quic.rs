//! Counts QUIC connections: no filter of ours sees UDP.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::net::SocketAddr;

use hashlink::LruCache;

use super::flows::Ends;

/// The most connections that are remembered, so that the later packets of one do not count again.
const MOST_CONNECTIONS: usize = 1 << 16;

/// The most servers that are counted each for itself.
const MOST_SERVERS: usize = 1 << 12;

/// The connections to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unseen {
    /// The first packet of them.
    pub(super) packet: u64,
    /// The server; nothing for all those that came too late to be counted each for itself.
    pub(super) server: Option<SocketAddr>,
    /// How many there were.
    pub(super) connections: u64,
}

/// The QUIC connections of a capture.
pub(super) struct Quic {
    known: LruCache<Ends, (), RandomState>,
    servers: BTreeMap<SocketAddr, Unseen>,
    others: Option<Unseen>,
}

impl Quic {
    pub(super) fn new() -> Self {
        Self {
            known: LruCache::with_hasher(MOST_CONNECTIONS, RandomState::new()),
            servers: BTreeMap::new(),
            others: None,
        }
    }

    /// Looks at a datagram. One pair of ends is one connection: connection ids
    /// change in its course, and clients open each connection from a port of its own.
    pub(super) fn take(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8], packet: u64) {
        // The first initial packet of a connection is its client's.
        if !is_initial(data) || self.known.insert(Ends::of(from, to), ()).is_some() {
            return;
        }
        let first = |server| Unseen {
            packet,
            server,
            connections: 0,
        };
        let full = self.servers.len() >= MOST_SERVERS;
        let unseen = if full && !self.servers.contains_key(&to) {
            self.others.get_or_insert_with(|| first(None))
        } else {
            self.servers.entry(to).or_insert_with(|| first(Some(to)))
        };
        unseen.connections += 1;
    }

    /// All that were counted.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Unseen> {
        let servers = std::mem::take(&mut self.servers);
        servers.into_values().chain(self.others.take())
    }
}

/// Whether a datagram begins with an initial packet of QUIC version 1 or 2, or a draft of version 1.
fn is_initial(data: &[u8]) -> bool {
    /// The connection id may be no longer.
    const LONGEST_ID: u8 = 20;
    let [first, version @ .., id_length] = data.first_chunk::<6>().copied().unwrap_or_default();
    let kind = first >> 4;
    let of_kind = match u32::from_be_bytes(version) {
        // Long header with the fixed bit, and the two bits of the packet's type.
        1 | 0xff00_001d..=0xff00_0022 => kind == 0b1100,
        0x6b33_43cf => kind == 0b1101,
        _ => false,
    };
    of_kind && id_length <= LONGEST_ID
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], port))
    }

    #[test]
    fn initial_packets_are_told_from_other_datagrams() {
        for (data, expected) in [
            (&b"\xc3\0\0\0\x01\x08connect!"[..], true),
            (b"\xc0\xff\0\0\x1d\x14connection identifie", true),
            (b"\xd0\x6b\x33\x43\xcf\x00", true),
            // a handshake packet, a 0-RTT packet, a short header, another version, too long an id
            (b"\xe0\0\0\0\x01\x08connect!", false),
            (b"\xd0\0\0\0\x01\x08connect!", false),
            (b"\x40\0\0\0\x01\x08connect!", false),
            (b"\xc0\0\0\0\x00\x08connect!", false),
            (b"\xc0\0\0\0\x01\x15connect!", false),
            (b"\xc0\0\0\0", false),
            (b"", false),
        ] {
            assert_eq!(is_initial(data), expected, "{}", data.escape_ascii());
        }
    }

    #[test]
    fn a_flood_of_connections_is_counted_in_bounded_tables() {
        const INITIAL: &[u8] = b"\xc3\0\0\0\x01\x08connect!";
        let mut quic = Quic::new();
        let client = address(1, 50_000);
        for packet in 0..200_000_u32 {
            let server = SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0000 + packet / 2), 443));
            // once from the client and once from the server
            let (from, to) = if packet % 2 == 0 {
                (client, server)
            } else {
                (server, client)
            };
            quic.take(from, to, INITIAL, u64::from(packet) + 1);
        }
        assert_eq!(quic.servers.len(), MOST_SERVERS);
        assert!(quic.known.len() <= MOST_CONNECTIONS);
        let all: Vec<Unseen> = quic.finish().collect();
        assert_eq!(all.len(), MOST_SERVERS + 1);
        assert_eq!(all.iter().map(|unseen| unseen.connections).sum::<u64>(), 100_000);
        assert_eq!(all.last().unwrap().server, None);
    }
}
