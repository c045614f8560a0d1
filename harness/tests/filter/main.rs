//! What the filter promises about events and live policies, held by the real
//! `.wasm` in a process of several VMs whose clock, collector and policy
//! service are in the hands of the tests.

mod configuration;
mod delivery;
mod garbage;
mod hold;
mod hostile;
mod hosts;
mod live;
mod records;
mod shared;
