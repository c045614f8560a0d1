//! What waits to be sent, what has been sent and not acknowledged, and what
//! becomes of it when the collector is slow, away, or does not like it.
//!
//! A record gets its place in the sequence when it enters a batch, and a batch
//! is sent as it is until it is acknowledged, so a gap in the sequence means a
//! loss and nothing else. One batch is on its way at a time.

mod batch;

use std::collections::VecDeque;

use hashbrown::HashSet;

use super::otlp::{Counters, Writer};
use super::record::{Outcome, Record};
use super::retry::Answer;
use super::summary::Summaries;
use crate::backoff::Backoff;
use batch::Batch;

/// The most records of a batch, and their bytes.
const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: usize = 1 << 20;
/// Pending targets that wait; they can be told again, so the oldest give way.
const MOST_PENDING: usize = 1024;
/// How often a single record is refused before it is given up. A collector
/// that is killed in the middle of an answer looks like a refusal, once.
const REFUSALS: u32 = 3;

/// A record that waits, and when it came among all.
#[derive(Debug)]
struct Waiting {
    order: u64,
    record: Record,
}

/// The one outbox of a VM for one collector and credential.
#[derive(Debug)]
pub(crate) struct Outbox {
    writer: Writer,
    most_bytes: usize,
    flush: u64,
    next_number: u64,
    next_seq: u64,
    order: u64,

    /// Those that make way last: rejections, and records of the filter itself.
    grave: VecDeque<Waiting>,
    others: VecDeque<Waiting>,
    pending: VecDeque<Record>,
    pending_bytes: usize,
    bytes: usize,
    summaries: Summaries,
    /// Decisions whose `open` record was counted and not delivered: their ends
    /// would be second decisions. As many as there are streams open for long.
    counted: HashSet<u64>,

    /// Frozen batches; the last one is sent next or is on its way.
    batches: Vec<Batch>,
    in_flight: bool,
    backoff: Backoff,
    last_sent: u64,
    counters: Counters,
}

/// What the acknowledgement of a batch, or its refusal, should tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The credential is not accepted.
    Denied,
    /// A record was given up.
    GivenUp,
}

impl Outbox {
    /// An empty one. `instance` is `<process>/<vm>`; times are in nanoseconds
    /// of a clock that never goes back.
    pub(crate) fn new(instance: &str, most_bytes: usize, flush: u64, seed: u64) -> Self {
        Self {
            writer: Writer {
                instance: instance.into(),
            },
            most_bytes,
            flush,
            next_number: 0,
            next_seq: 1,
            order: 0,
            grave: VecDeque::new(),
            others: VecDeque::new(),
            pending: VecDeque::new(),
            pending_bytes: 0,
            bytes: 0,
            summaries: Summaries::new((most_bytes / 4096).clamp(64, 2048)),
            counted: HashSet::new(),
            batches: Vec::new(),
            in_flight: false,
            backoff: Backoff::new(seed),
            last_sent: 0,
            counters: Counters::default(),
        }
    }

    /// How much may wait, and for how long what is alone waits for company; of
    /// several configurations the one in force.
    pub(crate) fn limit(&mut self, most_bytes: usize, flush: u64) {
        self.most_bytes = most_bytes;
        self.flush = flush;
        self.make_room();
    }

    /// The number of a decision, for its `log.record.uid`.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number = self.next_number.saturating_add(1);
        self.next_number
    }

    /// The `log.record.uid` of a decision.
    pub(crate) fn uid(&self, number: u64) -> String {
        self.writer.uid(number)
    }

    /// Takes a record in. What makes room for it is merged, and counted.
    pub(crate) fn add(&mut self, record: Record) {
        if let Record::Audit(audit) = &record
            && audit.reported
            && self.counted.remove(&audit.number)
        {
            return;
        }
        self.order = self.order.saturating_add(1);
        let size = record.size();
        self.bytes = self.bytes.saturating_add(size);
        let grave = match &record {
            Record::Audit(audit) => audit.decided.would_reject,
            Record::Pending(_) => {
                self.pending_bytes = self.pending_bytes.saturating_add(size);
                self.pending.push_back(record);
                self.make_room();
                return;
            }
            Record::Undecided(_) => false,
            Record::Heartbeat(_) => true,
        };
        let queue = if grave { &mut self.grave } else { &mut self.others };
        queue.push_back(Waiting {
            order: self.order,
            record,
        });
        self.make_room();
    }

    /// Bytes that have not been acknowledged.
    fn unsent_bytes(&self) -> usize {
        let frozen: usize = self.batches.iter().map(Batch::bytes).sum();
        let summaries = self.summaries.len().saturating_mul(256);
        self.bytes.saturating_add(frozen).saturating_add(summaries)
    }

    /// Whether everything has been acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.waiting() == 0 && self.summaries.is_empty()
    }

    /// How many records, and decisions in summaries, have not been acknowledged.
    pub(crate) fn unsent(&self) -> usize {
        let frozen: usize = self.batches.iter().map(Batch::len).sum();
        self.waiting()
            .saturating_add(frozen)
            .saturating_add(self.summaries.len())
    }

    /// Whether there is enough for a batch, or one that is frozen already.
    pub(crate) fn has_a_batch(&self) -> bool {
        !self.batches.is_empty() || self.is_full()
    }

    /// How often in a row sending has failed.
    pub(crate) fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    fn waiting(&self) -> usize {
        let grave_and_others = self.grave.len().saturating_add(self.others.len());
        grave_and_others.saturating_add(self.pending.len())
    }

    fn make_room(&mut self) {
        let frozen: usize = self.batches.iter().map(Batch::bytes).sum();
        let most = self.most_bytes.saturating_sub(frozen).max(BATCH_BYTES / 16);
        // A quarter of the room: the rejections themselves are worth more.
        while self.pending.len() > MOST_PENDING || self.pending_bytes > most / 4 {
            let Some(oldest) = self.take_pending() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.size());
        }
        while self.bytes > most {
            let Some(Waiting { record, .. }) = self.others.pop_front().or_else(|| self.grave.pop_front()) else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(record.size());
            self.merge(record);
        }
    }

    fn merge(&mut self, record: Record) {
        match record {
            // Its decision went out with the open record.
            Record::Audit(audit) if audit.reported => {}
            Record::Audit(audit) => {
                if audit.course.outcome == Outcome::Open {
                    self.counted.insert(audit.number);
                }
                self.summaries.add(&audit);
                self.counters.merged = self.counters.merged.saturating_add(1);
            }
            // No decision is lost with these, and their like comes again.
            Record::Pending(_) | Record::Undecided(_) | Record::Heartbeat(_) => {}
        }
    }

    /// The message to send now, if there is one. Until it is `answered`,
    /// nothing else is sent.
    pub(crate) fn send(&mut self, now: u64, hurry: bool) -> Option<Vec<u8>> {
        if self.in_flight || !self.backoff.is_over(now) {
            return None;
        }
        if self.batches.is_empty() {
            let due = hurry || self.is_full() || now.saturating_sub(self.last_sent) >= self.flush;
            if !due {
                return None;
            }
            let batch = self.freeze()?;
            self.batches.push(batch);
        }
        let batch = self.batches.last()?;
        self.in_flight = true;
        self.last_sent = now;
        Some(batch.message(&self.writer.instance))
    }

    /// Whether what waits fills a batch.
    fn is_full(&self) -> bool {
        // Records in memory are about a third of what they are in OTLP.
        self.waiting() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES / 2
    }

    fn freeze(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        while batch.len() < BATCH_RECORDS && batch.bytes() < BATCH_BYTES {
            let Some(record) = self.next_waiting() else { break };
            self.bytes = self.bytes.saturating_sub(record.size());
            let seq = self.seq();
            let log = self.writer.record(&record, seq, self.unsent_bytes(), self.counters);
            batch.add(&record, log);
        }
        // Summaries go once what is whole has gone, so that they are few.
        while batch.len() < BATCH_RECORDS && batch.bytes() < BATCH_BYTES {
            let Some(summary) = self.summaries.take() else { break };
            let seq = self.seq();
            let log = self.writer.summary(&summary, seq);
            batch.add_summary(&summary, log);
        }
        (batch.len() > 0).then_some(batch)
    }

    fn take_pending(&mut self) -> Option<Record> {
        let pending = self.pending.pop_front()?;
        self.pending_bytes = self.pending_bytes.saturating_sub(pending.size());
        Some(pending)
    }

    fn next_waiting(&mut self) -> Option<Record> {
        if let Some(pending) = self.take_pending() {
            return Some(pending);
        }
        let grave = self.grave.front().map_or(u64::MAX, |waiting| waiting.order);
        let other = self.others.front().map_or(u64::MAX, |waiting| waiting.order);
        let queue = if grave < other {
            &mut self.grave
        } else {
            &mut self.others
        };
        queue.pop_front().map(|waiting| waiting.record)
    }

    fn seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq = seq.saturating_add(1);
        seq
    }

    /// The batch on its way was acknowledged.
    pub(crate) fn acknowledged(&mut self, rejected: u64) {
        if !std::mem::take(&mut self.in_flight) {
            return;
        }
        let decisions = self.batches.pop().map_or(0, |batch| batch.decisions());
        self.backoff.succeeded();
        self.counters.refused = self.counters.refused.saturating_add(rejected.min(decisions));
    }

    /// The batch on its way was answered with a gRPC status other than OK, or
    /// could not be sent.
    pub(crate) fn failed(&mut self, code: u32, now: u64) -> Option<Notice> {
        if !std::mem::take(&mut self.in_flight) {
            return None;
        }
        self.backoff.failed(now);
        match Answer::of_code(code) {
            Answer::Later => None,
            Answer::Denied => Some(Notice::Denied),
            Answer::Refused => self.refused(),
        }
    }

    fn refused(&mut self) -> Option<Notice> {
        let mut batch = self.batches.pop()?;
        if let Some(second) = batch.split() {
            // Finding the one that is not accepted is no reason to wait.
            if self.backoff.failures() <= BATCH_RECORDS.ilog2() {
                self.backoff.hurry();
            }
            self.batches.push(second);
            self.batches.push(batch);
            return None;
        }
        if batch.refused() < REFUSALS {
            self.batches.push(batch);
            return None;
        }
        self.counters.refused = self.counters.refused.saturating_add(batch.decisions());
        self.counted.extend(batch.open());
        Some(Notice::GivenUp)
    }

    /// The call was lost with the context that made it.
    pub(crate) fn lost(&mut self) {
        self.in_flight = false;
    }
}

#[cfg(test)]
mod tests;
