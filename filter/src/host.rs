//! Calls into the proxy, with statuses as numbers.
//!
//! The SDK turns statuses into an enum and panics on those it does not list,
//! and on values that are not UTF-8; a panic in a filter makes Envoy answer 503
//! to every later request of the VM. So the calls that the filter makes are
//! declared here once more: every status is data, every value is bytes. It also
//! reaches what the SDK leaves out, the details of a local response.
#![allow(unsafe_code, reason = "host functions are foreign functions")]

use std::fmt;
use std::ptr::null_mut;

/// A status other than 0 that the proxy answered a call with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(i32);

impl Status {
    /// What was asked for does not exist.
    pub(crate) const NOT_FOUND: Self = Self(1);
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
const PLUGIN_CONFIGURATION: i32 = 7;
const COUNTER: i32 = 0;
const DOWNSTREAM: i32 = 2;
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: i32, message: *const u8, size: usize) -> i32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> i32;
    fn proxy_get_buffer_bytes(buffer: i32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) -> i32;
    fn proxy_get_header_map_value(
        map: i32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> i32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> i32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> i32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> i32;
    fn proxy_close_stream(stream: i32) -> i32;
    fn proxy_define_metric(kind: i32, name: *const u8, name_size: usize, id: *mut u32) -> i32;
    fn proxy_increment_metric(id: u32, offset: i64) -> i32;
}

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
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the proxy wrote `size` bytes into a block that it had this module
    // allocate with exactly that size (`proxy_on_memory_allocate`, a boxed
    // slice), and gives it away with this call.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Writes a line into the proxy's log. Where that fails there is nobody to tell.
pub(crate) fn log(level: Level, message: &str) {
    // SAFETY: pointer and length are those of a live string.
    let _ = unsafe { proxy_log(level as i32, message.as_ptr(), message.len()) };
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_nanos() -> Result<u64, Status> {
    let mut time = 0;
    // SAFETY: the proxy writes eight bytes to a live `u64`.
    check(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// The configuration of the plugin; empty if there is none.
pub(crate) fn plugin_configuration() -> Result<Vec<u8>, Status> {
    // SAFETY: the out-pointers are live, see `read`.
    match read(|data, size| unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, usize::MAX, data, size) }) {
        Err(Status::NOT_FOUND) => Ok(Vec::new()),
        other => other,
    }
}

/// A request header, byte for byte; several of one name come joined by commas.
pub(crate) fn request_header(name: &str) -> Result<Vec<u8>, Status> {
    // SAFETY: pointer and length are those of a live string; see `read`.
    read(|data, size| unsafe { proxy_get_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), data, size) })
}

/// A property. `path` has its segments joined by NUL, which saves building it for every call.
pub(crate) fn property(path: &str) -> Result<Vec<u8>, Status> {
    // SAFETY: pointer and length are those of a live string; see `read`.
    read(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets a property of one segment; Envoy keeps it as filter state `wasm.<path>`.
pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: pointers and lengths are those of live values.
    check(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
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
        proxy_send_local_response(
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

/// Closes the downstream connection of a network filter.
pub(crate) fn close_downstream() -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { proxy_close_stream(DOWNSTREAM) })
}

/// Defines a counter, or finds the one that other VMs have defined.
pub(crate) fn define_counter(name: &str) -> Result<u32, Status> {
    let mut id = 0;
    // SAFETY: pointer and length are those of a live string; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Adds one to a counter.
pub(crate) fn increment(id: u32) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { proxy_increment_metric(id, 1) })
}

// The macro exports `_initialize` and calls the module's constructors, both
// unsafe, which is why it stands here.
proxy_wasm::main! {{
    crate::logging::install();
    proxy_wasm::set_root_context(|_| Box::<crate::root::Root>::default());
}}
