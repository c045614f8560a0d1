//! The proxy's functions, as ABI 0.2.1 names them. Every status is a number.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: i32, message: *const u8, size: usize) -> i32;
    pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> i32;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> i32;
    pub(super) fn proxy_set_effective_context(context: u32) -> i32;
    pub(super) fn proxy_done() -> i32;

    pub(super) fn proxy_get_buffer_bytes(
        buffer: i32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> i32;
    pub(super) fn proxy_get_header_map_pairs(map: i32, data: *mut *mut u8, size: *mut usize) -> i32;
    pub(super) fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> i32;
    pub(super) fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> i32;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> i32;
    pub(super) fn proxy_continue_stream(stream: i32) -> i32;
    pub(super) fn proxy_close_stream(stream: i32) -> i32;

    pub(super) fn proxy_define_metric(kind: i32, name: *const u8, name_size: usize, id: *mut u32) -> i32;
    pub(super) fn proxy_increment_metric(id: u32, offset: i64) -> i32;
    pub(super) fn proxy_get_metric(id: u32, value: *mut u64) -> i32;

    pub(super) fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> i32;
    pub(super) fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> i32;
    pub(super) fn proxy_register_shared_queue(name: *const u8, name_size: usize, id: *mut u32) -> i32;
    pub(super) fn proxy_resolve_shared_queue(
        vm_id: *const u8,
        vm_id_size: usize,
        name: *const u8,
        name_size: usize,
        id: *mut u32,
    ) -> i32;
    pub(super) fn proxy_enqueue_shared_queue(id: u32, value: *const u8, value_size: usize) -> i32;
    pub(super) fn proxy_dequeue_shared_queue(id: u32, data: *mut *mut u8, size: *mut usize) -> i32;

    pub(super) fn proxy_grpc_call(
        upstream: *const u8,
        upstream_size: usize,
        service: *const u8,
        service_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        message: *const u8,
        message_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> i32;
    pub(super) fn proxy_grpc_stream(
        upstream: *const u8,
        upstream_size: usize,
        service: *const u8,
        service_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        token: *mut u32,
    ) -> i32;
    pub(super) fn proxy_grpc_send(token: u32, message: *const u8, message_size: usize, end: i32) -> i32;
    pub(super) fn proxy_grpc_cancel(token: u32) -> i32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    pub(super) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
}
