//! What a guest hears of its gRPC calls and streams.

use proxy_wasm_host::abi::v0_2_1::{Callback, GrpcStatus};

use super::{Gone, Vm};
use crate::lab::grpc::Address;

impl Vm {
    /// A message: the answer to a call, or one of many on a stream.
    pub(in crate::lab) fn grpc_receive(&mut self, to: Address, message: Vec<u8>) -> Result<(), Gone> {
        let Address { context, callout } = to;
        self.call(Callback::GrpcReceive, context, |scope| {
            scope.on_grpc_receive(context, callout, message.into())
        })?;
        self.after()
    }

    /// The end of a stream, or of a call without an answer.
    pub(in crate::lab) fn grpc_close(&mut self, to: Address, code: u32) -> Result<(), Gone> {
        let Address { context, callout } = to;
        self.call(Callback::GrpcClose, context, |scope| {
            scope.on_grpc_close(context, callout, GrpcStatus::new(code, ""))
        })?;
        self.after()
    }
}
