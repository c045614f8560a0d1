//! How far a replay, or the reading of a recording, has come, for whoever wants to show it.

/// Told how far a replay has come, from several threads at once, or the reading of a recording.
pub trait Progress: Sync {
    /// It is about to decide this many entries, or to read this many bytes.
    fn begin(&self, entries: usize);
    /// It has decided or read this many more.
    fn advance(&self, entries: usize);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn advance(&self, _: usize) {}
}
