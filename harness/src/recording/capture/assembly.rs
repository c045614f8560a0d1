//! Puts the segments of one direction of a TCP connection in order.

use std::collections::BTreeMap;

/// The most that is kept of segments that came too early. A sender has at most
/// its window under way, and only while one segment is lost.
const MOST_AHEAD: usize = 1 << 20;

/// What keeping a segment costs beside its bytes, so that many tiny ones count.
const OVERHEAD: usize = 96;

/// Beyond this no receiver would keep a segment: it belongs to something else.
const WINDOW: i32 = 16 << 20;

/// One direction.
#[derive(Debug)]
pub(super) struct Assembly {
    /// The sequence number of the next byte.
    next: u32,
    /// How many bytes came before it.
    position: u64,
    /// What came too early, by its place in the stream; nothing in it overlaps.
    ahead: BTreeMap<u64, Vec<u8>>,
    held: usize,
}

/// More came too early than is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooFarAhead;

impl Assembly {
    /// A direction whose next byte has this sequence number.
    pub(super) fn new(next: u32) -> Self {
        Self {
            next,
            position: 0,
            ahead: BTreeMap::new(),
            held: 0,
        }
    }

    /// The sequence number of the next byte.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Whether nothing has come yet, not even something too early.
    pub(super) fn is_untouched(&self) -> bool {
        self.position == 0 && self.ahead.is_empty()
    }

    /// Whether it waits for bytes before others that it has.
    pub(super) fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether a segment that ends in front of this number says nothing new.
    pub(super) fn is_behind(&self, end: u32) -> bool {
        distance(self.next, end) < 0
    }

    /// Takes a segment and hands on what is in order now. Of bytes that come twice
    /// the first are right: they are what the receiver has already handed on.
    pub(super) fn take(
        &mut self,
        sequence: u32,
        data: &[u8],
        mut hand_on: impl FnMut(&[u8]),
    ) -> Result<(), TooFarAhead> {
        let distance = distance(self.next, sequence);
        if distance > WINDOW {
            return Ok(());
        }
        let known = usize::try_from(distance.saturating_neg()).unwrap_or(0);
        let Some(data) = data.get(known..).filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        if distance <= 0 && self.ahead.is_empty() {
            self.advance(data.len());
            hand_on(data);
            return Ok(());
        }
        let start = self.position + u64::try_from(distance).unwrap_or(0);
        self.keep(start, data);
        while let Some(first) = self.ahead.first_entry().filter(|first| *first.key() == self.position) {
            let data = first.remove();
            self.held -= data.len() + OVERHEAD;
            self.advance(data.len());
            hand_on(&data);
        }
        if self.held > MOST_AHEAD {
            return Err(TooFarAhead);
        }
        Ok(())
    }

    /// Keeps what of `data` is not there yet.
    fn keep(&mut self, mut start: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let before = self.ahead.range(..=start).next_back();
            let known = before.map_or(0, |(at, bytes)| (at + bytes.len() as u64).saturating_sub(start));
            let known = usize::try_from(known).map_or(data.len(), |known| known.min(data.len()));
            data = &data[known..];
            start += known as u64;
            let after = self.ahead.range(start..).next();
            let room = after.map_or(data.len() as u64, |(at, _)| at - start);
            let room = usize::try_from(room).map_or(data.len(), |room| room.min(data.len()));
            let (new, rest) = data.split_at(room);
            if !new.is_empty() {
                self.held += new.len() + OVERHEAD;
                self.ahead.insert(start, new.to_vec());
            }
            start += room as u64;
            data = rest;
        }
    }

    fn advance(&mut self, length: usize) {
        self.position += length as u64;
        // The number of a byte is its place modulo 2³².
        self.next = self.next.wrapping_add(u32::try_from(length).unwrap_or(0));
    }
}

/// How far `to` is ahead of `from`, which may be on the other side of where the numbers wrap.
fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"the quick brown fox";

    /// What comes out of these segments of `TEXT` (or of something else), and whether a gap is left.
    fn assembled(first: u32, segments: &[(u32, &[u8])]) -> (String, bool) {
        let mut assembly = Assembly::new(first);
        let mut out = Vec::new();
        for (at, data) in segments {
            let taken = assembly.take(first.wrapping_add(*at), data, |bytes| out.extend_from_slice(bytes));
            assert_eq!(taken, Ok(()));
        }
        if !assembly.has_gap() {
            assert_eq!(assembly.held(), 0);
        }
        (String::from_utf8(out).unwrap(), assembly.has_gap())
    }

    #[test]
    fn segments_come_out_in_order_whatever_the_first_number() {
        let whole = String::from_utf8(TEXT.to_vec()).unwrap();
        for first in [0, 7, u32::MAX - 3, u32::MAX, i32::MAX as u32 - 2] {
            for segments in [
                &[(0, &TEXT[..5]), (5, &TEXT[5..])][..],
                &[(5, &TEXT[5..]), (0, &TEXT[..5])],
                &[(10, &TEXT[10..]), (5, &TEXT[5..10]), (0, &TEXT[..5])],
                // again, and with more than before
                &[(0, &TEXT[..5]), (0, &TEXT[..5]), (0, TEXT)],
                &[(3, &TEXT[3..8]), (5, &TEXT[5..]), (0, &TEXT[..12])],
                // one that bridges several gaps
                &[(2, &TEXT[2..4]), (8, &TEXT[8..10]), (0, TEXT)],
            ] {
                assert_eq!(
                    assembled(first, segments),
                    (whole.clone(), false),
                    "{first} {segments:?}"
                );
            }
        }
    }

    #[test]
    fn the_first_of_two_overlapping_bytes_is_right() {
        for (segments, expected) in [
            (&[(0, &b"abc"[..]), (0, b"XYZdef")][..], "abcdef"),
            (&[(2, b"cd"), (0, b"abXYef")], "abcdef"),
            (&[(2, b"cd"), (1, b"bXYe"), (0, b"a")], "abcde"),
        ] {
            assert_eq!(assembled(9, segments), (expected.to_owned(), false));
        }
    }

    #[test]
    fn a_gap_holds_back_what_is_behind_it() {
        assert_eq!(assembled(1, &[(0, b"ab"), (3, b"d")]), ("ab".to_owned(), true));
    }

    #[test]
    fn what_comes_too_early_is_bounded() {
        let mut assembly = Assembly::new(0);
        let mut kept = 0;
        while assembly.take(2 + kept * 2, b"x", |_| panic!("nothing is in order")) == Ok(()) {
            kept += 1;
            assert!(assembly.held() <= MOST_AHEAD);
        }
        assert_eq!(usize::try_from(kept).unwrap(), MOST_AHEAD / (1 + OVERHEAD));
        let far = Assembly::new(0).take(WINDOW.cast_unsigned() + 1, b"x", |_| panic!("it is in no window"));
        assert_eq!(far, Ok(()));
    }
}
