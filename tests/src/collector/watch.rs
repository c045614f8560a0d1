//! The side that hands out policies: what is known about each resource, who listens, and what they said.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tonic::{Code, Status};

use super::connection::Kill;
use crate::policy_v1::{Resource, Version, WatchRequest, WatchResponse, watch_request, watch_response};

/// What goes out on a stream: the bytes of a message, or how the call ends.
type Sent = Result<Vec<u8>, Status>;

/// The policies, and the streams that listen.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Posted>);

/// Behind one lock, so that what is pushed and what is answered come in one order.
#[derive(Debug, Default)]
pub(super) struct Posted {
    pub(super) log: Vec<(Instant, WatchRequest)>,
    /// How new calls are answered instead of being served.
    pub(super) refusal: Option<Code>,
    entries: HashMap<Resource, WatchResponse>,
    streams: Vec<Stream>,
    opened: u64,
}

/// One open call of Watch.
#[derive(Debug)]
struct Stream {
    number: u64,
    responses: mpsc::UnboundedSender<Sent>,
    subscribed: HashMap<Resource, Known>,
    /// Dropped with the stream, which ends the reading of requests.
    _open: oneshot::Sender<()>,
}

/// What a client knows about a resource.
#[derive(Debug, Default)]
struct Known {
    /// Of the policy that it holds or was sent.
    version: Option<Version>,
    /// Whether it was told that there is none.
    none: bool,
}

/// The serving end of a stream that was just opened.
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) responses: mpsc::UnboundedReceiver<Sent>,
    /// Completes when the board has closed the stream.
    pub(super) closed: oneshot::Receiver<()>,
}

impl Board {
    pub(super) fn lock(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().expect("no holder of this lock panics")
    }

    /// A client calls.
    pub(super) fn open(&self, connection: &Kill) -> Result<Opened, Status> {
        let mut posted = self.lock();
        if let Some(code) = posted.refusal {
            return Err(Status::new(code, "the test wants it so"));
        }
        if connection.is_done() {
            return Err(Status::unavailable("this process is dead"));
        }
        let (sender, responses) = mpsc::unbounded_channel();
        let (open, closed) = oneshot::channel();
        posted.opened += 1;
        let number = posted.opened;
        posted.streams.push(Stream {
            number,
            responses: sender,
            subscribed: HashMap::new(),
            _open: open,
        });
        Ok(Opened {
            number,
            responses,
            closed,
        })
    }

    /// A client says something.
    pub(super) fn received(&self, number: u64, request: WatchRequest, connection: &Kill) {
        use watch_request::Message;
        let mut posted = self.lock();
        if connection.is_done() {
            return;
        }
        posted.log.push((Instant::now(), request.clone()));
        let Posted { streams, entries, .. } = &mut *posted;
        let Some(stream) = streams.iter_mut().find(|stream| stream.number == number) else {
            return; // closed by us a moment ago
        };
        match request.message {
            Some(Message::Hello(hello)) => {
                for held in hello.held {
                    let resource = held.resource.unwrap_or_default();
                    let known = stream.subscribed.entry(resource.clone()).or_default();
                    known.version = held.version;
                    stream.answer(&resource, entries);
                }
            }
            Some(Message::Subscribe(subscribe)) => {
                stream.answer(&subscribe.resource.unwrap_or_default(), entries);
            }
            Some(Message::Unsubscribe(unsubscribe)) => {
                stream.subscribed.remove(&unsubscribe.resource.unwrap_or_default());
            }
            Some(Message::Ack(_) | Message::Nack(_)) | None => {}
        }
    }

    /// A client has hung up.
    pub(super) fn closed(&self, number: u64) {
        self.lock().streams.retain(|stream| stream.number != number);
    }
}

impl Posted {
    /// Stores what is to be said about a resource, and says it to everybody who asked.
    pub(super) fn set(&mut self, resource: &Resource, entry: WatchResponse) {
        for stream in &mut self.streams {
            if let Some(known) = stream.subscribed.get_mut(resource) {
                known.learn(&entry);
                stream.send(Ok(entry.encode_to_vec()));
            }
        }
        self.entries.insert(resource.clone(), entry);
    }

    pub(super) fn forget(&mut self, resource: &Resource) {
        self.entries.remove(resource);
    }

    /// Sends bytes as one message to everybody.
    pub(super) fn push(&self, bytes: &[u8]) {
        self.streams.iter().for_each(|stream| stream.send(Ok(bytes.to_vec())));
    }

    /// Ends all calls, with OK if there is no other status.
    pub(super) fn close(&mut self, code: Option<Code>) {
        for stream in self.streams.drain(..) {
            if let Some(code) = code {
                stream.send(Err(Status::new(code, "the test wants it so")));
            }
        }
    }

    pub(super) fn watchers(&self) -> usize {
        self.streams.len()
    }
}

impl Stream {
    /// Subscribes, and says at once what is new to the client.
    fn answer(&mut self, resource: &Resource, entries: &HashMap<Resource, WatchResponse>) {
        let known = self.subscribed.entry(resource.clone()).or_default();
        if let Some(entry) = entries.get(resource)
            && known.lacks(entry)
        {
            known.learn(entry);
            self.send(Ok(entry.encode_to_vec()));
        }
    }

    fn send(&self, sent: Sent) {
        // The client may have hung up; then there is nobody to tell.
        let _ = self.responses.send(sent);
    }
}

impl Known {
    fn lacks(&self, entry: &WatchResponse) -> bool {
        match &entry.message {
            Some(watch_response::Message::Policy(policy)) => order(self.version) < order(policy.version),
            Some(watch_response::Message::None(_)) => !self.none,
            None => false,
        }
    }

    fn learn(&mut self, entry: &WatchResponse) {
        match &entry.message {
            Some(watch_response::Message::Policy(policy)) => {
                self.version = policy.version;
                self.none = false;
            }
            Some(watch_response::Message::None(_)) => self.none = true,
            None => {}
        }
    }
}

/// Nothing is older than everything.
fn order(version: Option<Version>) -> Option<(u64, u64)> {
    version.map(|version| (version.epoch, version.revision))
}
