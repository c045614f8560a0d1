//! The callbacks the proxy makes, as ABI 0.2.1 names them. What is not exported
//! is not called: a callback that nothing listens to would cost every request.
#![allow(unsafe_code, reason = "exported names are the ABI's, and unmangled")]

use crate::dispatch;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Which version of the ABI this module speaks.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Runs once, before everything else.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the linker makes it, and it is called once.
    unsafe { __wasm_call_ctors() };
    crate::logging::install();
}

/// Memory that the proxy fills and gives away: see `read`.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; size].into_boxed_slice()).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    dispatch::create(context, root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_: u32, _: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, _: u32) -> u32 {
    dispatch::configure(context).into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    dispatch::tick(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(context: u32, queue: u32) {
    dispatch::queue_ready(context, queue);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _: u32, _: u32) -> u32 {
    dispatch::request(context) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, size: usize, _: u32) -> u32 {
    dispatch::body(context, size) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_new_connection(context: u32) -> u32 {
    dispatch::connection(context) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    dispatch::log(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(context: u32) -> u32 {
    dispatch::done(context).into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    dispatch::delete(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive(_: u32, token: u32, size: usize) {
    dispatch::grpc_message(token, size);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_close(_: u32, token: u32, code: u32) {
    dispatch::grpc_close(token, code);
}
