//! What the VMs of a process share: data with compare-and-swap, queues, metrics.
#![allow(unsafe_code, reason = "host functions are foreign functions")]

use super::abi;
use super::{Status, check, read};

const COUNTER: i32 = 0;
const GAUGE: i32 = 1;

/// A write that names this succeeds only where nothing is, which the proxy has
/// no other word for: no value was ever written so often.
pub(crate) const NOTHING_THERE: u32 = u32::MAX;

/// A value and the number that a later write must name to be the next one.
/// Zero never is one: a write that names it always succeeds.
pub(crate) fn data(key: &str) -> Result<(Vec<u8>, u32), Status> {
    let mut cas = 0;
    // SAFETY: pointer and length are those of a live string, the proxy writes
    // four bytes to a live `u32`; see `read`.
    let value =
        read(|data, size| unsafe { abi::proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas) })?;
    Ok((value, cas))
}

/// Writes a value if it still is the one that `cas` was read with; with 0 in any case.
pub(crate) fn set_data(key: &str, value: &[u8], cas: u32) -> Result<(), Status> {
    // SAFETY: pointers and lengths are those of live values.
    check(unsafe { abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Makes a queue, or finds it; who registers last is told of what arrives.
pub(crate) fn register_queue(name: &str) -> Result<u32, Status> {
    let mut id = 0;
    // SAFETY: pointer and length are those of a live string; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe { abi::proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Finds a queue that a VM of this VM id has made. Not every host lets a VM put
/// anything into a queue that it has neither made nor found.
pub(crate) fn find_queue(name: &str) -> Result<u32, Status> {
    let mut id = 0;
    let own = "";
    // SAFETY: pointers and lengths are those of live strings; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe { abi::proxy_resolve_shared_queue(own.as_ptr(), own.len(), name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Puts an item at the end of a queue.
pub(crate) fn enqueue(queue: u32, item: &[u8]) -> Result<(), Status> {
    // SAFETY: pointer and length are those of a live value.
    check(unsafe { abi::proxy_enqueue_shared_queue(queue, item.as_ptr(), item.len()) })
}

/// Takes the item at the front of a queue, if there is one.
pub(crate) fn dequeue(queue: u32) -> Result<Option<Vec<u8>>, Status> {
    // SAFETY: see `read`.
    match read(|data, size| unsafe { abi::proxy_dequeue_shared_queue(queue, data, size) }) {
        Err(Status::EMPTY) => Ok(None),
        other => other.map(Some),
    }
}

/// Defines a counter, or finds the one that other VMs have defined.
pub(crate) fn define_counter(name: &str) -> Result<u32, Status> {
    define(COUNTER, name)
}

/// Defines a gauge, or finds the one that other VMs have defined.
pub(crate) fn define_gauge(name: &str) -> Result<u32, Status> {
    define(GAUGE, name)
}

fn define(kind: i32, name: &str) -> Result<u32, Status> {
    let mut id = 0;
    // SAFETY: pointer and length are those of a live string; the proxy writes
    // four bytes to a live `u32`.
    check(unsafe { abi::proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Adds to a counter.
pub(crate) fn add(metric: u32, count: u64) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_increment_metric(metric, i64::try_from(count).unwrap_or(i64::MAX)) })
}

/// Moves a gauge, up or down.
pub(crate) fn change(metric: u32, by: i64) -> Result<(), Status> {
    // SAFETY: no memory is passed.
    check(unsafe { abi::proxy_increment_metric(metric, by) })
}

/// The value of a metric, over all VMs.
pub(crate) fn metric(metric: u32) -> Result<u64, Status> {
    let mut value = 0;
    // SAFETY: the proxy writes eight bytes to a live `u64`.
    check(unsafe { abi::proxy_get_metric(metric, &raw mut value) })?;
    Ok(value)
}
