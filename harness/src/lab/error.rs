//! What goes wrong in a lab.

use proxy_wasm_host::abi::v0_2_1::{Callback, GuestError};

use super::VmId;
use crate::engine::acts::Line;
use crate::engine::error::{causes, said};

/// Why a VM or a root context does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The module cannot be instantiated.
    #[error("not a proxy-wasm 0.2 plugin: {}", causes(.0))]
    Module(#[source] Box<GuestError>),
    /// The filter refused its configuration.
    #[error("the filter refused {callback} for {root_id}{}", said(log))]
    Refused {
        /// The root id.
        root_id: String,
        /// Where it refused: `proxy_on_vm_start` or `proxy_on_configure`.
        callback: Callback,
        /// What it logged about it.
        log: Vec<Line>,
    },
    /// The filter failed while it started.
    #[error("{0}")]
    Trapped(Trap),
    /// The VM is dead.
    #[error("{0} is dead")]
    Dead(VmId),
}

/// A guest trapped, ran out of time or memory, ended itself, or answered what
/// no callback may: its VM is dead from here on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{vm} failed in {callback}: {error}{}", said(log))]
pub struct Trap {
    /// The VM.
    pub vm: VmId,
    /// The callback it happened in.
    pub callback: Callback,
    /// How.
    pub error: String,
    /// What the guest logged in that callback.
    pub log: Vec<Line>,
}

impl Trap {
    pub(super) fn new(vm: VmId, callback: Callback, error: &GuestError, log: Vec<Line>) -> Self {
        let error = causes(error);
        Self {
            vm,
            callback,
            error,
            log,
        }
    }
}
