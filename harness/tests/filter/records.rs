//! What is recorded, and when: pending targets, heartbeats, long streams, what
//! ends with its VM.

use serde_json::json;
use sluice_harness::lab::{Connection, Ending, Lab, Plugin, Request, State};

use crate::shared::*;

fn nanos(lab: &Lab) -> u64 {
    u64::try_from(lab.now().micros()).unwrap() * 1_000
}

const BILLION: u64 = 1_000_000_000;

#[test]
fn a_rejected_target_is_told_of_at_once_and_then_every_ten_seconds_with_its_count() {
    let mut lab = lab(&recording(), 1);
    let collector = Collector::of(&mut lab);
    let start = nanos(&lab);
    for second in 0..35_u64 {
        for _ in 0..3 {
            lab.open_http(vm(0), Request::get(PROBE));
        }
        if second == 0 {
            lab.open_http(vm(0), Request::get("other.example.net:8443"));
            lab.open_http(vm(0), Request::get("no target"));
        }
        lab.advance(SECOND);
    }
    let pending = collector.of_kind("pending");
    let of = |host: &str| {
        let own = pending.iter().filter(|event| event.host() == host);
        own.map(|event| (event.at - start, event.int("sluice.count")))
            .collect::<Vec<_>>()
    };
    let tick = FIRST_TICK.as_nanos() as u64;
    assert_eq!(
        of(PROBE),
        [
            (0, 1),
            (10 * BILLION + tick, 32),
            (20 * BILLION + tick, 30),
            (30 * BILLION + tick, 30)
        ]
    );
    assert_eq!(of("other.example.net"), [(0, 1)]);
    assert_eq!(pending.len(), 5, "what is no target is not to be listed");
    assert_eq!(pending[0].text("sluice.rejected_by"), "default_deny");
    assert_eq!(collector.of_kind("audit").len(), 35 * 3 + 2);
}

#[test]
fn a_heartbeat_comes_every_ten_seconds() {
    let mut lab = lab(&recording(), 2);
    let collector = Collector::of(&mut lab);
    lab.add_root(vm(0), Plugin::tcp(recording().to_string())).unwrap();
    let start = nanos(&lab);
    lab.advance(41 * SECOND);
    let beats = collector.of_kind("heartbeat");
    assert_eq!(beats.len(), 10, "five of each VM, however many root contexts it has");
    let own: Vec<_> = beats.iter().filter(|beat| beat.instance == beats[0].instance).collect();
    let times: Vec<_> = own.iter().map(|beat| beat.at - start).collect();
    let expected = [0, 10, 20, 30, 40].map(|second| second * BILLION + FIRST_TICK.as_nanos() as u64);
    assert_eq!(times, expected);
    for beat in &beats {
        assert_eq!(beat.resource.as_deref(), Some("sb_1"));
        assert_eq!(beat.text("sluice.policy.mode"), "enforce");
        assert!(!beat.flag("sluice.heartbeat.closing"));
    }
}

#[test]
fn a_long_stream_is_told_of_after_ten_seconds_and_again_when_it_ends() {
    let mut lab = lab(&recording(), 1);
    let tcp = lab.add_root(vm(0), Plugin::tcp(recording().to_string())).unwrap();
    let collector = Collector::of(&mut lab);
    let request = lab.open_http(vm(0), Request::connect("ok.example.com:443"));
    let connection = lab.open_tcp(tcp, Connection::new(ALLOWED, 443));
    lab.advance(10 * SECOND - TICK);
    assert_eq!(collector.of_kind("audit"), []);
    // Looked at once a second, and sent within another.
    lab.advance(2 * SECOND);
    let open = collector.of_kind("audit");
    assert_eq!(open.len(), 2);
    for event in &open {
        assert_eq!(event.text("sluice.outcome"), "open");
        let duration = event.int("sluice.duration_us");
        assert!((10_000_000..=11_000_000).contains(&duration), "{duration}");
    }
    lab.advance(60 * SECOND);
    assert_eq!(collector.of_kind("audit").len(), 2, "it is told of once");
    lab.end_http(&request, Ending::response(200));
    lab.end_tcp(&connection, Ending::default());
    lab.advance(2 * SECOND);
    let all = collector.of_kind("audit");
    assert_eq!(all.len(), 4);
    for event in &open {
        let uid = event.text("log.record.uid");
        let own: Vec<_> = all.iter().filter(|other| other.text("log.record.uid") == uid).collect();
        assert_eq!((own.len(), own[1].text("sluice.outcome")), (2, "ok"));
        assert_eq!(own[0].at, own[1].at);
    }
    assert_eq!(collector.decisions(), 2);
    assert_no_trap(&lab);
}

#[test]
fn what_does_not_fit_is_merged_and_rejections_last() {
    let config = with(
        recording(),
        &json!({"events": {"cluster": "collector", "buffer_bytes": 65_536}}),
    );
    let mut lab = lab(&config, 1);
    let collector = Collector::of(&mut lab);
    collector.answers(&mut lab, Err(14));
    let rejected = lab.open_http(vm(0), Request::get(PROBE));
    assert!(lab.has_ended(&rejected));
    for number in 0..1000 {
        let stream = lab.open_http(vm(0), Request::new("GET", ALLOWED, Some(&format!("/{number}"))));
        lab.end_http(&stream, Ending::response(200));
    }
    lab.advance(60 * SECOND);
    collector.answers(&mut lab, Ok(Vec::new()));
    lab.advance(30 * SECOND);
    collector.assert_gapless();
    assert_eq!(collector.decisions(), 1001);
    let whole: Vec<_> = collector.of_kind("audit");
    assert!(whole.iter().any(|event| event.host() == PROBE));
    let summaries = collector.of_kind("summary");
    assert_eq!(summaries.len(), 1, "all were alike");
    let summary = &summaries[0];
    assert_eq!((summary.host(), summary.text("sluice.rule.id")), (ALLOWED, "ok"));
    assert_eq!(summary.int("sluice.count") + whole.len() as u64, 1001);
    let last = collector.of_kind("heartbeat").pop().unwrap();
    assert_eq!(last.int("sluice.heartbeat.merged"), summary.int("sluice.count"));
}

#[test]
fn what_dies_with_a_vm_is_missing_from_the_count_of_the_process() {
    let mut lab = lab(&recording(), 2);
    let collector = Collector::of(&mut lab);
    let requests = |lab: &mut Lab, number, count| {
        for _ in 0..count {
            let stream = lab.open_http(vm(number), Request::get(ALLOWED));
            lab.end_http(&stream, Ending::response(200));
        }
    };
    requests(&mut lab, 0, 10);
    requests(&mut lab, 1, 3);
    lab.advance(2 * SECOND);
    assert_eq!(collector.decisions(), 13);
    requests(&mut lab, 0, 5);
    lab.drop_vm(vm(0));
    assert!(!lab.is_live(vm(0)));
    lab.restart_vm(vm(0)).unwrap();
    requests(&mut lab, 0, 2);
    lab.advance(11 * SECOND);
    assert_eq!(collector.decisions(), 15);
    let beats = collector.of_kind("heartbeat");
    let counted = beats.iter().map(|beat| beat.int("sluice.heartbeat.decisions")).max();
    assert_eq!(counted, Some(20), "five are lost, and it can be told");
    let instances: std::collections::BTreeSet<_> = beats.iter().map(|beat| &beat.instance).collect();
    let processes: std::collections::BTreeSet<_> =
        instances.iter().map(|name| name.split_once('/').unwrap().0).collect();
    assert_eq!((instances.len(), processes.len()), (3, 1));
    collector.assert_gapless();
}

#[test]
fn the_last_root_context_waits_until_its_last_words_are_acknowledged() {
    let mut lab = lab(&recording(), 1);
    let tcp = lab.add_root(vm(0), Plugin::tcp(recording().to_string())).unwrap();
    let collector = Collector::default();
    let stream = lab.open_http(vm(0), Request::get(ALLOWED));
    lab.end_http(&stream, Ending::response(200));
    lab.end_root(tcp);
    assert!(!lab.has_root(tcp), "it is not the last one");
    lab.end_root(vm(0));
    assert!(lab.has_root(vm(0)));
    let call = lab.calls().remove(0);
    let last = events(&call.message);
    let kinds: Vec<_> = last.iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, ["audit", "heartbeat"]);
    assert!(last[1].flag("sluice.heartbeat.closing"));
    lab.advance(SECOND);
    assert!(lab.has_root(vm(0)));
    collector.answer(&mut lab, &call, Ok(Vec::new()));
    lab.advance(TICK);
    assert!(!lab.has_root(vm(0)));
    assert_no_trap(&lab);
}

#[test]
fn last_words_that_nobody_hears_cost_five_seconds() {
    let mut lab = lab(&recording(), 1);
    lab.advance(SECOND);
    lab.end_root(vm(0));
    lab.advance(5 * SECOND - TICK);
    assert!(lab.has_root(vm(0)));
    lab.advance(2 * TICK);
    assert!(!lab.has_root(vm(0)));
    assert_no_trap(&lab);
}

#[test]
fn a_root_context_that_comes_while_the_last_one_ends_takes_over() {
    let mut lab = lab(&recording(), 1);
    lab.advance(SECOND);
    let stream = lab.open_http(vm(0), Request::get(ALLOWED));
    lab.end_http(&stream, Ending::response(200));
    lab.end_root(vm(0));
    assert!(lab.has_root(vm(0)));
    let next = lab.add_root(vm(0), Plugin::http(recording().to_string())).unwrap();
    lab.advance(6 * SECOND);
    assert!(!lab.has_root(vm(0)), "nothing keeps it");
    assert!(lab.has_root(next));
    let collector = Collector::of(&mut lab);
    lab.advance(20 * SECOND);
    assert_eq!(collector.decisions(), 1);
    collector.assert_gapless();
    let beats = collector.of_kind("heartbeat");
    assert!(!beats.last().unwrap().flag("sluice.heartbeat.closing"));
}

#[test]
fn what_the_proxy_answers_itself_is_undecided() {
    let mut lab = lab(&recording(), 1);
    let collector = Collector::of(&mut lab);
    let ending = Ending {
        status: Some(400),
        details: Some("http1.codec_error".into()),
        ..Ending::default()
    };
    let request = Request::get("a b").with_property("source|address", "192.0.2.7:1234");
    let stream = lab.reject_early(vm(0), request, ending);
    assert_eq!(lab.state(&stream), State::Rejected);
    lab.advance(2 * SECOND);
    let undecided = collector.of_kind("undecided").remove(0);
    assert_eq!(undecided.text("sluice.raw"), "a b");
    assert_eq!(undecided.text("client.address"), "192.0.2.7");
    assert_eq!(undecided.text("sluice.envoy_details"), "http1.codec_error");
    assert_eq!(undecided.int("http.response.status_code"), 400);
    assert_eq!(undecided.text("sluice.outcome"), "error");
    assert!(!undecided.has("sluice.action"));
    assert_eq!(collector.decisions(), 0);
}
