//! TCP sessions: each end keeps its place in the stream.

use std::net::SocketAddr;

use super::packet::{ACK, FIN, SYN, Segment};

/// One TCP connection.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    client: SocketAddr,
    server: SocketAddr,
    up: u32,
    down: u32,
}

impl Session {
    /// From a client to a server, with first sequence numbers that are near their end.
    pub(crate) fn new(client: &str, server: &str) -> Self {
        Self {
            client: client.parse().unwrap(),
            server: server.parse().unwrap(),
            up: u32::MAX - 20,
            down: u32::MAX - 10,
        }
    }

    /// With this first sequence number of the client.
    pub(crate) fn starting_at(self, up: u32) -> Self {
        Self { up, ..self }
    }

    /// The three segments that open it.
    pub(crate) fn open(&mut self) -> Vec<Segment> {
        let syn = self.segment(true, SYN, &[]);
        self.up = self.up.wrapping_add(1);
        let answer = self.segment(false, SYN | ACK, &[]);
        self.down = self.down.wrapping_add(1);
        vec![syn, answer, self.segment(true, ACK, &[])]
    }

    /// The client says something.
    pub(crate) fn client(&mut self, data: &[u8]) -> Segment {
        let segment = self.segment(true, ACK, data);
        self.up = self.up.wrapping_add(u32::try_from(data.len()).unwrap());
        segment
    }

    /// The server says something.
    pub(crate) fn server(&mut self, data: &[u8]) -> Segment {
        let segment = self.segment(false, ACK, data);
        self.down = self.down.wrapping_add(u32::try_from(data.len()).unwrap());
        segment
    }

    /// The client says something in segments of this size.
    pub(crate) fn client_in(&mut self, size: usize, data: &[u8]) -> Vec<Segment> {
        data.chunks(size).map(|part| self.client(part)).collect()
    }

    /// Both say that they are done.
    pub(crate) fn close(&mut self) -> Vec<Segment> {
        vec![self.segment(true, ACK | FIN, &[]), self.segment(false, ACK | FIN, &[])]
    }

    fn segment(&self, up: bool, flags: u8, data: &[u8]) -> Segment {
        let (from, to, sequence, acknowledged) = if up {
            (self.client, self.server, self.up, self.down)
        } else {
            (self.server, self.client, self.down, self.up)
        };
        Segment {
            from,
            to,
            sequence,
            acknowledged: if flags & ACK == 0 { 0 } else { acknowledged },
            flags,
            data: data.to_vec(),
        }
    }
}
