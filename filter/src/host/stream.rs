//! What can be read of a request or connection, and done to it. All of it is
//! about the context in effect.
#![allow(unsafe_code, reason = "host functions are foreign functions")]

use super::{NO_GRPC_STATUS, REQUEST_BODY, REQUEST_HEADERS, Status, abi, check, pairs, read};

/// The sides of a stream, as in the ABI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    /// An HTTP request.
    Request = 0,
    /// The connection that was accepted.
    Downstream = 2,
}

/// All headers of the request, byte for byte, as [`RequestLine::of`](crate::header_pairs::RequestLine::of) reads them.
pub(crate) fn request_headers() -> Result<Vec<u8>, Status> {
    // SAFETY: the out-pointers are live, see `read`.
    read(|data, size| unsafe { abi::proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) })
}

/// The first bytes of the body that the proxy holds, at most so many.
pub(crate) fn request_body(most: usize) -> Result<Vec<u8>, Status> {
    // SAFETY: the out-pointers are live, see `read`.
    read(|data, size| unsafe { abi::proxy_get_buffer_bytes(REQUEST_BODY, 0, most, data, size) })
}

/// A property. `path` has its segments joined by NUL, which saves building it for every call.
pub(crate) fn property(path: &str) -> Result<Vec<u8>, Status> {
    // SAFETY: pointer and length are those of a live string; see `read`.
    read(|data, size| unsafe { abi::proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// A property that is a number: eight bytes, little-endian in Envoy.
pub(crate) fn number(path: &str) -> Option<u64> {
    property(path).ok()?.try_into().ok().map(u64::from_le_bytes)
}

/// Sets a property of one segment; Envoy keeps it as filter state `wasm.<path>`.
pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: pointers and lengths are those of live values.
    check(unsafe { abi::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// Answers the request here, with response code details for the access log.
pub(crate) fn send_local_response(
    status: u32,
    details: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(), Status> {
    let headers = pairs(headers);
    // SAFETY: pointers and lengths are those of live values.
    check(unsafe {
        abi::proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Lets a request go on that was held at its headers.
pub(crate) fn resume_request() -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_continue_stream(Side::Request as i32) })
}

/// Ends a request at once, or closes a connection.
pub(crate) fn close(side: Side) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_close_stream(side as i32) })
}
