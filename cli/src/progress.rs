//! A progress bar for work that takes long enough to wonder.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sluice_harness::progress::Progress;

/// Work that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar on stderr, if that is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    begun: OnceLock<Instant>,
    terminal: bool,
}

impl Bar {
    /// A bar that is not shown yet.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::hidden();
        // The template is a constant; a mistake in it would leave the plain bar.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} ({per_sec}, {eta} left)")
        {
            bar.set_style(style);
        }
        Self {
            bar,
            begun: OnceLock::new(),
            terminal: io::stderr().is_terminal(),
        }
    }
}

impl Progress for Bar {
    fn begin(&self, entries: usize) {
        self.begun.get_or_init(Instant::now);
        self.bar.reset();
        self.bar.set_length(entries.try_into().unwrap_or(u64::MAX));
    }

    fn advance(&self, entries: usize) {
        self.bar.inc(entries.try_into().unwrap_or(u64::MAX));
        let long = self.begun.get().is_some_and(|begun| begun.elapsed() > PATIENCE);
        if self.terminal && long && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// Whatever comes after it on the terminal begins on a clean line.
impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
