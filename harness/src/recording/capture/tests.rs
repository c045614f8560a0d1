//! That no table grows with a capture. What is seen in one is tested in `tests/captures`.

use std::io::{self, Read};

use super::*;
use crate::recording::unheard::FlowProblem;

/// A capture of this many flows that is made while it is read: each sends a SYN
/// and the first `data` bytes of a request, and never more.
struct Endless {
    flows: u32,
    made: u32,
    data: usize,
    buffer: Vec<u8>,
    used: usize,
}

impl Endless {
    fn new(flows: u32, data: usize) -> Self {
        let mut header = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        header.extend([0; 8]);
        header.extend([0, 0, 4, 0, 101, 0, 0, 0]);
        Self {
            flows,
            made: 0,
            data,
            buffer: header,
            used: 0,
        }
    }

    /// A packet on a raw IP link, from a client whose address and port say which flow it is.
    fn packet(&mut self, flags: u8, sequence: u32, data: &[u8]) {
        let length = 40 + u32::try_from(data.len()).unwrap();
        for word in [self.made, 0, length, length] {
            self.buffer.extend(word.to_le_bytes());
        }
        let total = u16::try_from(length).unwrap().to_be_bytes();
        self.buffer
            .extend([0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0]);
        self.buffer.extend((0x0a00_0000 + self.made / 50_000).to_be_bytes());
        self.buffer.extend([192, 0, 2, 1]);
        self.buffer
            .extend(u16::try_from(1_000 + self.made % 50_000).unwrap().to_be_bytes());
        self.buffer.extend([0, 80]);
        self.buffer.extend(sequence.to_be_bytes());
        self.buffer.extend([0, 0, 0, 0, 5 << 4, flags, 0, 0, 0, 0, 0, 0]);
        self.buffer.extend(data);
    }
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() && self.made < self.flows {
            self.buffer.clear();
            self.used = 0;
            self.packet(0x02, 9, b"");
            let mut data = b"GET / HTTP/1.1\r\nCookie: ".to_vec();
            data.resize(self.data.max(data.len()), b'x');
            self.packet(0x10, 10, &data);
            // and something that comes too early
            self.packet(0x10, 10_000 + u32::try_from(self.data).unwrap(), &data);
            self.made += 1;
        }
        let read = (&self.buffer[self.used..]).read(into)?;
        self.used += read;
        Ok(read)
    }
}

/// Reads all, and how many entries there were and what the tables held at most.
fn read(mut capture: Capture<Endless>) -> (usize, (usize, usize)) {
    let (mut entries, mut most) = (0, (0, 0));
    let mut ready = 0;
    while let Some((_, entry)) = capture.next().unwrap() {
        let reason = entry.err().unwrap();
        let crowded = matches!(
            reason,
            SkipReason::Flow {
                problem: FlowProblem::Crowded | FlowProblem::Gap,
                ..
            }
        );
        assert!(crowded, "{reason}");
        entries += 1;
        let (flows, bytes) = capture.flows.size();
        most = (most.0.max(flows), most.1.max(bytes));
        if !capture.ended {
            ready = ready.max(capture.ready.len());
        }
    }
    assert!(ready <= 1, "entries are handed on as they are found");
    assert_eq!(capture.flows.size(), (0, 0));
    (entries, most)
}

#[test]
fn a_flood_of_flows_stays_within_the_limit_of_flows() {
    let limits = Limits {
        flows: 100,
        bytes: usize::MAX,
    };
    let (entries, (flows, _)) = read(Capture::with_limits(Endless::new(60_000, 60), limits));
    assert_eq!((entries, flows), (60_000, 100));
}

#[test]
fn flows_that_hold_much_stay_within_the_limit_of_bytes() {
    let limits = Limits {
        flows: usize::MAX - 1,
        bytes: 1 << 20,
    };
    let (entries, (flows, bytes)) = read(Capture::with_limits(Endless::new(3_000, 8_000), limits));
    assert_eq!(entries, 3_000);
    assert!(flows < 100 && bytes <= 1 << 20, "{flows} {bytes}");
}
