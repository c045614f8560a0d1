//! The lab itself, with small guests that each do one thing to the proxy.

#[path = "lab/guest.rs"]
mod guest;

use std::time::Duration;

use proxy_wasm_host::abi::v0_2_1::Callback;
use sluice_harness::engine::Act;
use sluice_harness::lab::{
    Connection, Ending, Lab, LabError, LabFilter, Plugin, Refusal, Request, State, VmId, VmSetup,
};

use self::guest::{LOGS, guest};

const SECOND: Duration = Duration::from_secs(1);

fn http() -> VmSetup {
    VmSetup::new(Plugin::http("{}"))
}

fn lab(filter: &LabFilter, vms: usize) -> (Lab, Vec<VmId>) {
    let lab = Lab::with_vms(filter, &http(), vms).unwrap();
    let ids = lab.vms().collect();
    (lab, ids)
}

/// What a VM logged since it was asked last.
fn said(lab: &mut Lab, vm: VmId) -> Vec<String> {
    let acts = lab.take_acts(vm);
    acts.into_iter()
        .filter_map(|entry| match entry.act {
            Act::Log(line) => Some(line.text),
            _ => None,
        })
        .collect()
}

/// The callbacks that ran in a VM since it was asked last.
fn ran(lab: &mut Lab, vm: VmId) -> Vec<(Callback, u32)> {
    let acts = lab.take_acts(vm);
    acts.into_iter()
        .filter_map(|entry| match entry.act {
            Act::Entered { context } => Some((entry.during.unwrap(), context)),
            _ => None,
        })
        .collect()
}

#[test]
fn each_root_context_ticks_at_its_own_period_in_the_order_of_time() {
    // The first root context ticks each second, the second every two.
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param $root i32) (param i32) (result i32)
            (drop (call $period (i32.mul (local.get $root) (i32.const 1000)))) (i32.const 1))
        (func (export "proxy_on_tick") (param $root i32)
            (drop (call $time (i32.const 2000)))
            (drop (call $wasi_time (i32.const 0) (i64.const 0) (i32.const 2008)))
            (call $note (i32.const 115) (i64.eq (i64.load (i32.const 2000)) (i64.load (i32.const 2008))))
            (drop (call $set_data (i32.const 270) (i32.const 3) (i32.const 2000) (i32.const 8) (i32.const 0)))
            (if (i32.eq (local.get $root) (i32.const 2)) (then (drop (call $period (i32.const 0))))))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    lab.add_root(vms[0], Plugin::tcp("{}")).unwrap();
    for vm in &vms {
        lab.take_acts(*vm);
    }
    let start = lab.now().micros();
    lab.advance(Duration::from_millis(999));
    assert_eq!(ran(&mut lab, vms[0]), []);
    lab.advance(Duration::from_millis(4_001));
    let tick = |root| (Callback::Tick, root);
    // The second one stopped itself; at two seconds both were due.
    assert_eq!(
        ran(&mut lab, vms[0]),
        [tick(1), tick(1), tick(2), tick(1), tick(1), tick(1)]
    );
    let said = said(&mut lab, vms[1]);
    assert_eq!(said, ["s=01"; 5], "wall clock and WASI clock differ");
    let now = lab.now().micros();
    assert_eq!(now - start, 5_000_000);
    let seen = u64::from_le_bytes(lab.shared("sluice", b"key").unwrap().try_into().unwrap());
    assert_eq!(seen, u64::try_from(now).unwrap() * 1_000);
}

#[test]
fn of_two_that_read_the_same_number_one_writes() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $period (i32.const 1000)))
            (call $note (i32.const 103) (call $get_data (i32.const 270) (i32.const 3)
                (i32.const 2000) (i32.const 2004) (i32.const 2008)))
            (i32.const 1))
        (func (export "proxy_on_tick") (param i32)
            (call $note (i32.const 115) (call $set_data (i32.const 270) (i32.const 3)
                (i32.const 260) (i32.const 5) (i32.load (i32.const 2008)))))"#,
    );
    let mut lab = Lab::new(&filter);
    lab.set_shared("sluice", b"key", b"before");
    let vms = [(); 2].map(|()| lab.add_vm(&http()).unwrap());
    let other = lab.add_vm(&http().with_vm_id("other")).unwrap();
    lab.advance(SECOND);
    assert_eq!(said(&mut lab, vms[0]), ["g=00", "s=00"]);
    assert_eq!(said(&mut lab, vms[1]), ["g=00", "s=08"], "8 is CAS mismatch");
    assert_eq!(
        said(&mut lab, other),
        ["g=01", "s=00"],
        "another VM id has other data, and 1 is not found"
    );
    assert_eq!(lab.shared("sluice", b"key").as_deref(), Some(&b"hello"[..]));
    assert_eq!(lab.shared_data("other").len(), 1);
}

#[test]
fn the_last_registrant_of_a_queue_hears_of_each_item_once() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $note (i32.const 114) (call $register (i32.const 280) (i32.const 5) (i32.const 2000)))
            (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $resolve (i32.const 0) (i32.const 0) (i32.const 280) (i32.const 5) (i32.const 2004)))
            (drop (call $enqueue (i32.load (i32.const 2004)) (i32.const 260) (i32.const 5)))
            (drop (call $enqueue (i32.load (i32.const 2004)) (i32.const 260) (i32.const 4)))
            (i32.const 0))
        (func (export "proxy_on_queue_ready") (param $root i32) (param $queue i32)
            (drop (call $dequeue (local.get $queue) (i32.const 2008) (i32.const 2012)))
            (call $say (i32.load (i32.const 2008)) (i32.load (i32.const 2012))))"#,
    );
    let (mut lab, vms) = lab(&filter, 3);
    lab.open_http(vms[0], Request::get("a.example.com"));
    assert_eq!(lab.queues()[0].items, [b"hello".to_vec(), b"hell".to_vec()]);
    assert_eq!(lab.queues()[0].heard_by, vms[2]);
    assert_eq!(said(&mut lab, vms[2]), ["r=00"], "it is told only when the lab settles");
    lab.settle();
    assert_eq!(said(&mut lab, vms[2]), ["hello", "hell"]);
    assert_eq!(said(&mut lab, vms[1]), ["r=00"]);
    assert!(lab.enqueue("sluice", "queue", b"from outside"));
    assert!(!lab.enqueue("sluice", "none", b"lost"));
    lab.advance(Duration::ZERO);
    assert_eq!(said(&mut lab, vms[2]), ["from outside"]);
    // What the registrant does not live to hear stays in the queue.
    lab.enqueue("sluice", "queue", b"unheard");
    lab.drop_vm(vms[2]);
    lab.settle();
    assert_eq!(lab.queues()[0].items, [b"unheard".to_vec()]);
    // A VM that is started anew registers anew, and is not told of what was before.
    lab.restart_vm(vms[2]).unwrap();
    lab.settle();
    lab.enqueue("sluice", "queue", b"heard");
    lab.settle();
    assert_eq!(said(&mut lab, vms[2]), ["r=00", "unheard"], "items come in order");
}

#[test]
fn a_call_is_answered_by_the_test_and_can_be_refused_at_once() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $period (i32.const 1000))) (i32.const 1))
        (func (export "proxy_on_tick") (param i32) (call $note (i32.const 99) (call $export)))
        (func (export "proxy_on_grpc_receive") (param $root i32) (param $call i32) (param $size i32)
            (call $note (i32.const 114) (local.get $root))
            (call $say_message (local.get $size)))
        (func (export "proxy_on_grpc_close") (param $root i32) (param $call i32) (param $code i32)
            (call $note (i32.const 120) (local.get $code)))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    lab.advance(SECOND);
    let calls = lab.calls();
    assert_eq!(calls.len(), 2);
    let call = &calls[1];
    assert_eq!((call.vm, call.cluster.as_str()), (vms[1], "sluice"));
    assert_eq!((call.service.as_str(), call.method.as_str()), (LOGS, "Export"));
    assert_eq!((call.message.as_slice(), call.timeout), (&b"hello"[..], SECOND * 3 / 2));
    assert_eq!(lab.calls_of(vms[0]), calls[..1]);
    assert!(lab.answer(&calls[1], Ok(b"taken".to_vec())));
    assert!(lab.answer(&calls[0], Err(14)));
    assert!(!lab.answer(&calls[0], Err(14)), "a call is answered once");
    assert_eq!(said(&mut lab, vms[1]), ["c=00", "r=01", "taken"]);
    assert_eq!(said(&mut lab, vms[0]), ["c=00", "x=14"]);
    assert_eq!(lab.calls(), []);
    for (how, status) in [(Refusal::UnknownUpstream, "c=04"), (Refusal::Failed, "c=10")] {
        lab.refuse(LOGS, Some(how));
        lab.advance(SECOND);
        assert_eq!(said(&mut lab, vms[0]), [status]);
        assert_eq!(lab.calls(), []);
    }
    lab.refuse(LOGS, None);
    lab.respond_with(|call| (call.vm == VmId::from_number(0)).then(|| Ok(b"auto".to_vec())));
    lab.take_acts(vms[1]);
    lab.advance(SECOND);
    assert_eq!(said(&mut lab, vms[0]), ["c=00", "r=01", "auto"]);
    assert_eq!(said(&mut lab, vms[1]), ["c=00"]);
    lab.drop_vm(vms[1]);
    assert_eq!(lab.calls(), [], "what a dead VM asked for is not open");
}

#[test]
fn an_upstream_that_would_abort_envoy_is_refused() {
    let filter = guest(
        r#"(func (export "proxy_on_tick") (param i32))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $note (i32.const 99)
                (call $grpc_stream (i32.const 260) (i32.const 5) (i32.const 200) (i32.const 30)
                    (i32.const 240) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1204)))
            (i32.const 1))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    assert_eq!(said(&mut lab, vms[0]), ["c=04"]);
    assert_eq!(lab.streams(), []);
}

#[test]
fn messages_go_both_ways_on_a_stream_until_either_side_ends_it() {
    // It echoes; it half-closes on a message of four bytes, and gives up on one of three.
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $watch))
            (drop (call $grpc_send (i32.load (i32.const 1204)) (i32.const 260) (i32.const 5) (i32.const 0)))
            (i32.const 1))
        (func (export "proxy_on_grpc_receive") (param $root i32) (param $stream i32) (param $size i32)
            (call $say_message (local.get $size))
            (drop (call $grpc_send (local.get $stream) (i32.load (i32.const 1100)) (local.get $size) (i32.const 0)))
            (if (i32.eq (local.get $size) (i32.const 4))
                (then (drop (call $grpc_close (local.get $stream)))))
            (if (i32.eq (local.get $size) (i32.const 3))
                (then (drop (call $grpc_cancel (local.get $stream))))))
        (func (export "proxy_on_grpc_close") (param $root i32) (param $stream i32) (param $code i32)
            (call $note (i32.const 120) (local.get $code)))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    let streams = lab.streams();
    assert_eq!(streams.len(), 2);
    assert_eq!((streams[0].vm, streams[0].method.as_str()), (vms[0], "Watch"));
    assert_eq!(streams[0].sent, [b"hello"]);
    assert!(lab.send(&streams[0], *b"policy"));
    assert!(lab.send(&streams[0], *b"last"));
    let now = &lab.streams()[0];
    assert_eq!(now.sent, [b"hello".to_vec(), b"policy".to_vec(), b"last".to_vec()]);
    assert!(now.half_closed && now.open);
    assert!(lab.close(&streams[0], 13));
    assert!(!lab.send(&streams[0], *b"lost"));
    assert_eq!(said(&mut lab, vms[0]), ["policy", "last", "x=13"]);
    assert!(lab.send(&streams[1], *b"bye"));
    assert_eq!(lab.streams(), []);
    assert!(!lab.close(&streams[1], 0), "the guest gave it up");
    assert_eq!(lab.all_streams()[1].sent.len(), 2);
}

/// Keeps the context of the last stream, and does `act` to it at the tick of any root context.
fn holding(answer: i32, act: &str) -> LabFilter {
    guest(&format!(
        r#"(global $held (mut i32) (i32.const 0))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $period (i32.const 1000))) (i32.const 1))
        (func (export "proxy_on_request_headers") (param $stream i32) (param i32 i32) (result i32)
            (global.set $held (local.get $stream)) (i32.const {answer}))
        (func (export "proxy_on_new_connection") (param $stream i32) (result i32)
            (global.set $held (local.get $stream)) (i32.const {answer}))
        (func (export "proxy_on_tick") (param $root i32)
            (if (global.get $held) (then
                (call $note (i32.const 101) (call $effective (global.get $held)))
                {act}
                (call $say (i32.const 260) (i32.const 5))
                (global.set $held (i32.const 0)))))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))
        (func (export "proxy_on_downstream_connection_close") (param $stream i32) (param $by i32)
            (call $note (i32.const 98) (local.get $by)))
        (func (export "proxy_on_done") (param i32) (result i32)
            (call $say (i32.const 300) (i32.const 4)) (i32.const 1))"#
    ))
}

#[test]
fn a_paused_request_can_be_resumed_from_a_root_context() {
    let filter = holding(
        1,
        r#"(call $note (i32.const 104) (call $header (i32.const 0) (i32.const 450) (i32.const 10)
            (i32.const 2000) (i32.const 2004)))
        (drop (call $continue (i32.const 0)))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    let stream = lab.open_http(vms[0], Request::get("a.example.com"));
    assert_eq!(lab.state(&stream), State::Paused);
    lab.advance(SECOND);
    assert_eq!(lab.state(&stream), State::Passed);
    assert!(!lab.has_ended(&stream));
    assert_eq!(
        said(&mut lab, vms[0]),
        ["e=00", "h=00", "hello"],
        "headers can be read during the pause"
    );
    lab.end_http(&stream, Ending::response(200));
    lab.end_http(&stream, Ending::response(200));
    assert!(lab.has_ended(&stream));
    assert_eq!(lab.state(&stream), State::Passed);
    assert_eq!(said(&mut lab, vms[0]), ["done", "log", "delete"]);
}

#[test]
fn the_headers_of_a_request_that_went_on_are_out_of_reach() {
    let filter = holding(
        0,
        r#"(call $note (i32.const 104) (call $header (i32.const 0) (i32.const 450) (i32.const 10)
            (i32.const 2000) (i32.const 2004)))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    let stream = lab.open_http(vms[0], Request::get("a.example.com"));
    assert_eq!(lab.state(&stream), State::Passed);
    lab.advance(SECOND);
    assert_eq!(said(&mut lab, vms[0]), ["e=00", "h=02", "hello"], "2 is bad argument");
}

#[test]
fn a_late_reply_ends_the_request_after_the_callback() {
    let filter = holding(
        1,
        r#"(drop (call $respond (i32.const 418) (i32.const 430) (i32.const 12) (i32.const 260) (i32.const 5)
            (i32.const 0) (i32.const 0) (i32.const -1)))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    let stream = lab.open_http(vms[0], Request::get("a.example.com"));
    lab.advance(SECOND);
    let State::Replied(reply) = lab.state(&stream) else {
        panic!("{:?}", lab.state(&stream));
    };
    assert_eq!((reply.status, reply.details.as_str()), (418, "teapot{late}"));
    assert_eq!(reply.body, b"hello");
    assert!(lab.has_ended(&stream));
    let acts = lab.acts(vms[0]);
    assert_eq!(said(&mut lab, vms[0]), ["e=00", "hello", "done", "log", "delete"]);
    let callbacks: Vec<_> = acts
        .iter()
        .filter(|entry| matches!(entry.act, Act::Entered { context: 2 }))
        .filter_map(|entry| entry.during)
        .collect();
    let expected = [
        Callback::RequestHeaders,
        Callback::ResponseHeaders,
        Callback::ResponseBody,
        Callback::Done,
        Callback::Log,
        Callback::Delete,
    ];
    assert_eq!(callbacks, expected);
}

#[test]
fn streams_of_another_root_context_can_be_closed_after_the_callback() {
    // 2 is the client's side of a connection, 0 the request of a stream.
    for (side, request) in [(2, false), (0, true)] {
        let filter = holding(0, &format!("(drop (call $close (i32.const {side})))"));
        let (mut lab, vms) = lab(&filter, 1);
        // The tick of the first root context comes first and closes a stream of the second.
        let second = lab.add_root(vms[0], Plugin::tcp("{}")).unwrap();
        let stream = match request {
            true => lab.open_http(second, Request::connect("a.example.com:443")),
            false => lab.open_tcp(second, Connection::new("a.example.com", 443)),
        };
        assert_eq!(lab.state(&stream), State::Passed);
        lab.advance(SECOND);
        assert_eq!(lab.state(&stream), State::Closed);
        assert!(lab.has_ended(&stream));
        let mut expected = vec!["e=00", "hello", "done", "log", "delete"];
        if !request {
            expected.insert(2, "b=01");
        }
        assert_eq!(said(&mut lab, vms[0]), expected, "1 is a close by this side");
        assert_eq!(lab.traps(), []);
    }
}

#[test]
fn a_client_that_leaves_a_connection_ends_it() {
    let (mut lab, vms) = lab(&holding(0, ""), 1);
    let stream = lab.open_tcp(vms[0], Connection::new("a.example.com", 443));
    lab.end_tcp(&stream, Ending::default());
    assert_eq!(said(&mut lab, vms[0]), ["b=02", "done", "log", "delete"]);
    // Its context is no longer one that can be made effective.
    lab.advance(SECOND);
    assert_eq!(said(&mut lab, vms[0]), ["e=02", "hello"]);
}

#[test]
fn a_root_context_that_is_not_done_ticks_until_it_says_so() {
    // A root context says that the first is done when its third tick comes.
    let filter = guest(
        r#"(global $ticks (mut i32) (i32.const 0))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $period (i32.const 1000))) (i32.const 1))
        (func (export "proxy_on_done") (param $context i32) (result i32)
            (i32.ne (local.get $context) (i32.const 1)))
        (func (export "proxy_on_tick") (param $root i32)
            (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
            (if (i32.eq (global.get $ticks) (i32.const 3)) (then
                (drop (call $effective (i32.const 1)))
                (call $note (i32.const 100) (call $done))
                (call $note (i32.const 100) (call $done)))))"#,
    );
    for others in [false, true] {
        let (mut lab, vms) = lab(&filter, 1);
        if others {
            lab.add_root(vms[0], Plugin::tcp("{}")).unwrap();
        }
        let stream = lab.open_http(vms[0], Request::get("a.example.com"));
        lab.end_root(vms[0]);
        lab.end_root(vms[0]);
        lab.advance(2 * SECOND);
        assert!(lab.has_root(vms[0]));
        lab.advance(2 * SECOND);
        assert!(lab.has_root(vms[0]), "one of its streams is open");
        assert_eq!(said(&mut lab, vms[0]), ["d=00", "d=01"], "1 is not found");
        lab.end_http(&stream, Ending::response(200));
        assert!(!lab.has_root(vms[0]));
        assert_eq!(said(&mut lab, vms[0]), ["log", "delete", "delete"]);
        lab.advance(2 * SECOND);
        let ticks = ran(&mut lab, vms[0]);
        assert_eq!(ticks, [(Callback::Tick, 2)].repeat(if others { 2 } else { 0 }));
        assert_eq!(lab.traps(), []);
    }
}

#[test]
fn a_stream_that_goes_with_its_root_context_goes_in_silence() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) (drop (call $watch)) (i32.const 1))
        (func (export "proxy_on_grpc_close") (param $root i32) (param $stream i32) (param $code i32)
            (call $note (i32.const 120) (local.get $code)))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    lab.end_root(vms[0]);
    assert_eq!(said(&mut lab, vms[0]), ["delete"]);
    assert_eq!(lab.streams().len(), 1);
    let stream = lab.streams().remove(0);
    lab.close(&stream, 14);
    assert_eq!(said(&mut lab, vms[1]), ["x=14"]);
}

#[test]
fn a_vm_reads_its_own_environment() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $environ_sizes (i32.const 2000) (i32.const 2004)))
            (drop (call $environ (i32.const 2100) (i32.const 2200)))
            (call $say (i32.const 2200) (i32.load (i32.const 2004)))
            (i32.const 1))"#,
    );
    let mut lab = Lab::new(&filter);
    let told = http().with_variable("TOKEN", "t1").with_variable("ZONE", "z");
    let vms = [told, http()].map(|setup| lab.add_vm(&setup).unwrap());
    assert_eq!(said(&mut lab, vms[0]), ["TOKEN=t1\0ZONE=z\0"]);
    assert_eq!(said(&mut lab, vms[1]), [""]);
}

#[test]
fn a_trap_kills_its_vm_alone() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $define (i32.const 0) (i32.const 290) (i32.const 5) (i32.const 2000)))
            (drop (call $period (i32.const 1000)))
            (i32.const 1))
        (func (export "proxy_on_new_connection") (param i32) (result i32)
            (call $say (i32.const 260) (i32.const 5)) (unreachable))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $increment (i32.load (i32.const 2000)) (i64.const 2)))
            (drop (call $metric (i32.load (i32.const 2000)) (i32.const 2008)))
            (call $note (i32.const 109) (i32.load (i32.const 2008)))
            (i32.const 0))
        (func (export "proxy_on_tick") (param i32))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    let request = lab.open_http(vms[0], Request::get("a.example.com"));
    let fatal = lab.open_tcp(vms[0], Connection::new("", 443));
    assert_eq!([lab.is_live(vms[0]), lab.is_live(vms[1])], [false, true]);
    assert_eq!(lab.state(&fatal), State::Failed);
    assert_eq!(lab.state(&request), State::Failed);
    let [trap] = lab.traps() else {
        panic!("{:?}", lab.traps())
    };
    assert_eq!((trap.vm, trap.callback), (vms[0], Callback::NewConnection));
    assert!(trap.error.contains("unreachable"), "{trap}");
    assert_eq!(trap.log.len(), 1, "{trap}");
    assert!(trap.to_string().contains("hello"), "{trap}");
    // Nothing reaches the dead; the living go on, and share what was shared.
    lab.take_acts(vms[0]);
    let lost = lab.open_http(vms[0], Request::get("a.example.com"));
    assert_eq!((lab.state(&lost), lab.has_ended(&lost)), (State::Failed, true));
    lab.advance(SECOND);
    lab.end_http(&request, Ending::response(200));
    assert_eq!(lab.acts(vms[0]), []);
    assert_eq!(lab.memory(vms[0]), None);
    lab.open_http(vms[1], Request::get("a.example.com"));
    assert_eq!(said(&mut lab, vms[1]), ["m=04"]);
    lab.restart_vm(vms[0]).unwrap();
    assert_eq!(lab.metric("count"), Some(4));
    let stream = lab.open_http(vms[0], Request::get("a.example.com"));
    assert_eq!(lab.state(&stream), State::Passed);
    assert_eq!(said(&mut lab, vms[0]), ["m=06"]);
    assert_eq!(lab.metrics().len(), 1);
}

#[test]
fn an_ending_has_the_properties_of_envoy_and_of_the_test() {
    let filter = guest(
        r#"(func (export "proxy_on_done") (param i32) (result i32)
            (call $note_property (i32.const 340) (i32.const 13))
            (call $say_property (i32.const 360) (i32.const 21))
            (call $note_property (i32.const 390) (i32.const 16))
            (call $say_property (i32.const 410) (i32.const 16))
            (i32.const 0))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    let request = || Request::get("a.example.com").with_property("filter_state|who", b"sb_1");
    let stream = lab.open_http(vms[0], request());
    let ending = Ending {
        status: Some(42),
        duration: Some(Duration::from_nanos(7)),
        ..Ending::response(200)
    };
    lab.end_http(&stream, ending);
    // Envoy logs and deletes a stream that said it was not done.
    let expected = ["p=42", "via_upstream", "p=07", "sb_1", "log", "delete"];
    assert_eq!(said(&mut lab, vms[0]), expected);
    let stream = lab.open_http(vms[0], Request::get("a.example.com"));
    lab.advance(Duration::from_nanos(9));
    lab.end_http(&stream, Ending::default());
    assert_eq!(
        said(&mut lab, vms[0]),
        ["p=99", "p=99", "p=09", "p=99", "log", "delete"]
    );
    // One that Envoy answered itself is logged without ever having been asked about.
    let early = lab.reject_early(vms[0], request(), Ending::response(40));
    assert_eq!((lab.state(&early), lab.has_ended(&early)), (State::Rejected, true));
    let callbacks = ran(&mut lab, vms[0]);
    let callbacks: Vec<_> = callbacks.into_iter().map(|(callback, _)| callback).collect();
    assert_eq!(callbacks, [Callback::Done, Callback::Log, Callback::Delete]);
}

#[test]
fn the_memory_of_a_vm_is_known() {
    let filter = guest(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (memory.grow (i32.const 5))) (i32.const 0))"#,
    );
    let (mut lab, vms) = lab(&filter, 2);
    lab.open_http(vms[0], Request::get("a.example.com"));
    lab.take_acts(vms[0]);
    assert_eq!(lab.memory(vms[0]), Some(7 * 65_536));
    assert_eq!(lab.memory(vms[1]), Some(2 * 65_536));
    assert_eq!(lab.acts(vms[0]), [], "the question leaves no trace");
}

#[test]
fn a_refused_plugin_is_an_error_and_leaves_the_others() {
    // It takes a configuration of two bytes and no other.
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param $root i32) (param $size i32) (result i32)
            (if (i32.ne (local.get $size) (i32.const 2)) (then (call $say (i32.const 260) (i32.const 5))))
            (i32.eq (local.get $size) (i32.const 2)))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    let error = lab.add_root(vms[0], Plugin::tcp("[1]")).unwrap_err();
    assert!(matches!(error, LabError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("sluice.tcp"), "{error}");
    assert!(error.to_string().contains("hello"), "{error}");
    assert!(lab.add_vm(&VmSetup::new(Plugin::http(""))).is_err());
    let second = lab.add_root(vms[0], Plugin::tcp("{}")).unwrap();
    let stream = lab.open_http(second, Request::get("a.example.com"));
    assert_eq!(lab.state(&stream), State::Passed);
    assert_eq!(lab.vms().count(), 1);
}

#[test]
fn a_refused_plugin_hears_of_nothing_it_began() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param $root i32) (param $size i32) (result i32)
            (drop (call $period (i32.const 1000)))
            (drop (call $register (i32.const 280) (i32.const 5) (i32.const 2000)))
            (drop (call $export))
            (i32.eq (local.get $size) (i32.const 2)))
        (func (export "proxy_on_tick") (param $root i32) (call $note (i32.const 116) (local.get $root)))"#,
    );
    let (mut lab, vms) = lab(&filter, 1);
    lab.add_root(vms[0], Plugin::tcp("[1]")).unwrap_err();
    assert_eq!(lab.calls().len(), 1);
    lab.enqueue("sluice", "queue", b"unheard");
    lab.advance(SECOND);
    assert_eq!(said(&mut lab, vms[0]), ["t=01"]);
    assert_eq!(lab.traps(), []);
}

#[test]
fn properties_of_the_proxy_reach_root_contexts_and_streams() {
    let filter = guest(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $say_property (i32.const 470) (i32.const 17)) (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $say_property (i32.const 470) (i32.const 17)) (i32.const 0))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
            (call $note_property (i32.const 340) (i32.const 13)) (i32.const 0))"#,
    );
    let mut lab = Lab::new(&filter);
    let setup = http().with_property("xds|node|metadata", b"pod");
    let vm = lab.add_vm(&setup).unwrap();
    let stream = lab.open_http(vm, Request::get("a.example.com"));
    lab.open_http(
        vm,
        Request::get("a.example.com").with_property("xds|node|metadata", b"own"),
    );
    lab.respond_http(&stream, 20, &[("server", "none")]);
    assert_eq!(said(&mut lab, vm), ["pod", "pod", "own", "p=20"]);
    assert!(!lab.has_ended(&stream));
}

/// The filter itself can be put into the lab and decides there.
#[test]
fn the_real_filter_runs_in_the_lab() {
    let policy =
        r#"{"policy": {"mode": "enforce", "rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}}"#;
    let filter = LabFilter::embedded().unwrap();
    let mut lab = Lab::with_vms(&filter, &VmSetup::new(Plugin::http(policy)), 2).unwrap();
    for vm in lab.vms() {
        let passed = lab.open_http(vm, Request::get("a.example.com"));
        let refused = lab.open_http(vm, Request::get("b.example.com"));
        assert_eq!(lab.state(&passed), State::Passed, "{:?}", lab.traps());
        let State::Replied(reply) = lab.state(&refused) else {
            panic!("{:?}", lab.state(&refused));
        };
        assert_eq!((reply.status, lab.has_ended(&refused)), (403, true));
        lab.end_http(&passed, Ending::response(200));
    }
    assert_eq!(lab.traps(), []);
}
