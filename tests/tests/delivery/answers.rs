//! Whatever a collector answers, the filter goes on deciding, and no decision gets lost without being owned up to.

use std::time::Duration;

use serde_json::json;
use sluice_tests::collector::Answer;
use sluice_tests::envoy::Envoy;
use sluice_tests::raw::h1;
use sluice_tests::wait;
use tonic::Code;

use crate::shared::{Scene, UNSENT, assert_unharmed, each_number_of_workers, get_path, github_only, proxy};

const DENIED: &str = "wasmcustom.sluice_events_denied_total";
const REFUSED: &str = "wasmcustom.sluice_events_refused_total";

/// A proxy, and how many decisions it has made.
struct Test {
    scene: Scene,
    envoy: Envoy,
    decisions: u64,
}

impl Test {
    fn start(workers: u32) -> Self {
        let scene = Scene::new();
        let setup = scene.setup(&json!({"policy": github_only()}));
        let envoy = setup.concurrency(workers).start();
        // So that what is sent next is no heartbeat of a start.
        wait::until("the first heartbeat of every VM", || {
            let beating = scene.collector.ledger().instances.into_values();
            let beating = beating.filter(|account| account.heartbeat.is_some()).count();
            (beating > usize::try_from(workers).ok()?).then_some(())
        });
        Self {
            scene,
            envoy,
            decisions: 0,
        }
    }

    /// Has one request decided, which can be told by its path.
    fn decide(&mut self, path: &str) {
        let request = get_path("unlisted.example.com", path);
        let status = h1::Connection::open(proxy(&self.envoy)).send(&request).status();
        assert_eq!(status, Some(403), "{path}");
        self.decisions += 1;
    }

    fn rises(&self, stat: &str, before: u64) {
        wait::until(&format!("{stat} to rise"), || {
            (self.envoy.stat(stat) > before).then_some(())
        });
    }

    /// Waits for that many calls.
    fn called(&self, before: usize, times: usize) {
        let enough = || (self.scene.collector.exports() >= before + times).then_some(());
        wait::until(&format!("{times} more exports"), enough);
    }

    fn has(&self, path: &str) -> bool {
        let events = self.scene.collector.events();
        let mut audits = events.iter().filter(|event| event.name() == "audit");
        audits.any(|event| event.text("url.path") == Some(path))
    }

    fn refused(&self) -> i64 {
        let ledger = self.scene.collector.ledger();
        let heartbeats = ledger.instances.values().filter_map(|account| account.heartbeat);
        heartbeats.map(|heartbeat| heartbeat.refused).sum()
    }
}

/// What OTLP says of each status, written down here once more.
fn may_be_retried(code: i32) -> bool {
    [1, 4, 8, 10, 11, 14, 15].contains(&code)
}

fn every_status(workers: u32) {
    let mut test = Test::start(workers);
    let mut given_up = Vec::new();
    for code in 1..=16 {
        let path = format!("/{code}");
        let (denied, refused) = (test.envoy.stat(DENIED), test.envoy.stat(REFUSED));
        test.scene.collector.answer(Answer::Status(Code::from_i32(code)));
        let calls = test.scene.collector.exports();
        test.decide(&path);
        if [7, 16].contains(&code) {
            test.rises(DENIED, denied);
        }
        if may_be_retried(code) || [7, 16].contains(&code) {
            test.called(calls, 2);
            test.scene.collector.answer(Answer::Accept);
            test.scene.audit_of_path(&path);
        } else {
            test.rises(REFUSED, refused);
            test.scene.collector.answer(Answer::Accept);
            given_up.push(path);
        }
    }
    let ledger = test.scene.settled(&test.envoy, test.decisions);
    assert_eq!(ledger.duplicates(), 0);
    // What was given up may have been a heartbeat before it; each has arrived or is counted.
    let missing = given_up.iter().filter(|path| !test.has(path)).count();
    assert!(missing > 0, "nothing was refused for good");
    assert_eq!(usize::try_from(test.refused()), Ok(missing));
    assert_unharmed(&test.envoy);
    println!(
        "{workers} workers: {missing} of {} records were given up",
        given_up.len()
    );
}

#[test]
fn every_status_with_one_worker() {
    every_status(1);
}

#[test]
fn every_status_with_four_workers() {
    every_status(4);
}

#[test]
fn records_that_were_not_accepted_are_counted() {
    let mut test = Test::start(1);
    test.scene.collector.answer(Answer::PartialSuccess {
        rejected: 1,
        message: "the last one is \u{1}\u{fffd} odd".into(),
    });
    let refused = test.envoy.stat(REFUSED);
    test.decide("/partial");
    test.rises(REFUSED, refused);
    test.scene.collector.answer(Answer::Accept);
    test.decide("/whole");
    test.scene.audit_of_path("/whole");
    test.scene.settled(&test.envoy, test.decisions);
    assert!(test.envoy.log().contains("did not accept 1 events"));
    assert_unharmed(&test.envoy);
}

/// It says OK, which in OTLP is all there is to an acknowledgement; that it lied shows in the sequence.
#[test]
fn an_answer_that_is_no_message_does_no_harm_and_is_found_out() {
    let mut test = Test::start(1);
    test.scene.collector.answer(Answer::Garbage);
    let calls = test.scene.collector.exports();
    test.decide("/swallowed");
    test.called(calls, 1);
    wait::until("the acknowledgement", || (test.envoy.stat(UNSENT) == 0).then_some(()));
    test.scene.collector.answer(Answer::Accept);
    test.decide("/whole");
    test.scene.audit_of_path("/whole");
    wait::until("a heartbeat that tells of both decisions", || {
        (test.scene.collector.ledger().decisions() == 2).then_some(())
    });
    let ledger = test.scene.collector.ledger();
    assert_eq!(ledger.accounted(), 1);
    assert!(!ledger.gaps().is_empty());
    assert_unharmed(&test.envoy);
}

/// A batch that is sent again comes with the same numbers.
#[test]
fn what_came_twice_can_be_told() {
    each_number_of_workers(|workers| {
        let mut test = Test::start(workers);
        test.scene.collector.answer(Answer::AcceptThenDie);
        let calls = test.scene.collector.exports();
        test.decide("/twice");
        test.called(calls, 2);
        test.decide("/twice/as/well");
        test.called(calls, 4);
        test.scene.collector.answer(Answer::Accept);
        let ledger = test.scene.settled(&test.envoy, test.decisions);
        assert_ne!(ledger.duplicates(), 0);
        assert_eq!(ledger.gaps(), []);
        assert_unharmed(&test.envoy);
    });
}

/// A call that is never answered is made again after ten seconds.
#[test]
fn silence_and_late_answers_lose_nothing() {
    each_number_of_workers(|workers| {
        let mut test = Test::start(workers);
        test.scene.collector.answer(Answer::Late(Duration::from_secs(1)));
        test.decide("/late");
        test.scene.audit_of_path("/late");
        test.scene.collector.answer(Answer::Stall);
        let calls = test.scene.collector.exports();
        test.decide("/stalled");
        test.called(calls, 1);
        test.decide("/meanwhile");
        test.scene.collector.answer(Answer::Accept);
        test.scene.audit_of_path("/stalled");
        let ledger = test.scene.settled(&test.envoy, test.decisions);
        assert_eq!(ledger.gaps(), []);
        assert_unharmed(&test.envoy);
    });
}
