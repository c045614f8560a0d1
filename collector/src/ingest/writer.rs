//! The one that writes: takes all that waits, commits it together, and answers each.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, mpsc, oneshot};

use super::admit::Admitted;
use super::group::{self, Seen};
use super::{Limits, Waiting};
use crate::error::Error;
use crate::store::Store;

/// An export that waits.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) admitted: Admitted,
    pub(super) waiting: Waiting,
    pub(super) answer: oneshot::Sender<Result<(), Error>>,
}

/// How often a transaction is tried that another one was in the way of.
const TRIES: usize = 3;

pub(super) struct Writer {
    store: Store,
    limits: Limits,
    batches: mpsc::UnboundedReceiver<Batch>,
    closing: Arc<Notify>,
    seen: Seen,
}

impl Writer {
    pub(super) fn new(
        store: Store,
        limits: Limits,
        batches: mpsc::UnboundedReceiver<Batch>,
        closing: Arc<Notify>,
    ) -> Self {
        Self {
            store,
            limits,
            batches,
            closing,
            seen: Seen::default(),
        }
    }

    /// Until it is closed, and all that came before is stored.
    pub(super) async fn run(mut self) {
        let closing = Arc::clone(&self.closing);
        loop {
            let batch = tokio::select! {
                biased;
                () = closing.notified() => {
                    self.batches.close();
                    continue;
                }
                batch = self.batches.recv() => batch,
            };
            let Some(first) = batch else { return };
            let mut records = first.admitted.records.len();
            let mut group = vec![first];
            while records < self.limits.group_records {
                let Ok(next) = self.batches.try_recv() else { break };
                records += next.admitted.records.len();
                group.push(next);
            }
            metrics::histogram!("sluice_collector_group_records").record(records as f64);
            self.write(group).await;
        }
    }

    async fn write(&mut self, group: Vec<Batch>) {
        let all: Vec<&Admitted> = group.iter().map(|batch| &batch.admitted).collect();
        let error = match self.commit(&all).await {
            Ok(()) => return group.into_iter().for_each(|batch| batch.answer(Ok(()))),
            Err(error) => error,
        };
        // If it is the fault of one of them, the others need not suffer.
        if group.len() > 1 && is_of_the_data(&error) {
            for batch in group {
                let result = self.commit(&[&batch.admitted]).await;
                batch.answer(result.map_err(|error| told(&error)));
            }
            return;
        }
        error.log();
        group.into_iter().for_each(|batch| batch.answer(Err(told(&error))));
    }

    async fn commit(&mut self, batches: &[&Admitted]) -> Result<(), Error> {
        let began = Instant::now();
        let mut tries = 1;
        let result = loop {
            match group::store(&self.store, &self.limits, &mut self.seen, batches).await {
                Err(error) if tries < TRIES && is_in_the_way(&error) => tries += 1,
                result => break result,
            }
        };
        metrics::histogram!("sluice_collector_commit_seconds").record(began.elapsed().as_secs_f64());
        result
    }
}

impl Batch {
    /// Who went away meanwhile does not hear it, and sends it again.
    fn answer(self, result: Result<(), Error>) {
        let Self { waiting, answer, .. } = self;
        drop(waiting);
        let _ = answer.send(result);
    }
}

/// The SQLSTATE, or what SQLite has instead.
fn code(error: &Error) -> Option<String> {
    match error {
        Error::Database(error) => Some(error.as_database_error()?.code()?.into_owned()),
        _ => None,
    }
}

/// A deadlock, or a transaction that another one overtook.
fn is_in_the_way(error: &Error) -> bool {
    code(error).is_some_and(|code| matches!(code.as_str(), "40P01" | "40001"))
}

/// Whether the same would fail again, while something else may not.
fn is_of_the_data(error: &Error) -> bool {
    match error {
        Error::Database(database) => {
            let kind = database.as_database_error().map(|error| error.kind());
            let violated = kind.is_some_and(|kind| !matches!(kind, sqlx::error::ErrorKind::Other));
            violated || code(error).is_some_and(|code| is_of_the_data_code(&code))
        }
        Error::Internal(_) => true,
        _ => false,
    }
}

/// PostgreSQL's classes for data and integrity; of SQLite too big, constraint
/// and mismatch, whose low byte is the class.
fn is_of_the_data_code(code: &str) -> bool {
    match code.len() {
        5 => code.starts_with("22") || code.starts_with("23"),
        _ => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
    }
}

/// The same error for everybody. What will never be stored must not come again
/// and again: a filter halves a batch that is refused so, and drops and counts
/// the record that is at fault.
fn told(error: &Error) -> Error {
    match error {
        Error::Database(database) if !is_of_the_data(error) => {
            Error::Database(sqlx::Error::Protocol(database.to_string()))
        }
        error => Error::Internal(error.to_string()),
    }
}
