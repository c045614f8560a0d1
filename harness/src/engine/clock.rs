//! The time a filter reads: that of the traffic it is shown, not of the replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proxy_wasm_host::abi::v0_2_1::{Clock, SystemClock};
use sluice_policy::Timestamp;

/// A clock that stands still between decisions.
#[derive(Debug, Clone, Default)]
pub(super) struct VirtualClock(Arc<AtomicU64>);

impl VirtualClock {
    /// Times before 1970 read as 1970: the ABI has no sign.
    pub(super) fn set(&self, at: Timestamp) {
        let nanos = u64::try_from(at.micros()).unwrap_or(0).saturating_mul(1_000);
        self.0.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clock for VirtualClock {
    fn realtime_nanos(&self) -> u64 {
        self.nanos()
    }

    /// Never the virtual time, which runs backwards where a recording does.
    fn monotonic_nanos(&self) -> u64 {
        SystemClock.monotonic_nanos()
    }
}
