//! Takes events in: one function for every transport, acknowledged once the
//! database has committed.
//!
//! An export is checked record by record (`admit`) and waits, bounded by bytes,
//! for the one `writer`, which stores all that waits in one transaction
//! (`group`): numbers, rows and aggregates, or nothing.

mod admit;
mod attributes;
mod caps;
mod destinations;
mod domain;
mod event;
mod group;
mod instances;
mod lock;
mod numbers;
mod pending;
mod refusal;
mod rows;
mod sql;
mod streams;
mod traffic;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::access::Caller;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;
pub use caps::Room;
pub(crate) use lock::Locks;
pub(crate) use numbers::{Numbers, PATIENCE};
use writer::{Batch, Writer};

/// How much is taken in, and kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may wait to be stored, as they came; what comes beyond is to come again.
    pub waiting_bytes: usize,
    /// Records that are stored in one transaction, if that many wait.
    pub group_records: usize,
    /// Destinations of a resource.
    pub destinations: Room,
    /// Pending hosts of a resource.
    pub pending: Room,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_bytes: 64 << 20,
            group_records: 8_192,
            destinations: Room {
                hosts: 2_000,
                domains: 20_000,
            },
            pending: Room {
                hosts: 200,
                domains: 2_000,
            },
        }
    }
}

/// What became of an export that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// How many of its records were refused for good.
    pub rejected: u64,
    /// Why, of the first few; empty if none was.
    pub reason: String,
}

/// How long to wait when there is no room.
const RETRY_AFTER_MS: u64 = 500;

/// Takes exports in. Clones are the same.
#[derive(Debug, Clone)]
pub struct Ingest(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting_bytes: usize,
    waiting: Arc<AtomicUsize>,
    batches: mpsc::UnboundedSender<Batch>,
    closed: AtomicBool,
    closing: Arc<Notify>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Bytes that wait; given back when dropped.
#[derive(Debug)]
struct Waiting {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
        metrics::gauge!("sluice_collector_waiting_bytes").decrement(self.bytes as f64);
    }
}

impl Ingest {
    /// Starts the writer of a database.
    #[must_use]
    pub fn start(store: Store, limits: Limits) -> Self {
        let (batches, received) = mpsc::unbounded_channel();
        let closing = Arc::new(Notify::new());
        let writer = Writer::new(store, limits, received, Arc::clone(&closing));
        Self(Arc::new(Shared {
            waiting_bytes: limits.waiting_bytes,
            waiting: Arc::default(),
            batches,
            closed: AtomicBool::new(false),
            closing,
            writer: Mutex::new(Some(tokio::spawn(writer.run()))),
        }))
    }

    /// Stores an export of `bytes` bytes. Once it is answered with success, what
    /// was accepted is committed.
    ///
    /// # Errors
    /// Nothing was stored then: [`Error::RateLimited`] if too much waits already,
    /// [`Error::Database`] and [`Error::ShuttingDown`] if it should come again,
    /// [`Error::Internal`] if the database will never take it as it is.
    /// Only who went away before the answer cannot know.
    pub async fn export(
        &self,
        caller: &Caller,
        request: ExportLogsServiceRequest,
        bytes: usize,
    ) -> Result<Accepted, Error> {
        if !caller.role.sends() {
            return Err(Error::Forbidden(format!(
                "{} ({}) may not send events",
                caller.name,
                caller.role.as_str()
            )));
        }
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::ShuttingDown);
        }
        let waiting = self.reserve(bytes)?;
        let admitted = admit::admit(caller, request, Moment::now());
        if admitted.rejected > 0 {
            metrics::counter!("sluice_collector_records_total", "event" => "unknown", "result" => "refused")
                .increment(admitted.rejected);
        }
        let accepted = Accepted {
            rejected: admitted.rejected,
            reason: admitted.reason.clone(),
        };
        if admitted.records.is_empty() {
            return Ok(accepted);
        }
        let (answer, answered) = oneshot::channel();
        let batch = Batch {
            admitted,
            waiting,
            answer,
        };
        self.0.batches.send(batch).map_err(|_| Error::ShuttingDown)?;
        answered.await.map_err(|_| Error::ShuttingDown)??;
        Ok(accepted)
    }

    /// A single export larger than all the room is taken when nothing else waits.
    fn reserve(&self, bytes: usize) -> Result<Waiting, Error> {
        let most = self.0.waiting_bytes;
        let room = |waiting: usize| (waiting == 0 || waiting + bytes <= most).then_some(waiting + bytes);
        let reserved = self.0.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        reserved.map_err(|_| Error::RateLimited {
            retry_after_ms: RETRY_AFTER_MS,
        })?;
        metrics::gauge!("sluice_collector_waiting_bytes").increment(bytes as f64);
        Ok(Waiting {
            bytes,
            all: Arc::clone(&self.0.waiting),
        })
    }

    /// Takes nothing more, and returns when all that was taken is answered.
    pub async fn shutdown(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.closing.notify_one();
        // Whoever comes second waits for the first.
        let mut writer = self.0.writer.lock().await;
        if let Some(writer) = writer.as_mut()
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer of events failed");
        }
        *writer = None;
    }
}
