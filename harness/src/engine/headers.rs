//! Headers as a filter finds them, which record what it changes in them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use proxy_wasm_host::abi::v0_2_1::Callback;
use proxy_wasm_host::{HeaderMap, NotAllowed, PairVisitor, VecHeaderMap};

use super::acts::{Act, Journal};

/// Headers that record what a filter changes in them.
#[derive(Debug)]
pub(crate) struct Headers {
    map: VecHeaderMap,
    /// The callback that asked for the headers last.
    pub(crate) during: Option<Callback>,
    journal: Journal,
}

impl Headers {
    pub(crate) fn new(journal: &Journal) -> Self {
        Self {
            map: VecHeaderMap::default(),
            during: None,
            journal: journal.clone(),
        }
    }

    pub(crate) fn fill(&mut self, pairs: Vec<(Vec<u8>, Vec<u8>)>) {
        self.map = VecHeaderMap::from(pairs);
    }

    pub(crate) fn clear(&mut self) {
        self.map = VecHeaderMap::default();
    }

    pub(crate) fn value(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.map.get(name).map(Cow::into_owned)
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.map.len()).unwrap_or(u32::MAX)
    }

    fn changed(&self, name: &[u8], value: Option<&[u8]>) {
        let name = name.to_vec();
        let value = value.map(<[u8]>::to_vec);
        self.journal.add(self.during, Act::SetHeader { name, value });
    }
}

impl HeaderMap for Headers {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.map.get(key)
    }

    fn for_each_pair(&self, f: &mut PairVisitor<'_>) -> ControlFlow<()> {
        self.map.for_each_pair(f)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), NotAllowed> {
        self.changed(key, Some(value));
        self.map.set(key, value)
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), NotAllowed> {
        self.changed(key, Some(value));
        self.map.add(key, value)
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), NotAllowed> {
        self.changed(key, None);
        self.map.remove(key)
    }

    fn replace_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<(), NotAllowed> {
        for (name, value) in pairs {
            self.changed(name, Some(value));
        }
        self.map.replace_all(pairs)
    }
}
