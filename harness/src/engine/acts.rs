//! Everything a filter did, in the order it did it: record, then assert.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proxy_wasm_host::abi::v0_2_1::types::{Action, StreamType};
use proxy_wasm_host::abi::v0_2_1::{Callback, LogContext, LogSink};

pub use proxy_wasm_host::abi::v0_2_1::types::LogLevel as Level;

/// One thing a filter did, and the callback it did it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The callback that was running; none in the start-up code of the module.
    pub during: Option<Callback>,
    /// What was done.
    pub act: Act,
}

/// What a filter can do to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It wrote to the log.
    Log(Line),
    /// It set a property, which Envoy keeps as filter state `wasm.<path>`.
    SetProperty {
        /// The segments of the path.
        path: Vec<Vec<u8>>,
        /// The value.
        value: Vec<u8>,
    },
    /// It answered the request itself.
    LocalResponse {
        /// The HTTP status.
        status: u32,
        /// The response code details.
        details: Vec<u8>,
        /// The headers.
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        /// The body.
        body: Vec<u8>,
    },
    /// It closed a side of the stream.
    Close(StreamType),
    /// It let a side of the stream go on.
    Resume(StreamType),
    /// It changed a header: the new value, or none where it removed the header.
    SetHeader {
        /// The name.
        name: Vec<u8>,
        /// The new value.
        value: Option<Vec<u8>>,
    },
    /// It raised a counter, or moved a gauge.
    Count {
        /// The name of the metric.
        metric: String,
        /// By how much.
        by: i64,
    },
    /// It set a metric, or added a value to a histogram.
    Record {
        /// The name of the metric.
        metric: String,
        /// The value.
        value: u64,
    },
    /// It called a function that Envoy has and the ABI does not.
    Foreign {
        /// The name of the function.
        name: Vec<u8>,
    },
    /// It opened a gRPC call or stream.
    GrpcOpen {
        /// Its number, which no other of the process has; none if it was refused.
        number: Option<u64>,
        /// The gRPC service.
        service: Vec<u8>,
        /// The method.
        method: Vec<u8>,
    },
    /// It sent a message on a gRPC stream.
    GrpcSend {
        /// The number of the stream.
        number: u64,
        /// The message.
        message: Vec<u8>,
        /// Whether it was its last.
        last: bool,
    },
    /// It said that it sends no more on a gRPC stream.
    GrpcClose {
        /// The number of the stream.
        number: u64,
    },
    /// It gave a gRPC call or stream up.
    GrpcCancel {
        /// The number of the call or stream.
        number: u64,
    },
    /// It wrote shared data, or failed to because another wrote before it.
    SetShared {
        /// The key.
        key: Vec<u8>,
        /// How many bytes.
        bytes: usize,
        /// Whether they were written.
        written: bool,
    },
    /// It put an item into a shared queue.
    Enqueue {
        /// The name of the queue.
        queue: Vec<u8>,
        /// The item.
        item: Vec<u8>,
    },
    /// It was called: what follows it did in this callback.
    Entered {
        /// The context, by its number.
        context: u32,
    },
    /// A stream callback ended with this answer.
    Answer(Action),
}

/// A line of the filter's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its level.
    pub level: Level,
    /// Its text.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:?}] {}", self.level, self.text.trim_end())
    }
}

/// The one list that every host function writes to.
///
/// Behind a lock because the ABI crate asks it of a log sink; the VM that
/// writes and the engine that reads share a thread, so it is never waited for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Entry>>>);

impl Journal {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, during: Option<Callback>, act: Act) {
        self.entries().push(Entry { during, act });
    }

    /// How many acts have been recorded.
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    /// What has been recorded after the first `count` acts.
    pub(crate) fn since(&self, count: usize) -> Vec<Entry> {
        self.entries().get(count..).map(<[Entry]>::to_vec).unwrap_or_default()
    }

    /// Moves what has been recorded into `taken`, whose old content goes. The
    /// two lists change places, so neither is allocated anew.
    pub(crate) fn take_into(&self, taken: &mut Vec<Entry>) {
        taken.clear();
        mem::swap(taken, &mut self.entries());
    }
}

impl LogSink for Journal {
    fn log(&self, context: LogContext<'_>, level: Level, message: &[u8]) {
        let text = match String::from_utf8_lossy(message) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        };
        self.add(
            context.call.and_then(|call| call.callback),
            Act::Log(Line { level, text }),
        );
    }
}

/// The log lines among `acts`; those of warning or worse, if there are any.
pub(crate) fn telling_lines(acts: &[Entry]) -> Vec<Line> {
    let lines = || {
        acts.iter().filter_map(|entry| match &entry.act {
            Act::Log(line) => Some(line.clone()),
            _ => None,
        })
    };
    let grave: Vec<Line> = lines().filter(|line| line.level >= Level::Warn).collect();
    if grave.is_empty() { lines().collect() } else { grave }
}
