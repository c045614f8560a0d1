//! Ctrl-C: the step that runs is the last one, and everything is taken down in order.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::Failed;
use crate::RUNTIME;

static HEARD: AtomicBool = AtomicBool::new(false);

/// From now on a signal no longer ends the process at once.
pub(super) fn listen() {
    let _context = RUNTIME.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut heard = signal(kind).expect("these signals can be listened for");
        RUNTIME.spawn(async move {
            while heard.recv().await.is_some() {
                HEARD.store(true, Ordering::SeqCst);
            }
        });
    }
}

/// Whether to go on.
pub(super) fn check() -> Result<(), Failed> {
    match HEARD.load(Ordering::SeqCst) {
        true => Err(Failed::new("stopped before its end")),
        false => Ok(()),
    }
}
