//! Shared data, with the numbers that guard a write.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use proxy_wasm_host::abi::v0_2_1::SharedValue;
use proxy_wasm_host::abi::v0_2_1::types::Status;

use super::Key;

/// Shared data as Envoy keeps it: without bounds, and with one row of numbers
/// for all keys.
#[derive(Debug, Default)]
pub(in crate::lab) struct SharedData {
    values: BTreeMap<Key, SharedValue>,
    last_cas: u32,
}

impl SharedData {
    pub(in crate::lab) fn get(&self, key: &Key) -> Option<SharedValue> {
        self.values.get(key).cloned()
    }

    pub(in crate::lab) fn under(&self, vm_id: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.values
            .iter()
            .filter(|((owner, _), _)| owner == vm_id)
            .map(|((_, key), held)| (key.clone(), held.bytes.clone()))
            .collect()
    }

    /// A number guards a value that is there; where there is none, Envoy
    /// writes whatever the number.
    pub(in crate::lab) fn set(&mut self, key: Key, value: &[u8], cas: Option<u32>) -> Result<(), Status> {
        let held = self.values.get(&key).map(|held| held.cas.get());
        if let (Some(held), Some(given)) = (held, cas)
            && held != given
        {
            return Err(Status::CasMismatch);
        }
        self.last_cas = self.last_cas.checked_add(1).unwrap_or(1);
        let cas = NonZeroU32::new(self.last_cas).unwrap_or(NonZeroU32::MIN);
        self.values.insert(key, SharedValue::new(value.to_vec(), cas));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_succeeds_for_whoever_read_last() {
        let mut data = SharedData::default();
        let key = || (b"vm".to_vec(), b"k".to_vec());
        assert_eq!(data.get(&key()), None);
        data.set(key(), b"one", Some(77)).unwrap();
        let read = data.get(&key()).unwrap();
        data.set(key(), b"two", Some(read.cas.get())).unwrap();
        assert_eq!(
            data.set(key(), b"three", Some(read.cas.get())),
            Err(Status::CasMismatch)
        );
        assert_eq!(data.get(&key()).unwrap().bytes, b"two");
        data.set(key(), b"four", None).unwrap();
        assert_eq!(data.get(&(b"other".to_vec(), b"k".to_vec())), None);
    }
}
