//! What a metered module has counted.

use std::collections::BTreeMap;

use super::meter::FUEL;

/// What was executed, and what the host was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Executed operators, those that only give code its structure left out: what wasmtime calls fuel.
    pub fuel: u64,
    /// Calls by the name of the host's function; those that were not called are not here.
    pub host_calls: BTreeMap<String, u64>,
}

impl Counts {
    pub(super) fn set(&mut self, name: &str, number: u64) {
        match name {
            FUEL => self.fuel = number,
            _ if number > 0 => _ = self.host_calls.insert(name.to_owned(), number),
            _ => {}
        }
    }

    /// What came to it since then.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = Self {
            fuel: self.fuel.saturating_sub(earlier.fuel),
            ..Self::default()
        };
        for (name, calls) in &self.host_calls {
            let before = earlier.host_calls.get(name).copied().unwrap_or_default();
            since.set(name, calls.saturating_sub(before));
        }
        since
    }
}
