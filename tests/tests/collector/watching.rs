//! Watch: who is told what, and what is remembered of what they said.

use std::time::Duration;

use serde_json::json;
use sluice_tests::collector::Collector;
use sluice_tests::policy_v1::policy_service_client::PolicyServiceClient;
use sluice_tests::policy_v1::watch_request::Message;
use sluice_tests::policy_v1::{
    Ack, Held, Hello, Nack, Resource, Subscribe, Unsubscribe, Version, WatchRequest, WatchResponse, watch_response,
};
use sluice_tests::wait;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request, Status, Streaming};

const PATIENCE: Duration = Duration::from_secs(20);
/// What does not come in that time does not come: a push takes less than a millisecond.
const SILENCE: Duration = Duration::from_millis(300);

/// One client's stream.
struct Watcher {
    runtime: Runtime,
    requests: mpsc::UnboundedSender<WatchRequest>,
    responses: Streaming<WatchResponse>,
}

impl Watcher {
    fn open(collector: &Collector, token: Option<&str>) -> Result<Self, Status> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a process can start a thread");
        let (requests, receiver) = mpsc::unbounded_channel();
        let mut request = Request::new(UnboundedReceiverStream::new(receiver));
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("it is ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        let address = format!("http://{}", collector.address());
        let responses = runtime.block_on(async {
            let client = PolicyServiceClient::connect(address).await;
            client.expect("it listens").watch(request).await
        });
        Ok(Self {
            responses: responses?.into_inner(),
            runtime,
            requests,
        })
    }

    fn say(&self, message: Message) {
        let message = Some(message);
        self.requests
            .send(WatchRequest { message })
            .expect("the stream is open");
    }

    fn hello(&self, held: &[(&str, u64, u64)]) {
        let held = held.iter().map(|(id, epoch, revision)| Held {
            resource: Some(sandbox(id)),
            version: Some(version(*epoch, *revision)),
        });
        self.say(Message::Hello(Hello {
            held: held.collect(),
            ..Hello::default()
        }));
    }

    fn subscribe(&self, id: &str) {
        let resource = Some(sandbox(id));
        self.say(Message::Subscribe(Subscribe { resource }));
    }

    fn next(&mut self) -> Result<Option<WatchResponse>, Status> {
        let next = self
            .runtime
            .block_on(async { timeout(PATIENCE, self.responses.message()).await });
        next.expect("something happens in time")
    }

    /// The next message, as short as it can be said.
    fn told(&mut self) -> String {
        let response = self.next().expect("the stream is good").expect("and goes on");
        let of = |resource: Option<Resource>, version: Option<Version>| {
            let version = version.map(|version| format!(" {}.{}", version.epoch, version.revision));
            resource.unwrap_or_default().id + &version.unwrap_or_default()
        };
        match response.message.expect("it says something") {
            watch_response::Message::Policy(policy) => {
                let content = String::from_utf8(policy.content).expect("JSON is text");
                assert_eq!(policy.digest, Collector::digest(&content));
                format!("{} = {content}", of(policy.resource, policy.version))
            }
            watch_response::Message::None(none) => format!("{} none", of(none.resource, none.version)),
        }
    }

    fn told_nothing(&mut self) {
        let next = self
            .runtime
            .block_on(async { timeout(SILENCE, self.responses.message()).await });
        assert!(next.is_err(), "nothing was to be said, but {next:?}");
    }
}

fn sandbox(id: &str) -> Resource {
    Resource {
        r#type: "sandbox".to_owned(),
        id: id.to_owned(),
    }
}

fn version(epoch: u64, revision: u64) -> Version {
    Version { epoch, revision }
}

fn watch(collector: &Collector) -> Watcher {
    Watcher::open(collector, None).expect("anybody may watch")
}

#[test]
fn a_subscription_is_answered_at_once_and_with_every_change() {
    let collector = Collector::start();
    collector.set_policy("sandbox", "a", 1, 1, json!({"v": 1}));
    let mut watcher = watch(&collector);
    watcher.hello(&[]);
    watcher.told_nothing();
    watcher.subscribe("a");
    assert_eq!(watcher.told(), r#"a 1.1 = {"v":1}"#);
    collector.set_policy("sandbox", "b", 1, 1, "unheard");
    collector.set_policy("computer", "a", 1, 1, "of another type");
    collector.set_policy("sandbox", "a", 1, 2, "second");
    assert_eq!(watcher.told(), "a 1.2 = second");
    collector.set_policy("sandbox", "a", 1, 1, "an older one, as a test may want it");
    assert_eq!(watcher.told(), "a 1.1 = an older one, as a test may want it");

    let resource = Some(sandbox("a"));
    watcher.say(Message::Unsubscribe(Unsubscribe { resource }));
    wait::until("three requests", || (collector.watch_log().len() == 3).then_some(()));
    collector.set_policy("sandbox", "a", 1, 3, "third");
    watcher.told_nothing();
    watcher.subscribe("a");
    assert_eq!(watcher.told(), "a 1.3 = third");
}

#[test]
fn without_an_entry_there_is_no_answer_until_there_is_one() {
    let collector = Collector::start();
    let mut watcher = watch(&collector);
    watcher.subscribe("a");
    watcher.told_nothing();
    collector.set_none("sandbox", "a", None);
    assert_eq!(watcher.told(), "a none");
    collector.set_policy("sandbox", "a", 2, 1, "first");
    assert_eq!(watcher.told(), "a 2.1 = first");
    collector.set_none("sandbox", "a", Some((2, 2)));
    assert_eq!(watcher.told(), "a 2.2 none");

    let mut second = watch(&collector);
    second.subscribe("a");
    assert_eq!(second.told(), "a 2.2 none");
    collector.forget("sandbox", "a");
    let mut third = watch(&collector);
    third.subscribe("a");
    third.told_nothing();
}

#[test]
fn a_client_is_sent_what_is_newer_than_what_it_holds() {
    let collector = Collector::start();
    collector.set_policy("sandbox", "older", 1, 9, "x");
    collector.set_policy("sandbox", "same", 2, 5, "x");
    collector.set_policy("sandbox", "newer", 2, 6, "x");
    collector.set_policy("sandbox", "restored", 3, 1, "x");
    collector.set_none("sandbox", "gone", Some((2, 6)));
    let mut watcher = watch(&collector);
    watcher.hello(&["older", "same", "newer", "restored", "gone"].map(|id| (id, 2, 5)));
    assert_eq!(watcher.told(), "newer 2.6 = x");
    assert_eq!(watcher.told(), "restored 3.1 = x");
    assert_eq!(watcher.told(), "gone 2.6 none");
    watcher.told_nothing();
    for id in ["older", "same", "newer", "restored", "gone"] {
        watcher.subscribe(id);
    }
    watcher.told_nothing();
    collector.set_policy("sandbox", "same", 2, 6, "changed");
    assert_eq!(watcher.told(), "same 2.6 = changed");
}

#[test]
fn everything_said_is_remembered() {
    let collector = Collector::start();
    let watcher = watch(&collector);
    watcher.say(Message::Hello(Hello {
        schemas: vec![1],
        build: "sluice-filter 0.1.0".to_owned(),
        instance: "p/1".to_owned(),
        held: vec![],
    }));
    for (vms_in_force, revision) in [(1, 1), (2, 1), (1, 2)] {
        watcher.say(Message::Ack(Ack {
            resource: Some(sandbox("a")),
            version: Some(version(7, revision)),
            vms_in_force,
            vms: 2,
        }));
    }
    watcher.say(Message::Nack(Nack {
        resource: Some(sandbox("a")),
        version: Some(version(7, 3)),
        error: "no such mode".to_owned(),
    }));
    assert_eq!(collector.nacked("sandbox", "a", 7, 3), "no such mode");
    assert_eq!(collector.acked("sandbox", "a", 7, 2).vms_in_force, 1);
    assert_eq!(collector.acked("sandbox", "a", 7, 1).vms_in_force, 1, "the first one");
    assert_eq!((collector.acks().len(), collector.nacks().len()), (3, 1));
    assert_eq!(collector.hellos()[0].instance, "p/1");
    let times: Vec<_> = collector.watch_log().into_iter().map(|(when, _)| when).collect();
    assert_eq!(times.len(), 5);
    assert!(times.is_sorted());
    collector.clear();
    assert_eq!(collector.watch_log(), []);
}

#[test]
fn anything_can_be_pushed_to_everybody() {
    let collector = Collector::start();
    let mut watchers = [watch(&collector), watch(&collector)];
    assert_eq!(collector.watchers(), 2);
    let none = watch_response::Message::None(sluice_tests::policy_v1::NoPolicy {
        resource: Some(sandbox("unasked")),
        version: None,
    });
    collector.push(&WatchResponse { message: Some(none) });
    collector.push_bytes(&[0xff, 0xff, 0xff]);
    for watcher in &mut watchers {
        assert_eq!(watcher.told(), "unasked none");
        let unreadable = watcher.next().expect_err("that is no message");
        assert!(unreadable.message().contains("decode"), "{unreadable:?}");
    }
}

#[test]
fn streams_end_as_the_test_wants_it() {
    let collector = Collector::start();
    let mut watcher = watch(&collector);
    collector.close_streams(Some(Code::Unavailable));
    assert_eq!(watcher.next().expect_err("it is closed").code(), Code::Unavailable);
    assert_eq!(collector.watchers(), 0);

    let mut watcher = watch(&collector);
    collector.close_streams(None);
    assert_eq!(watcher.next().expect("that is a good end"), None);

    collector.refuse_watch(Some(Code::PermissionDenied));
    let refused = Watcher::open(&collector, None).err().expect("it is refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(collector.watchers(), 0);
    collector.refuse_watch(None);
    drop(watch(&collector));
}

#[test]
fn a_client_that_hangs_up_is_no_watcher() {
    let collector = Collector::start();
    let watcher = watch(&collector);
    let other = watch(&collector);
    assert_eq!(collector.watchers(), 2);
    drop(watcher);
    wait::until("one watcher to be left", || (collector.watchers() == 1).then_some(()));
    let Watcher {
        requests,
        mut responses,
        runtime,
    } = other;
    drop(requests); // says that it will say no more
    let end = runtime.block_on(async { timeout(PATIENCE, responses.message()).await });
    assert_eq!(end.expect("it ends in time").expect("it is a good end"), None);
    assert_eq!(collector.watchers(), 0);
}

#[test]
fn policies_outlive_a_kill_and_streams_do_not() {
    let collector = Collector::start();
    collector.set_policy("sandbox", "a", 1, 1, "x");
    let mut watcher = watch(&collector);
    watcher.subscribe("a");
    assert_eq!(watcher.told(), "a 1.1 = x");
    collector.stop();
    assert_eq!(collector.watchers(), 0);
    watcher.next().expect_err("the connection is gone");
    collector.restart();
    let mut watcher = watch(&collector);
    watcher.subscribe("a");
    assert_eq!(watcher.told(), "a 1.1 = x");
    assert_eq!(collector.watch_log().len(), 2, "and so does the log");
}

#[test]
fn a_required_token_is_the_only_one_that_may_watch() {
    let collector = Collector::start();
    collector.require_token(Some("secret"));
    for token in [None, Some("other")] {
        let refused = Watcher::open(&collector, token).err().expect("it may not");
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let watcher = Watcher::open(&collector, Some("secret"));
    assert!(watcher.is_ok() && collector.watchers() == 1, "it may");
}
