//! The gRPC calls and streams that guests opened, and what became of them.

mod hub;

use std::time::Duration;

pub use proxy_wasm_host::abi::v0_2_1::GrpcOpenRefusal as Refusal;

pub(super) use self::hub::{Address, Hub, Plug};
use super::VmId;

/// A unary call that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number, which no other call or stream of the lab has.
    pub number: u64,
    /// The VM that made it.
    pub vm: VmId,
    /// The cluster it goes to.
    pub cluster: String,
    /// The gRPC service.
    pub service: String,
    /// The method.
    pub method: String,
    /// The metadata, in order.
    pub metadata: Vec<(String, Vec<u8>)>,
    /// The message.
    pub message: Vec<u8>,
    /// How long the guest waits; the lab does not hold it to that.
    pub timeout: Duration,
}

/// A bidirectional stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcStream {
    /// Its number, which no other call or stream of the lab has.
    pub number: u64,
    /// The VM that opened it.
    pub vm: VmId,
    /// The cluster it goes to.
    pub cluster: String,
    /// The gRPC service.
    pub service: String,
    /// The method.
    pub method: String,
    /// The metadata, in order.
    pub metadata: Vec<(String, Vec<u8>)>,
    /// What the guest has sent, the first first.
    pub sent: Vec<Vec<u8>>,
    /// Whether the guest said that it sends no more.
    pub half_closed: bool,
    /// Whether it is open: neither closed by the server nor given up by the guest.
    pub open: bool,
}

/// How a unary call ends: the reply, or a gRPC status code.
pub type Answer = Result<Vec<u8>, u32>;
