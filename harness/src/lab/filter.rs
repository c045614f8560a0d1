//! A filter made ready for the lab.

use std::sync::Arc;

pub use super::instrument::Unfit;
use super::instrument::{counters, instrument};
use super::meter::metered;
use crate::engine::{CompiledFilter, EngineError};

/// A filter compiled for the lab. A clone shares the code.
#[derive(Debug, Clone)]
pub struct LabFilter {
    pub(super) compiled: CompiledFilter,
    /// The names of what it counts.
    pub(super) counters: Arc<[String]>,
}

/// Why there is no filter for the lab.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The lab cannot run such a module.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It is no proxy-wasm plugin.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl LabFilter {
    /// The filter this crate was built with.
    ///
    /// # Errors
    /// [`FilterError`] if this machine cannot run it.
    pub fn embedded() -> Result<Self, FilterError> {
        Self::from_bytes(crate::FILTER_WASM)
    }

    /// A filter from the bytes of its module.
    ///
    /// # Errors
    /// [`FilterError`] if they are no proxy-wasm plugin.
    pub fn from_bytes(wasm: &[u8]) -> Result<Self, FilterError> {
        Ok(Self {
            compiled: CompiledFilter::from_bytes(&instrument(wasm)?)?,
            counters: counters(wasm)?.into(),
        })
    }

    /// The filter this crate was built with, which counts what it does: see [`Lab::counted`](super::Lab::counted).
    ///
    /// # Errors
    /// [`FilterError`] if this machine cannot run it.
    pub fn metered() -> Result<Self, FilterError> {
        Self::from_bytes(&metered(crate::FILTER_WASM, false)?)
    }

    /// A filter from the bytes of its module, which counts for each of its functions too, by the names that its
    /// module has for them.
    ///
    /// # Errors
    /// [`FilterError`] if they are no proxy-wasm plugin.
    pub fn metered_by_function(wasm: &[u8]) -> Result<Self, FilterError> {
        Self::from_bytes(&metered(wasm, true)?)
    }
}
