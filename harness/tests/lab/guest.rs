//! The guests of the lab's own tests: every host function, and a few helpers.

use sluice_harness::lab::LabFilter;

/// The service that `$export` calls.
pub(crate) const LOGS: &str = "opentelemetry.proto.collector.logs.v1.LogsService";

/// A guest with `body` as its functions. It has every host function by its
/// short name, `$say` for a text and `$note` for a letter with a number, and
/// the texts at 100 and after. Addresses from 2000 on are free.
pub(crate) fn guest(body: &str) -> LabFilter {
    let wat = format!(
        r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (import "env" "proxy_set_tick_period_milliseconds" (func $period (param i32) (result i32)))
        (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
        (import "env" "proxy_get_shared_data" (func $get_data (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_set_shared_data" (func $set_data (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
        (import "env" "proxy_resolve_shared_queue" (func $resolve (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_call"
            (func $grpc_call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_stream"
            (func $grpc_stream (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_send" (func $grpc_send (param i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_cancel" (func $grpc_cancel (param i32) (result i32)))
        (import "env" "proxy_grpc_close" (func $grpc_close (param i32) (result i32)))
        (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_get_header_map_value" (func $header (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
        (import "env" "proxy_get_metric" (func $metric (param i32 i32) (result i32)))
        (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
        (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
        (import "env" "proxy_send_local_response"
            (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
        (import "env" "proxy_done" (func $done (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $wasi_time (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
        (memory (export "memory") 2)
        (data (i32.const 100) "\0a\08\0a\06sluice")
        (data (i32.const 120) "{LOGS}")
        (data (i32.const 180) "Export")
        (data (i32.const 200) "sluice.policy.v1.PolicyService")
        (data (i32.const 240) "Watch")
        (data (i32.const 260) "hello")
        (data (i32.const 270) "key")
        (data (i32.const 280) "queue")
        (data (i32.const 290) "count")
        (data (i32.const 300) "done")
        (data (i32.const 310) "log")
        (data (i32.const 320) "delete")
        (data (i32.const 330) "close")
        (data (i32.const 340) "response\00code")
        (data (i32.const 360) "response\00code_details")
        (data (i32.const 390) "request\00duration")
        (data (i32.const 410) "filter_state\00who")
        (data (i32.const 430) "teapot{{late}}")
        (data (i32.const 450) ":authority")
        (data (i32.const 470) "xds\00node\00metadata")
        (func $say (param $text i32) (param $size i32)
            (drop (call $log (i32.const 2) (local.get $text) (local.get $size))))
        (func $note (param $letter i32) (param $n i32)
            (i32.store8 (i32.const 1000) (local.get $letter))
            (i32.store8 (i32.const 1001) (i32.const 61))
            (i32.store8 (i32.const 1002) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
            (i32.store8 (i32.const 1003) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
            (call $say (i32.const 1000) (i32.const 4)))
        (func $say_property (param $path i32) (param $size i32)
            (if (call $property (local.get $path) (local.get $size) (i32.const 1100) (i32.const 1104))
                (then (call $note (i32.const 112) (i32.const 99)))
                (else (call $say (i32.load (i32.const 1100)) (i32.load (i32.const 1104))))))
        (func $note_property (param $path i32) (param $size i32)
            (if (call $property (local.get $path) (local.get $size) (i32.const 1100) (i32.const 1104))
                (then (call $note (i32.const 112) (i32.const 99)))
                (else (call $note (i32.const 112) (i32.load (i32.load (i32.const 1100)))))))
        (func $export (result i32)
            (call $grpc_call (i32.const 100) (i32.const 10) (i32.const 120) (i32.const 49)
                (i32.const 180) (i32.const 6) (i32.const 0) (i32.const 0)
                (i32.const 260) (i32.const 5) (i32.const 1500) (i32.const 1200)))
        (func $watch (result i32)
            (call $grpc_stream (i32.const 100) (i32.const 10) (i32.const 200) (i32.const 30)
                (i32.const 240) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1204)))
        (func $say_message (param $size i32)
            (drop (call $buffer (i32.const 5) (i32.const 0) (local.get $size) (i32.const 1100) (i32.const 1104)))
            (call $say (i32.load (i32.const 1100)) (i32.load (i32.const 1104))))
        (func $log_end (export "proxy_on_log") (param i32) (call $say (i32.const 310) (i32.const 3)))
        (func (export "proxy_on_delete") (param i32) (call $say (i32.const 320) (i32.const 6)))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
        {body})"#
    );
    LabFilter::from_bytes(&wat::parse_str(wat).unwrap()).unwrap()
}
