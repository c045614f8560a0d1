//! gRPC calls and streams. They belong to the context that is in effect when
//! they are made, and die with it.
#![allow(unsafe_code, reason = "host functions are foreign functions")]

use super::{GRPC_MESSAGE, Status, abi, check, pairs, read};

/// Where a call goes.
pub(crate) struct Method<'a> {
    /// A serialised `GrpcService`: see [`crate::config::Endpoint::grpc_service`].
    pub(crate) upstream: &'a [u8],
    /// The service with its package.
    pub(crate) service: &'static str,
    /// The method.
    pub(crate) method: &'static str,
    /// `authorization`, if there is a credential.
    pub(crate) authorization: Option<&'a str>,
}

impl Method<'_> {
    fn metadata(&self) -> Vec<u8> {
        match self.authorization {
            Some(value) => pairs(&[("authorization", value)]),
            None => Vec::new(),
        }
    }
}

/// Calls a method with one message; the answer comes with the token returned.
pub(crate) fn call(to: &Method<'_>, message: &[u8], timeout_ms: u32) -> Result<u32, Status> {
    let metadata = to.metadata();
    let mut token = 0;
    // SAFETY: pointers and lengths are those of live values; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe {
        abi::proxy_grpc_call(
            to.upstream.as_ptr(),
            to.upstream.len(),
            to.service.as_ptr(),
            to.service.len(),
            to.method.as_ptr(),
            to.method.len(),
            metadata.as_ptr(),
            metadata.len(),
            message.as_ptr(),
            message.len(),
            timeout_ms,
            &raw mut token,
        )
    })?;
    Ok(token)
}

/// Opens a stream; what comes on it comes with the token returned.
pub(crate) fn open(to: &Method<'_>) -> Result<u32, Status> {
    let metadata = to.metadata();
    let mut token = 0;
    // SAFETY: pointers and lengths are those of live values; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe {
        abi::proxy_grpc_stream(
            to.upstream.as_ptr(),
            to.upstream.len(),
            to.service.as_ptr(),
            to.service.len(),
            to.method.as_ptr(),
            to.method.len(),
            metadata.as_ptr(),
            metadata.len(),
            &raw mut token,
        )
    })?;
    Ok(token)
}

/// Sends one message on a stream.
pub(crate) fn send(token: u32, message: &[u8]) -> Result<(), Status> {
    // SAFETY: pointer and length are those of a live value.
    check(unsafe { abi::proxy_grpc_send(token, message.as_ptr(), message.len(), 0) })
}

/// Gives up a call or a stream; no callback follows.
pub(crate) fn cancel(token: u32) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_grpc_cancel(token) })
}

/// The message of the callback that is running.
pub(crate) fn message(size: usize) -> Result<Vec<u8>, Status> {
    if size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: see `read`.
    read(|data, found| unsafe { abi::proxy_get_buffer_bytes(GRPC_MESSAGE, 0, size, data, found) })
}
