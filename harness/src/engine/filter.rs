//! The compiled module: made once, shared by every VM of every thread.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proxy_wasm_host::abi::v0_2_1::{Guest, GuestError, Host, VmServices};
use proxy_wasm_host::{Engine, EngineConfig, Error, Limits, Module};

use super::EngineError;
use crate::lab::instrument::instrument;

/// Loading a policy of a million rules takes seconds, and longer on a busy
/// machine. This stops a filter that loops, nothing else.
const CALL_TIME: Duration = Duration::from_secs(60);
const EPOCH: Duration = Duration::from_millis(250);

/// A filter compiled for this machine. A clone shares the code.
#[derive(Debug, Clone)]
pub struct CompiledFilter(Arc<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    host: Host,
    module: Module,
    limits: Limits,
    wasm: Arc<[u8]>,
    /// Made when it is needed.
    rewritten: Arc<Mutex<Option<CompiledFilter>>>,
}

impl CompiledFilter {
    /// The filter this crate was built with.
    ///
    /// # Errors
    /// [`EngineError::Module`] if this machine cannot run it.
    pub fn embedded() -> Result<Self, EngineError> {
        Self::from_bytes(crate::FILTER_WASM)
    }

    /// A filter from a file.
    ///
    /// # Errors
    /// [`EngineError::Unreadable`], [`EngineError::Module`].
    pub fn from_file(path: &Path) -> Result<Self, EngineError> {
        let bytes = fs::read(path).map_err(|error| EngineError::Unreadable {
            path: path.to_path_buf(),
            error,
        })?;
        Self::from_bytes(&bytes)
    }

    /// A filter from the bytes of its module.
    ///
    /// # Errors
    /// [`EngineError::Module`] if they are no proxy-wasm plugin.
    pub fn from_bytes(wasm: &[u8]) -> Result<Self, EngineError> {
        Self::compile(wasm).map_err(|error| EngineError::Module(Box::new(error.into())))
    }

    /// The same filter with less time for one call, for what should take no time.
    #[must_use]
    pub fn with_call_time(mut self, time: Duration) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        parts.limits = parts.limits.clone().with_cpu_time(time);
        parts.rewritten = Arc::default();
        self
    }

    fn compile(wasm: &[u8]) -> Result<Self, Error> {
        let engine: Engine = EngineConfig::new().with_epoch_period(EPOCH).build()?;
        Ok(Self(Arc::new(Parts {
            host: Host::new(&engine)?,
            module: Module::new(&engine, wasm)?,
            // Envoy bounds the memory of a module by its 32-bit addresses alone.
            limits: Limits::new().with_cpu_time(CALL_TIME).with_memory_bytes(None),
            wasm: wasm.into(),
            rewritten: Arc::default(),
        })))
    }

    /// The same filter, for plugins that act on contexts of another plugin of
    /// their VM: the ABI crate does not let a module do that unless it is rewritten.
    pub(super) fn across_plugins(&self) -> Result<Self, EngineError> {
        let mut rewritten = self.0.rewritten.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rewritten) = &*rewritten {
            return Ok(rewritten.clone());
        }
        let mut filter = Self::from_bytes(&instrument(&self.0.wasm)?)?;
        Arc::make_mut(&mut filter.0).limits = self.0.limits.clone();
        *rewritten = Some(filter.clone());
        Ok(filter)
    }

    pub(crate) fn instance(&self, services: VmServices) -> Result<Guest, GuestError> {
        Guest::new(&self.0.host, &self.0.module, services, &self.0.limits)
    }
}
