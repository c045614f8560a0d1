//! A disk that is full, and a database that is gone: said clearly, nothing lost, and over when it is over.

use std::fs;
use std::path::Path;

use serde_json::json;
use sluice_tests::events::{batch, record};
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Answer;
use sluice_tests::postgres::Cluster;
use sluice_tests::sending::Sent;
use sluice_tests::serve::Serve;
use sluice_tests::wait;
use tonic::{Code, Status};

use crate::support::{assert_whole, sqlite, token};

/// Sends batches one after the other, each once, and remembers what became of them.
struct Once {
    client: Client,
    seq: i64,
    sent: Vec<Sent>,
}

impl Once {
    fn new(serve: &Serve) -> Self {
        let filter = token(&serve.api(), "filter", "sandbox/sb_1");
        Self {
            client: Client::of(serve.grpc()).token(&filter),
            seq: 0,
            sent: Vec::new(),
        }
    }

    fn send(&mut self) -> Result<(), Status> {
        let seqs = self.seq + 1..=self.seq + 100;
        self.seq += 100;
        let records: Vec<_> = seqs.clone().map(|seq| record("once/1", seq, json!({}))).collect();
        let answer = self.client.export(&batch("sandbox/sb_1", "once/1", &records));
        self.sent.push(Sent {
            uids: seqs.map(|seq| format!("once/1/{seq}")).collect(),
            acknowledged: answer.is_ok(),
        });
        answer.map(|answer| assert_eq!(answer.partial_success, None))
    }
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "UNAVAILABLE"), "{}", answer.body);
    let error = &answer.body["error"];
    assert_eq!(error["retryable"], true);
    assert!(error["retry_after_ms"].is_i64());
    assert!(error["message"].as_str().unwrap().contains("database"), "{error}");
}

fn assert_works_again(serve: &Serve, once: &mut Once, place: &str) {
    wait::until("it is ready again", || (serve.ready() == Some(200)).then_some(()));
    once.send().unwrap_or_else(|status| panic!("{status}\n{}", serve.log()));
    let rule = json!({"host": "after.example.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    let _ = serve.api().post("/egress/allowlist", &rule).ok();
    assert_whole(&serve.api(), place, &once.sent);
}

fn largest(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    sizes.max().unwrap()
}

#[test]
fn a_full_disk() {
    let place = sqlite();
    let serve = Serve::start(&place.url);
    let mut once = Once::new(&serve);
    once.send().unwrap();
    let policy = json!({"name": "before", "resource_type": "sandbox", "resource_id": "sb_1", "mode": "audit_only"});
    let _ = serve.api().post("/egress/policies", &policy).ok();

    // It fills up while events come in, so that it is full in the middle of a batch.
    let file = Path::new(place.url.strip_prefix("sqlite:").unwrap());
    serve.limit_files(Some(largest(file.parent().unwrap()) + 100_000));
    let refused = wait::until("the disk to be full", || once.send().err());
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.message().contains("database"), "{refused}");

    // Not one byte more: whatever writes says so, and what only reads goes on.
    serve.limit_files(Some(1));
    for _ in 0..3 {
        assert_eq!(once.send().unwrap_err().code(), Code::Unavailable);
    }
    let rule = json!({"host": "full.example.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    assert_unavailable(&serve.api().post("/egress/allowlist", &rule));
    wait::until("it says that it is not ready", || {
        (serve.ready() == Some(503)).then_some(())
    });
    let listed = serve.api().get("/egress/allowlist").ok();
    assert_eq!(listed["data"], json!([]));
    assert!(serve.log().contains("the database failed"), "{}", serve.log());

    serve.limit_files(None);
    assert_works_again(&serve, &mut once, &place.url);
}

#[test]
fn a_database_that_is_gone() {
    let cluster = Cluster::start();
    let url = cluster.fresh();
    let serve = Serve::start(&url);
    let mut once = Once::new(&serve);
    once.send().unwrap();
    cluster.stop();
    assert_eq!(once.send().unwrap_err().code(), Code::Unavailable);
    let rule = json!({"host": "gone.example.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    assert_unavailable(&serve.api().post("/egress/allowlist", &rule));
    assert_unavailable(&serve.api().get("/egress/policies"));
    wait::until("it says that it is not ready", || {
        (serve.ready() == Some(503)).then_some(())
    });
    cluster.restart();
    assert_works_again(&serve, &mut once, &url);
}
