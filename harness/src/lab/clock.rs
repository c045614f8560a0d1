//! The one clock of a lab: it stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proxy_wasm_host::abi::v0_2_1::Clock;
use sluice_policy::Timestamp;

/// The time in every VM of a lab.
#[derive(Debug, Clone)]
pub(super) struct LabClock(Arc<Times>);

#[derive(Debug)]
struct Times {
    start: u64,
    now: AtomicU64,
}

impl LabClock {
    pub(super) fn new(start: Timestamp) -> Self {
        let start = u64::try_from(start.micros()).unwrap_or(0).saturating_mul(1_000);
        Self(Arc::new(Times {
            start,
            now: AtomicU64::new(start),
        }))
    }

    /// Nanoseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.0.now.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, nanos: u64) {
        self.0.now.store(nanos, Ordering::Relaxed);
    }

    /// The time `after` from now.
    pub(super) fn in_future(&self, after: Duration) -> u64 {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        self.now().saturating_add(nanos)
    }
}

impl Clock for LabClock {
    fn realtime_nanos(&self) -> u64 {
        self.now()
    }

    /// An hour ahead of the lab's own age, because a machine that has just
    /// booted is no common case.
    fn monotonic_nanos(&self) -> u64 {
        const HOUR: u64 = 3_600_000_000_000;
        self.now().saturating_sub(self.0.start).saturating_add(HOUR)
    }
}
