//! The proxy: what it calls, and what can be asked of it, with statuses as numbers.
//!
//! The `proxy-wasm` SDK turns statuses into an enum and panics on those it does
//! not list, on values that are not UTF-8, and on contexts and gRPC tokens that
//! it did not make; a panic in a filter makes Envoy answer 503 to every later
//! request of the VM. It also exports every callback there is, and Envoy makes
//! each call that is exported. So this module speaks the ABI itself: every
//! status is data, every value is bytes, and what nothing listens to is not
//! exported.
#![allow(unsafe_code, reason = "host functions are foreign functions")]

use std::fmt;
use std::ptr::null_mut;

mod abi;
mod exports;
pub(crate) mod grpc;
pub(crate) mod shared;
pub(crate) mod stream;

/// A status other than 0 that the proxy answered a call with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(i32);

impl Status {
    /// What was asked for does not exist.
    pub(crate) const NOT_FOUND: Self = Self(1);
    /// A queue without items.
    pub(crate) const EMPTY: Self = Self(7);
    /// Somebody else has written meanwhile.
    pub(crate) const CAS_MISMATCH: Self = Self(8);
}

/// The name in the ABI (v0.2.1, "proxy_status_t").
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "NOT_FOUND",
            2 => "BAD_ARGUMENT",
            3 => "SERIALIZATION_FAILURE",
            4 => "PARSE_FAILURE",
            5 => "BAD_EXPRESSION",
            6 => "INVALID_MEMORY_ACCESS",
            7 => "EMPTY",
            8 => "CAS_MISMATCH",
            9 => "RESULT_MISMATCH",
            10 => "INTERNAL_FAILURE",
            11 => "BROKEN_CONNECTION",
            12 => "UNIMPLEMENTED",
            other => return write!(f, "status {other}"),
        };
        f.write_str(name)
    }
}

const REQUEST_HEADERS: i32 = 0;
const REQUEST_BODY: i32 = 0;
const GRPC_MESSAGE: i32 = 5;
const PLUGIN_CONFIGURATION: i32 = 7;
const NO_GRPC_STATUS: i32 = -1;
const MONOTONIC: u32 = 1;

/// Severity of a log line, as in the ABI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// What becomes of a stream whose callback ends, as in the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue = 0,
    Pause = 1,
}

fn check(status: i32) -> Result<(), Status> {
    if status == 0 { Ok(()) } else { Err(Status(status)) }
}

/// Makes a call that answers with a block of memory.
///
/// A call that fails leaves the out-pointers as they were.
fn read(call: impl FnOnce(*mut *mut u8, *mut usize) -> i32) -> Result<Vec<u8>, Status> {
    let mut data = null_mut();
    let mut size = 0;
    check(call(&raw mut data, &raw mut size))?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the proxy wrote `size` bytes into a block that it had this module
    // allocate with exactly that size (`proxy_on_memory_allocate`, a boxed
    // slice), and gives it away with this call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Header pairs as the ABI passes them: their number, the lengths of every name
/// and value (32 bits, little-endian), then the texts, each ended by NUL.
fn pairs(headers: &[(&str, &str)]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::new();
    bytes.extend(length(headers.len()));
    for (name, value) in headers {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// Writes a line into the proxy's log. Where that fails there is nobody to tell.
pub(crate) fn log(level: Level, message: &str) {
    // SAFETY: pointer and length are those of a live string.
    let _ = unsafe { abi::proxy_log(level as i32, message.as_ptr(), message.len()) };
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_nanos() -> Result<u64, Status> {
    let mut time = 0;
    // SAFETY: the proxy writes eight bytes to a live `u64`.
    check(unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// Nanoseconds of a clock that never goes back, the same for every VM of the
/// process. 0 where there is none, so that what waits for it waits.
pub(crate) fn monotonic_nanos() -> u64 {
    let mut time = 0;
    // SAFETY: the proxy writes eight bytes to a live `u64`.
    match unsafe { abi::clock_time_get(MONOTONIC, 1, &raw mut time) } {
        0 => time,
        _ => 0,
    }
}

/// The linear memory of this VM, in bytes.
pub(crate) fn memory_bytes() -> u64 {
    const PAGE: u64 = 65_536;
    u64::try_from(std::arch::wasm32::memory_size(0)).map_or(0, |pages| pages.saturating_mul(PAGE))
}

/// Asks for a tick of the context in effect, again and again.
pub(crate) fn set_tick_period(milliseconds: u32) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Makes every later call of this callback be about another context.
pub(crate) fn take_effect(context: u32) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_set_effective_context(context) })
}

/// Lets the proxy delete the root context in effect, which asked it to wait.
pub(crate) fn done() -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_done() })
}

/// The configuration of the plugin; empty if there is none.
pub(crate) fn plugin_configuration() -> Result<Vec<u8>, Status> {
    // SAFETY: the out-pointers are live, see `read`.
    match read(|data, size| unsafe { abi::proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size) }) {
        Err(Status::NOT_FOUND) => Ok(Vec::new()),
        other => other,
    }
}
