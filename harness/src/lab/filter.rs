//! A filter made ready for the lab.

pub use super::instrument::Unfit;
use super::instrument::instrument;
use crate::engine::{CompiledFilter, EngineError};

/// A filter compiled for the lab. A clone shares the code.
#[derive(Debug, Clone)]
pub struct LabFilter(pub(super) CompiledFilter);

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
        Ok(Self(CompiledFilter::from_bytes(&instrument(wasm)?)?))
    }
}
