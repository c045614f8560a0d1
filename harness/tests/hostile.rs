//! Filters that fail, lie or hang: each is reported for what it is, and none
//! of them yields a decision.

use std::time::Duration;

use proxy_wasm_host::abi::v0_2_1::Callback;
use sluice_harness::engine::{Act, CompiledFilter, Did, Engine, EngineError, WasmEngine};
use sluice_harness::recording::Sighting;
use sluice_policy::{Action, Timestamp};

const ALLOW: &str = r#"{"host":"example.com","port":80,"action":"allow","would_reject":false,"mode":"enforce","rule_id":"a","rule_scope":"resource"}"#;
const REJECT: &str = r#"{"host":"example.com","port":80,"action":"reject","would_reject":true,"mode":"enforce","rejected_by":"default_deny"}"#;

/// A filter with `on_request` as its code for request headers and new
/// connections, and `on_configure` for its configuration.
fn filter(verdict: &str, on_configure: &str, on_request: &str) -> CompiledFilter {
    let verdict_data = verdict.replace('"', "\\22");
    let verdict_len = verdict.len();
    let wat = format!(
        r#"(module
        (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_send_local_response"
            (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_close_stream" (func $close_stream (param i32) (result i32)))
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 2)
        (data (i32.const 16) "sluice_http_verdict")
        (data (i32.const 48) "sluice_tcp_verdict")
        (data (i32.const 80) "policy.mode: \22maybe\22, expected \22enforce\22")
        (data (i32.const 1024) "{verdict_data}")
        (func $verdict
            (drop (call $set_property (i32.const 16) (i32.const 19) (i32.const 1024) (i32.const {verdict_len})))
            (drop (call $set_property (i32.const 48) (i32.const 18) (i32.const 1024) (i32.const {verdict_len}))))
        (func $reply (param $status i32)
            (drop (call $respond (local.get $status) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const -1))))
        (func $close (drop (call $close_stream (i32.const 2))))
        (func $complain (drop (call $log (i32.const 4) (i32.const 80) (i32.const 40))))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
        (func (export "proxy_on_configure") (param i32 i32) (result i32) {on_configure})
        (func $on_request (result i32) {on_request})
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $on_request))
        (func (export "proxy_on_new_connection") (param i32) (result i32) (call $on_request)))"#
    );
    CompiledFilter::from_bytes(&wat::parse_str(wat).unwrap()).unwrap()
}

fn request() -> Sighting {
    Sighting::Request {
        authority: b"example.com".to_vec(),
        method: b"GET".to_vec(),
        path: Some(b"/".to_vec()),
    }
}

fn connection() -> Sighting {
    Sighting::Connection {
        server_name: b"example.com".to_vec(),
        port: 443,
    }
}

const ACCEPT: &str = "(i32.const 1)";
const CONTINUE: &str = "(i32.const 0)";

fn engine(verdict: &str, on_request: &str) -> WasmEngine {
    let mut filter = filter(verdict, ACCEPT, on_request);
    if on_request.contains("loop") {
        filter = filter.with_call_time(Duration::from_millis(1));
    }
    WasmEngine::with_plugin_config(&filter, b"{}").unwrap()
}

fn failure(verdict: &str, on_request: &str, sighting: &Sighting) -> EngineError {
    let mut engine = engine(verdict, on_request);
    match engine.decide(sighting, Timestamp::from_micros(0)) {
        Ok(record) => panic!("a decision from {on_request}: {record:?}"),
        Err(error) => error,
    }
}

#[test]
fn a_filter_that_fails_is_reported_with_its_last_words() {
    for (how, on_request) in [
        ("unreachable", "(call $complain) (unreachable)"),
        ("out of bounds memory access", "(i32.load (i32.const -4))"),
        ("CPU time", "(loop $forever (br $forever)) (unreachable)"),
        ("proc_exit", "(call $exit (i32.const 3)) (i32.const 0)"),
        ("stack", "(call $on_request)"),
        ("returned 7", "(i32.const 7)"),
    ] {
        for (sighting, callback) in [
            (request(), Callback::RequestHeaders),
            (connection(), Callback::NewConnection),
        ] {
            let error = failure(ALLOW, on_request, &sighting);
            let text = error.to_string();
            assert!(text.contains(how), "{how}: {text}");
            let EngineError::Failed { callback: at, log, .. } = error else {
                panic!("{how}: {error:?}")
            };
            assert_eq!(at, callback);
            assert_eq!(log.len(), usize::from(how == "unreachable"), "{log:?}");
        }
    }
}

#[test]
fn a_filter_that_failed_once_never_decides_again() {
    let mut engine = engine(ALLOW, "(unreachable)");
    for _ in 0..2 {
        let outcome = engine.decide(&request(), Timestamp::from_micros(0));
        assert!(matches!(outcome, Err(EngineError::Failed { .. })), "{outcome:?}");
    }
}

#[test]
fn a_missing_or_unreadable_verdict_is_no_decision() {
    for (sighting, expected) in [(request(), "sluice_http_verdict"), (connection(), "sluice_tcp_verdict")] {
        match failure(ALLOW, CONTINUE, &sighting) {
            EngineError::NoVerdict { key, .. } => assert_eq!(key, expected),
            other => panic!("{other:?}"),
        }
        for verdict in ["allow", "{}", r#"{"action":"allow"}"#, ""] {
            let error = failure(verdict, "(call $verdict) (i32.const 0)", &sighting);
            assert!(
                matches!(error, EngineError::BadVerdict { .. }),
                "{verdict:?}: {error:?}"
            );
        }
    }
}

#[test]
fn a_verdict_that_the_filter_did_not_act_on_is_no_decision() {
    let reply = |status: u32| format!("(call $verdict) (call $reply (i32.const {status})) (i32.const 0)");
    let close = "(call $verdict) (call $close) (i32.const 0)";
    let pass = "(call $verdict) (i32.const 0)";
    let pause = "(call $verdict) (i32.const 1)";
    for (verdict, on_request, sighting, expected) in [
        (REJECT, pass, request(), Did::Passed),
        (REJECT, pass, connection(), Did::Passed),
        (REJECT, &reply(200), request(), Did::Replied { status: 200 }),
        (REJECT, pause, request(), Did::Paused),
        (REJECT, pause, connection(), Did::Paused),
        (ALLOW, &reply(403), request(), Did::Replied { status: 403 }),
        (ALLOW, close, connection(), Did::Closed),
        (ALLOW, pause, request(), Did::Paused),
        (ALLOW, pause, connection(), Did::Paused),
    ] {
        match failure(verdict, on_request, &sighting) {
            EngineError::Disagrees { did, .. } => assert_eq!(did, expected, "{on_request}"),
            other => panic!("{on_request}: {other:?}"),
        }
    }
}

#[test]
fn a_verdict_that_was_acted_on_is_the_decision() {
    for (verdict, on_request, sighting, action) in [
        (ALLOW, "(call $verdict) (i32.const 0)", request(), Action::Allow),
        (ALLOW, "(call $verdict) (i32.const 0)", connection(), Action::Allow),
        (
            REJECT,
            "(call $verdict) (call $reply (i32.const 403)) (i32.const 1)",
            request(),
            Action::Reject,
        ),
        (
            REJECT,
            "(call $verdict) (call $close) (i32.const 0)",
            connection(),
            Action::Reject,
        ),
    ] {
        let mut engine = engine(verdict, on_request);
        let record = engine.decide(&sighting, Timestamp::from_micros(0)).unwrap();
        assert_eq!(record.action, action);
        assert_eq!(record.host.as_deref(), Some("example.com"));
        let set = |act: &Act| matches!(act, Act::SetProperty { .. });
        assert_eq!(engine.acts().iter().filter(|entry| set(&entry.act)).count(), 2);
    }
}

#[test]
fn a_refused_configuration_says_what_the_filter_said() {
    let refusing = filter(ALLOW, "(call $complain) (i32.const 0)", CONTINUE);
    let error = WasmEngine::with_plugin_config(&refusing, b"{}").err().unwrap();
    assert_eq!(
        error.to_string(),
        "the filter refused its configuration for sluice.http\n  [Error] policy.mode: \"maybe\", expected \"enforce\""
    );
    let trapping = filter(ALLOW, "(unreachable)", CONTINUE);
    let error = WasmEngine::with_plugin_config(&trapping, b"{}").err().unwrap();
    assert!(
        matches!(
            error,
            EngineError::Failed {
                callback: Callback::Configure,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn what_is_no_plugin_does_not_start() {
    for (what, wat, said) in [
        (
            "no ABI version",
            r#"(module (memory (export "memory") 1))"#,
            "proxy_abi_version",
        ),
        (
            "an import that no proxy has",
            r#"(module (import "env" "proxy_fly" (func)) (memory (export "memory") 1)
                (func (export "proxy_abi_version_0_2_1")))"#,
            "proxy_fly",
        ),
        (
            "no allocator",
            r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#,
            "malloc",
        ),
    ] {
        let module = wat::parse_str(wat).unwrap();
        let error = CompiledFilter::from_bytes(&module)
            .and_then(|filter| WasmEngine::with_plugin_config(&filter, b"{}"))
            .err()
            .unwrap_or_else(|| panic!("{what}: started"));
        assert!(matches!(error, EngineError::Module(_)), "{what}: {error:?}");
        assert!(error.to_string().contains(said), "{what}: {error}");
    }
    let error = CompiledFilter::from_bytes(b"\0asm\x01\0\0\0 and then no module")
        .err()
        .unwrap();
    assert!(matches!(error, EngineError::Module(_)), "{error:?}");
    let missing = std::path::Path::new("no/such/filter.wasm");
    let error = CompiledFilter::from_file(missing).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("cannot read the filter no/such/filter.wasm: "),
        "{error}"
    );
}
