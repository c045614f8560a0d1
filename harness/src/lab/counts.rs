//! What a metered module has counted.

use std::collections::BTreeMap;

use super::meter::{FUEL, FUNCTION};

/// What was executed, and what the host was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Executed operators, those that only give code its structure left out: what wasmtime calls fuel.
    pub fuel: u64,
    /// Calls by the name of the host's function; those that were not called are not here.
    pub host_calls: BTreeMap<String, u64>,
    /// How much of the fuel which function spent itself, if that was asked for.
    pub functions: BTreeMap<String, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, name: &str, number: u64) {
        let counter = match name.strip_prefix(FUNCTION) {
            _ if number == 0 => return,
            _ if name == FUEL => &mut self.fuel,
            Some(function) => self.functions.entry(function.to_owned()).or_default(),
            None => self.host_calls.entry(name.to_owned()).or_default(),
        };
        *counter = counter.saturating_add(number);
    }

    /// What came to it since then.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            fuel: self.fuel.saturating_sub(earlier.fuel),
            host_calls: risen(&self.host_calls, &earlier.host_calls),
            functions: risen(&self.functions, &earlier.functions),
        }
    }
}

fn risen(now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let all = now.iter().map(|(name, number)| {
        let before = before.get(name).copied().unwrap_or_default();
        (name.clone(), number.saturating_sub(before))
    });
    all.filter(|(_, number)| *number > 0).collect()
}
