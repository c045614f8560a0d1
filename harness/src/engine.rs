//! Decides recorded traffic: through the real `.wasm`, or natively.

pub(crate) mod acts;
mod clock;
pub(crate) mod error;
mod filter;
pub(crate) mod headers;
mod hello;
mod native;
mod properties;
mod setup;
mod shared;
pub(crate) mod stream;
mod verdict;
mod vm;
mod wasm;

pub use acts::{Act, Entry, Level};
pub use error::{Did, EngineError};
pub use filter::CompiledFilter;
pub use hello::client_hello;
pub use native::NativeEngine;
pub use setup::{Resource, Setup};
pub use wasm::WasmEngine;

use std::net::IpAddr;

use sluice_policy::{DecisionRecord, Timestamp};

use crate::recording::Sighting;

/// Something that decides what a filter saw.
///
/// Two of them exist, and they must agree on every sighting: the filter as it
/// is deployed, and the deciding crate called directly.
pub trait Engine {
    /// The decision on `sighting` at the time `at`.
    ///
    /// # Errors
    /// The filter failed, or what it did is not what it said.
    fn decide(&mut self, sighting: &Sighting, at: Timestamp) -> Result<DecisionRecord<'_>, EngineError> {
        self.decide_resolved(sighting, &[], at)
    }

    /// The decision on `sighting`, whose name led to these addresses.
    ///
    /// # Errors
    /// As with [`Engine::decide`].
    fn decide_resolved(
        &mut self,
        sighting: &Sighting,
        resolved: &[IpAddr],
        at: Timestamp,
    ) -> Result<DecisionRecord<'_>, EngineError>;
}
