//! Senders that go on until they are told to stop, as filters do: a batch comes again until it is acknowledged.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use serde_json::json;

use crate::{events, otlp, wait};

/// How many records a batch has; more than one page of a database holds.
pub const RECORDS: i64 = 40;
/// How many hosts they are for.
const HOSTS: i64 = 7;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The ids of its records.
    pub uids: Vec<String>,
    /// Whether the collector said that it has them.
    pub acknowledged: bool,
}

/// Whether a batch that is not acknowledged is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Until it is acknowledged, by whichever collector.
    Faithful,
    /// Never.
    Fickle,
}

/// A number of senders of one sandbox, an instance each.
#[derive(Debug)]
pub struct Senders {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<Sent>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Starts `count` of them, whose instances are called `name-0/1`, `name-1/1`, ….
    /// They send to the first of the ports, and to the next one whenever one fails.
    #[must_use]
    pub fn start(name: &str, count: usize, manner: Manner, ports: &[u16], token: &str) -> Self {
        let clients: Vec<_> = ports.iter().map(|port| otlp::Client::of(*port).token(token)).collect();
        let senders = Self {
            stop: Arc::default(),
            acknowledged: Arc::default(),
            sent: Arc::default(),
            threads: Vec::new(),
        };
        let start = |number| {
            let sender = Sender {
                instance: format!("{name}-{number}/1"),
                manner,
                clients: clients.clone(),
                stop: Arc::clone(&senders.stop),
                acknowledged: Arc::clone(&senders.acknowledged),
                sent: Arc::clone(&senders.sent),
            };
            thread::spawn(move || sender.run())
        };
        let threads = (0..count).map(start).collect();
        Self { threads, ..senders }
    }

    /// Waits until so many more batches are acknowledged.
    pub fn wait_for(&self, more: usize) {
        let enough = self.acknowledged.load(Ordering::Acquire) + more;
        wait::until(&format!("{more} more batches acknowledged"), || {
            (self.acknowledged.load(Ordering::Acquire) >= enough).then_some(())
        });
    }

    /// Stops them, when each has finished the batch it is at; all that they sent.
    ///
    /// # Panics
    /// If a batch was refused, in whole or in part.
    #[must_use]
    pub fn finish(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            thread.join().expect("no batch is refused");
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *sent)
    }
}

struct Sender {
    instance: String,
    manner: Manner,
    clients: Vec<otlp::Client>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Sender {
    fn run(self) {
        let mut seq = 0;
        let mut at = 0;
        while !self.stop.load(Ordering::Acquire) {
            let records: Vec<_> = (seq + 1..=seq + RECORDS)
                .map(|seq| {
                    let host = format!("h{}.example.com", seq % HOSTS);
                    events::record(&self.instance, seq, json!({"server.address": host}))
                })
                .collect();
            let uids = (seq + 1..=seq + RECORDS).map(|seq| format!("{}/{seq}", self.instance));
            seq += RECORDS;
            let batch = events::batch("sandbox/sb_1", &self.instance, &records);
            let acknowledged = loop {
                match self.clients[at % self.clients.len()].export(&batch) {
                    Ok(answer) => {
                        assert_eq!(answer.partial_success, None, "{}", self.instance);
                        break true;
                    }
                    Err(_) => {
                        at += 1;
                        sleep(PAUSE);
                        if self.manner == Manner::Fickle {
                            break false;
                        }
                    }
                }
            };
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent {
                uids: uids.collect(),
                acknowledged,
            });
            self.acknowledged.fetch_add(usize::from(acknowledged), Ordering::AcqRel);
        }
    }
}
