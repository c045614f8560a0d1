//! The side that takes events: records them, and answers as the test wants it.

use std::future::pending;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message;
use tonic::{Code, Status};

use super::connection::Kill;
use super::event::Event;

/// How calls of Export are answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answer {
    /// Records, and says so with an empty message.
    #[default]
    Accept,
    /// Records nothing and answers with this status.
    Status(Code),
    /// Refuses that many records, the last ones of the batch, for good, and records the rest.
    PartialSuccess {
        /// How many.
        rejected: i64,
        /// Why.
        message: String,
    },
    /// Records nothing and never answers.
    Stall,
    /// Records at once, and answers that much later.
    Late(Duration),
    /// Records and then resets the connection: the client cannot know that it should not send the batch again.
    AcceptThenDie,
    /// Records nothing and answers OK with a message that is none.
    Garbage,
}

/// No message starts like this: a field number of more than ten bytes.
const GARBAGE: [u8; 3] = [0xff; 3];

/// What came, and what is to be answered.
#[derive(Debug, Default)]
pub(super) struct Intake(Mutex<Taken>);

/// Behind one lock, so that a test never sees half of an export.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) answer: Answer,
    pub(super) events: Vec<Event>,
    pub(super) exports: usize,
}

impl Intake {
    pub(super) fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().expect("no holder of this lock panics")
    }

    /// One call, by a client that may call. Gives the bytes of the answer.
    pub(super) async fn export(
        &self,
        request: ExportLogsServiceRequest,
        token: Option<&str>,
        connection: &Kill,
    ) -> Result<Vec<u8>, Status> {
        let mut events = Event::decode(request, token, Instant::now());
        let answer = self.lock().answer.clone();
        let mut response = ExportLogsServiceResponse::default();
        match &answer {
            Answer::Stall => pending::<()>().await,
            Answer::Garbage => return Ok(GARBAGE.to_vec()),
            Answer::Status(code) => return Err(Status::new(*code, "the test wants it so")),
            Answer::PartialSuccess { rejected, message } => {
                let rejected_records = usize::try_from(*rejected).unwrap_or(0);
                events.truncate(events.len().saturating_sub(rejected_records));
                response.partial_success = Some(ExportLogsPartialSuccess {
                    rejected_log_records: *rejected,
                    error_message: message.clone(),
                });
            }
            Answer::Accept | Answer::Late(_) | Answer::AcceptThenDie => {}
        }
        self.record(events, connection);
        match answer {
            Answer::Late(delay) => tokio::time::sleep(delay).await,
            Answer::AcceptThenDie => {
                connection.now();
                pending().await
            }
            _ => {}
        }
        Ok(response.encode_to_vec())
    }

    /// Records, unless the process that would do it is dead already.
    fn record(&self, events: Vec<Event>, connection: &Kill) {
        let mut taken = self.lock();
        if !connection.is_done() {
            taken.events.extend(events);
        }
    }
}
