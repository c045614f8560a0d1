//! The audit trail followed while late batches arrive from several senders at once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use sluice_tests::contract::Addresses;
use sluice_tests::playbook::Api;
use sluice_tests::sending::{Manner, Senders};
use sluice_tests::sluice::Sluice;

use crate::support::{Place, postgresql, sqlite, token, uid};

/// What somebody saw: places in the order of commits, and ids.
type Seen = Vec<(String, String)>;

fn seen(row: &Value) -> (String, String) {
    (row["inserted_at"].as_str().unwrap().to_owned(), uid(row))
}

/// Reads the stream until a row says that it was the last.
fn stream(at: &Addresses) -> JoinHandle<Seen> {
    let url = format!(
        "http://{}/api/v1/egress/audit/stream?since=2000-01-01T00:00:00Z",
        at.http
    );
    let token = format!("Bearer {}", at.token);
    // Connected before anything is sent.
    let answer = ureq::get(url).header("authorization", token).call().unwrap();
    thread::spawn(move || {
        let mut rows = Vec::new();
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let line = line.unwrap();
            let Some(data) = line.strip_prefix("data:") else {
                continue;
            };
            let row: Value = serde_json::from_str(data).unwrap();
            if row["resource_id"] == "last" {
                break;
            }
            rows.push(seen(&row));
        }
        rows
    })
}

/// Polls from the last row that it saw on, which comes again: `since` is inclusive.
fn poll(at: &Addresses) -> JoinHandle<Seen> {
    let api = Api::new(at.http, &at.token);
    thread::spawn(move || {
        let mut rows: Seen = Vec::new();
        loop {
            let since = rows
                .last()
                .map_or("2000-01-01T00:00:00Z", |(at, _)| at.as_str())
                .to_owned();
            let page = api.get(&format!("/egress/audit?limit=200&since={since}")).ok();
            for row in page["data"].as_array().unwrap() {
                if row["resource_id"] == "last" {
                    return rows;
                }
                if rows.last() != Some(&seen(row)) {
                    rows.push(seen(row));
                }
            }
        }
    })
}

fn follow(replicas: &[Sluice]) {
    let at: Vec<_> = replicas.iter().map(Sluice::addresses).collect();
    let api = Api::new(at[0].http, &at[0].token);
    let filter = token(&api, "filter", "sandbox/*");
    let followers: Vec<_> = at.iter().flat_map(|at| [stream(at), poll(at)]).collect();
    let senders: Vec<_> = at
        .iter()
        .zip(["one", "other"])
        .map(|(at, name)| Senders::start(name, 3, Manner::Faithful, &[at.grpc.port()], &filter))
        .collect();
    for sender in &senders {
        sender.wait_for(30);
    }
    let sent: Vec<_> = senders.into_iter().flat_map(Senders::finish).collect();
    let expected: BTreeSet<String> = sent.into_iter().flat_map(|batch| batch.uids).collect();
    let last = sluice_tests::events::record("last/1", 1, Value::Null);
    let client = sluice_tests::otlp::Client::of(at[0].grpc.port()).token(&filter);
    client
        .export(&sluice_tests::events::batch("sandbox/last", "last/1", &[last]))
        .unwrap();
    for follower in followers {
        let rows = follower.join().unwrap();
        // Times of one form compare as texts.
        assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "out of order");
        assert_eq!(rows.len(), expected.len(), "something is there twice or not at all");
        let found: BTreeSet<String> = rows.into_iter().map(|(_, uid)| uid).collect();
        assert_eq!(found, expected);
    }
}

fn start(place: &Place, count: usize) -> Vec<Sluice> {
    (0..count).map(|_| Sluice::on(&place.url)).collect()
}

#[test]
fn a_tail_loses_and_repeats_nothing_on_sqlite() {
    follow(&start(&sqlite(), 1));
}

#[test]
fn a_tail_loses_and_repeats_nothing_with_two_replicas() {
    follow(&start(&postgresql(), 2));
}
