//! Where a replay takes its engines from: one for each thread.

use crate::engine::{CompiledFilter, Engine, EngineError, NativeEngine, Setup, WasmEngine};

/// A way to decide, with the policy to decide by.
#[derive(Debug, Clone)]
pub enum Backend {
    /// The real filter, one VM for each thread.
    Wasm {
        /// The filter.
        filter: CompiledFilter,
        /// What it is configured with.
        setup: Setup,
    },
    /// The deciding crate alone.
    Native(NativeEngine),
}

impl Backend {
    /// The filter with a policy, which each VM loads for itself.
    #[must_use]
    pub fn wasm(filter: CompiledFilter, setup: Setup) -> Self {
        Self::Wasm { filter, setup }
    }

    /// The deciding crate with a policy, compiled here for all threads.
    ///
    /// # Errors
    /// [`EngineError::Policy`] with every problem of the policy.
    pub fn native(setup: &Setup) -> Result<Self, EngineError> {
        NativeEngine::new(setup).map(Self::Native)
    }

    pub(super) fn engine(&self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(match self {
            Self::Wasm { filter, setup } => Box::new(WasmEngine::new(filter, setup)?),
            Self::Native(engine) => Box::new(engine.clone()),
        })
    }
}
