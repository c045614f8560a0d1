//! The `.wasm` itself: what it needs of Envoy, what it offers, how big it is.

use std::collections::BTreeSet;

use sluice_harness::FILTER_WASM;
use wasmparser::{ExternalKind, Parser, Payload};

/// The budget of the stripped module.
const MOST_BYTES: usize = 450_000;

/// The host functions of ABI 0.2.1, all of which Envoy offers.
const ENV: [&str; 39] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_buffer_status",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_size",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// The WASI functions that every proxy-wasm host offers.
const WASI: [&str; 8] = [
    "args_get",
    "args_sizes_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
    "random_get",
];

#[derive(Default)]
struct Surface {
    imports: Vec<(String, String)>,
    functions: BTreeSet<String>,
    memories: BTreeSet<String>,
    custom_sections: Vec<String>,
}

fn surface() -> Surface {
    let mut surface = Surface::default();
    for payload in Parser::new(0).parse_all(FILTER_WASM) {
        match payload.unwrap() {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.unwrap();
                    let import = (import.module.to_owned(), import.name.to_owned());
                    surface.imports.push(import);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.unwrap();
                    let names = match export.kind {
                        ExternalKind::Func => &mut surface.functions,
                        ExternalKind::Memory => &mut surface.memories,
                        _ => continue,
                    };
                    names.insert(export.name.to_owned());
                }
            }
            Payload::CustomSection(section) => {
                surface.custom_sections.push(section.name().to_owned());
            }
            _ => {}
        }
    }
    surface
}

#[test]
fn it_needs_nothing_that_envoy_does_not_offer() {
    let surface = surface();
    assert!(
        !surface.imports.is_empty(),
        "a filter that calls no host function does nothing"
    );
    for (module, name) in &surface.imports {
        let offered = match module.as_str() {
            "env" => ENV.contains(&name.as_str()),
            "wasi_snapshot_preview1" => WASI.contains(&name.as_str()),
            _ => false,
        };
        assert!(offered, "{module}.{name} is nothing that Envoy offers");
    }
}

#[test]
fn it_offers_what_a_host_looks_for() {
    let surface = surface();
    let offers = |name: &str| surface.functions.contains(name);
    assert!(offers("proxy_abi_version_0_2_1"), "{:?}", surface.functions);
    assert!(
        offers("proxy_on_memory_allocate") || offers("malloc"),
        "{:?}",
        surface.functions
    );
    assert!(surface.memories.contains("memory"));
    for callback in [
        "_initialize",
        "proxy_on_context_create",
        "proxy_on_configure",
        "proxy_on_request_headers",
        "proxy_on_new_connection",
    ] {
        assert!(offers(callback), "no {callback} in {:?}", surface.functions);
    }
}

#[test]
fn it_is_small_and_stripped() {
    let size = FILTER_WASM.len();
    assert!(size <= MOST_BYTES, "{size} bytes are more than {MOST_BYTES}");
    let sections = surface().custom_sections;
    let debug = sections
        .iter()
        .find(|name| name.starts_with(".debug") || *name == "name");
    assert_eq!(debug, None, "{sections:?}");
}

#[test]
fn it_names_no_directory_of_its_builder() {
    let workspace = env!("CARGO_MANIFEST_DIR").strip_suffix("/harness").unwrap();
    let home = std::env::home_dir().unwrap();
    for place in [workspace, home.to_str().unwrap()] {
        let needle = format!("{place}/");
        let found = FILTER_WASM
            .windows(needle.len())
            .any(|window| window == needle.as_bytes());
        assert!(!found, "the module contains {needle}");
    }
}
