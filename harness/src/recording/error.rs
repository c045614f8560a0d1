//! What can be wrong with a recording, and with one entry of it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::sniff::{Format, Resemblance};
use super::unheard::{FlowProblem, PacketProblem};

/// An entry that stands for no traffic, with its place and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands, written as in [`Recorded::source`](super::Recorded::source).
    pub source: String,
    /// Why it is left out.
    pub reason: SkipReason,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

/// Why one entry is left out; the others are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// A line that is not one JSON object, or one whose fields have other types.
    #[error("not a readable JSON line: {problem}")]
    Line {
        /// What the parser found, and where in the line.
        problem: String,
    },
    /// A line that is not text.
    #[error("not UTF-8 from byte {offset} of the line on")]
    NotUtf8 {
        /// The first bad byte, from 0.
        offset: usize,
    },
    /// A line that is longer than any access log line, and would have to be held in memory.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The most that is read of a line.
        limit: usize,
    },
    /// A field that is missing or not what it should be.
    #[error("{field} is {found}, expected {expected}")]
    Field {
        /// The field, with dots between levels.
        field: &'static str,
        /// What is there instead, cut when it is long.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A URL that no browser would have sent.
    #[error("request.url {url:?} is not a URL: {problem}")]
    Url {
        /// The URL, cut when it is long.
        url: String,
        /// What the URL parser says.
        problem: url::ParseError,
    },
    /// A URL whose scheme is not carried by HTTP.
    #[error("no traffic for a proxy: the URL's scheme is {scheme}, expected http, https, ws or wss")]
    Scheme {
        /// The scheme, without its colon.
        scheme: String,
    },
    /// A line of an Istio sidecar about a request that came in.
    #[error("inbound traffic of a sidecar, not egress")]
    Inbound,
    /// A line about a stream that opened or still ran; its end has a line of its own.
    #[error("an interim line ({log_type}); the end of the same stream is logged as well")]
    Interim {
        /// Envoy's word for the moment.
        log_type: String,
    },
    /// A line that tells nothing about where the traffic went.
    #[error("neither an authority nor a server name was recorded")]
    NoTarget,
    /// A connection, or the rest of one, that cannot be judged.
    #[error("to {to}: {problem}")]
    Flow {
        /// Where it goes: address and port, and the target of the `CONNECT` it is inside of.
        to: String,
        /// Why not.
        problem: FlowProblem,
    },
    /// QUIC connections to one server.
    #[error("QUIC: not seen by Sluice ({} to {server})", counted(*connections, "connection"))]
    Quic {
        /// The server's address and port.
        server: String,
        /// How many.
        connections: u64,
    },
    /// Packets that may have belonged to connections, all those that share a reason.
    #[error("{}: {problem}", counted(*packets, "packet"))]
    Packets {
        /// How many.
        packets: u64,
        /// Why they were passed over.
        problem: PacketProblem,
    },
    /// The last packet or trace of a file whose writer did not finish it.
    #[error("the file is cut off here")]
    CutOff,
    /// A defect behind which nothing can be found any more.
    #[error("the file is damaged here and cannot be read any further: {problem}")]
    Damaged {
        /// What is wrong.
        problem: &'static str,
    },
    /// A trace of Envoy's tap that is none.
    #[error("not a readable tap trace: {problem}")]
    Trace {
        /// What the parser found.
        problem: String,
    },
}

/// `1 packet`, `2 packets`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened or read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It is a directory.
    #[error("{}: a directory; name the recordings in it one by one", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// Nothing is in it.
    #[error("{}: the file is empty, so it records nothing", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is not text in UTF-8.
    #[error("{}: not UTF-8 from byte {offset} on; save the recording as UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first bad byte, from 0.
        offset: usize,
    },
    /// An HTTP Archive that ends before its JSON does.
    #[error("{}: the HTTP Archive is cut off ({error}); export it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the parser stopped.
        #[source]
        error: serde_json::Error,
    },
    /// An HTTP Archive whose JSON or outer shape is broken.
    #[error("{}: not a readable HTTP Archive: {error}; expected {{\"log\": {{\"entries\": [...]}}}}", path.display())]
    Har {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        error: serde_json::Error,
    },
    /// No reader knows the content.
    #[error(
        "{}: no known recording format{}; known are: {}",
        path.display(),
        resembles.map(|what| format!(" ({what})")).unwrap_or_default(),
        Format::ALL.map(Format::describe).join("; ")
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it looks like instead.
        resembles: Option<Resemblance>,
    },
}

/// A value for an error message: no longer than a line of text.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
