//! How long to wait before something is tried again.

/// Waits longer with every failure in a row, each VM a little differently, so
/// that a collector which comes back is not met by all of them at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    until: u64,
    random: u64,
}

const MILLISECOND: u64 = 1_000_000;
const FIRST: u64 = 100 * MILLISECOND;
const LONGEST: u64 = 10_000 * MILLISECOND;

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            until: 0,
            // Zero would stay zero.
            random: seed | 1,
        }
    }

    /// Whether the wait is over.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        now >= self.until
    }

    /// Begins a wait.
    pub(crate) fn failed(&mut self, now: u64) {
        let longest = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // xorshift64: enough to spread them out.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half = longest / 2;
        let jitter = self.random.checked_rem(half).unwrap_or(0);
        self.until = now.saturating_add(half).saturating_add(jitter);
    }

    /// Ends the wait, and remembers the failures.
    pub(crate) fn hurry(&mut self) {
        self.until = 0;
    }

    /// It works again.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.until = 0;
    }

    /// How often in a row it has failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_differ() {
        let mut one = Backoff::new(2);
        let mut other = Backoff::new(3_141_592_653);
        let (mut now, mut waits, mut differ) = (0, Vec::new(), false);
        for _ in 0..20 {
            one.failed(now);
            other.failed(now);
            differ |= one.until != other.until;
            assert!(!one.is_over(now));
            waits.push(one.until - now);
            now = one.until;
            assert!(one.is_over(now));
        }
        assert!(differ);
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST, "{waits:?}");
        assert!(waits.iter().all(|&wait| wait <= LONGEST), "{waits:?}");
        assert!(waits[19] >= LONGEST / 2, "{waits:?}");
        one.succeeded();
        assert!(one.is_over(0));
    }
}
