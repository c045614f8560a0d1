//! Opens a recording and hands out what is in it, piece by piece or all at once.

use std::fs::{self, File};
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_policy::Timestamp;

use super::capture::Capture;
use super::error::{ReadError, SkipReason, Skipped};
use super::lines::Lines;
use super::sniff::{Format, sniff};
use super::tap::Tap;
use super::traffic::{Recorded, Traffic};
use super::{access_log, audit, har};
use crate::progress::{Progress, Silent};

/// How much of a file is looked at to tell its format: enough to get past what a
/// sidecar prints before its first access log line.
const EXCERPT: u64 = 256 << 10;

/// One entry of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An entry that stands for traffic.
    Recorded(Recorded),
    /// An entry that does not, and why.
    Skipped(Skipped),
}

/// Everything in one recording.
#[derive(Debug)]
pub struct Reading {
    /// What the file turned out to be.
    pub format: Format,
    /// The traffic, in the order of the file.
    pub recorded: Vec<Recorded>,
    /// The entries left out.
    pub skipped: Vec<Skipped>,
}

/// An entry before it is known where it stands.
pub(super) struct Parsed {
    pub(super) at: Option<Timestamp>,
    pub(super) count: u64,
    pub(super) traffic: Traffic,
    pub(super) address: Option<IpAddr>,
}

/// An open recording: an iterator over its entries.
///
/// All but HTTP Archives are read while iterating, so that a file of any size fits.
pub struct Records {
    path: PathBuf,
    name: String,
    format: Format,
    content: Content,
}

/// A file whose beginning was read to tell its format.
type Whole = BufReader<Chain<Cursor<Vec<u8>>, Watched>>;

/// A place in a file, and what stands there.
type Entry = (String, Result<Parsed, SkipReason>);

enum Content {
    Entries(std::iter::Enumerate<std::vec::IntoIter<Result<Parsed, SkipReason>>>),
    Lines(Lines<Whole>, fn(&str) -> Result<Parsed, SkipReason>),
    Capture(Box<Capture<Whole>>),
    Tap(Box<Tap<Whole>>),
    Ended,
}

/// Reads the whole recording at `path`.
///
/// # Errors
/// See [`ReadError`]: no such file, no known format, broken beyond its entries.
pub fn read(path: &Path) -> Result<Reading, ReadError> {
    read_watched(path, Arc::new(Silent))
}

/// Reads the whole recording at `path`, and says how many bytes of it were read.
///
/// # Errors
/// As with [`read`].
pub fn read_watched(path: &Path, progress: Arc<dyn Progress + Send>) -> Result<Reading, ReadError> {
    let records = open_watched(path, progress)?;
    let mut reading = Reading {
        format: records.format(),
        recorded: Vec::new(),
        skipped: Vec::new(),
    };
    for item in records {
        match item? {
            Item::Recorded(recorded) => reading.recorded.push(recorded),
            Item::Skipped(skipped) => reading.skipped.push(skipped),
        }
    }
    Ok(reading)
}

/// Opens the recording at `path` and finds out its format.
///
/// # Errors
/// See [`ReadError`].
pub fn open(path: &Path) -> Result<Records, ReadError> {
    open_watched(path, Arc::new(Silent))
}

fn open_watched(path: &Path, progress: Arc<dyn Progress + Send>) -> Result<Records, ReadError> {
    let io = |error| ReadError::Io {
        path: path.to_owned(),
        error,
    };
    let about = fs::metadata(path).map_err(io)?;
    if about.is_dir() {
        return Err(ReadError::Directory { path: path.to_owned() });
    }
    let file = File::open(path).map_err(io)?;
    progress.begin(about.len().try_into().unwrap_or(usize::MAX));
    let mut file = Watched { file, progress };
    let mut start = Vec::new();
    file.by_ref().take(EXCERPT).read_to_end(&mut start).map_err(io)?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    start.drain(..mark);
    if start.trim_ascii().is_empty() {
        return Err(ReadError::Empty { path: path.to_owned() });
    }
    let format = sniff(&start).map_err(|resembles| match str::from_utf8(&start) {
        Err(error) if resembles.is_none() && error.error_len().is_some() => ReadError::NotUtf8 {
            path: path.to_owned(),
            offset: mark + error.valid_up_to(),
        },
        _ => ReadError::Unknown {
            path: path.to_owned(),
            resembles,
        },
    })?;
    let content = match format {
        Format::Har => {
            file.read_to_end(&mut start).map_err(io)?;
            Content::Entries(archive(path, mark, &start)?.into_iter().enumerate())
        }
        Format::EnvoyAccessLog => Content::Lines(Lines::new(whole(start, file)), access_log::line),
        Format::SluiceAudit => Content::Lines(Lines::new(whole(start, file)), audit::line),
        Format::Capture => Content::Capture(Box::new(Capture::new(whole(start, file)))),
        Format::EnvoyTap(encoding) => Content::Tap(Box::new(Tap::new(whole(start, file), encoding))),
    };
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    Ok(Records {
        path: path.to_owned(),
        name,
        format,
        content,
    })
}

/// A file that says how far it was read, also while nothing comes of what is read.
struct Watched {
    file: File,
    progress: Arc<dyn Progress + Send>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.progress.advance(read);
        Ok(read)
    }
}

fn whole(start: Vec<u8>, rest: Watched) -> Whole {
    BufReader::new(Cursor::new(start).chain(rest))
}

fn archive(path: &Path, mark: usize, text: &[u8]) -> Result<Vec<Result<Parsed, SkipReason>>, ReadError> {
    let path = path.to_owned();
    if let Err(error) = str::from_utf8(text) {
        return Err(ReadError::NotUtf8 {
            path,
            offset: mark + error.valid_up_to(),
        });
    }
    har::entries(text).map_err(|error| match error.is_eof() {
        true => ReadError::Truncated { path, error },
        false => ReadError::Har { path, error },
    })
}

impl Records {
    /// What the file turned out to be.
    pub fn format(&self) -> Format {
        self.format
    }

    fn item(&self, place: String, parsed: Result<Parsed, SkipReason>) -> Item {
        let source = format!("{}{place}", self.name);
        match parsed {
            Ok(Parsed {
                at,
                count,
                traffic,
                address,
            }) => Item::Recorded(Recorded {
                source,
                at,
                count,
                traffic,
                address,
            }),
            Err(reason) => Item::Skipped(Skipped { source, reason }),
        }
    }
}

impl Content {
    fn next(&mut self) -> io::Result<Option<Entry>> {
        let numbered = |(number, parsed)| (format!("#{number}"), parsed);
        Ok(match self {
            Self::Entries(entries) => entries.next().map(|(index, parsed)| (format!("#{index}"), parsed)),
            Self::Lines(lines, reader) => {
                let line = lines.next()?;
                line.map(|(number, line)| (format!(":{number}"), line.and_then(*reader)))
            }
            Self::Capture(capture) => capture.next()?.map(numbered),
            Self::Tap(tap) => tap.next()?.map(numbered),
            Self::Ended => None,
        })
    }
}

impl Iterator for Records {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.content.next() {
            Ok(entry) => entry.map(|(place, parsed)| Ok(self.item(place, parsed))),
            Err(error) => {
                self.content = Content::Ended;
                Some(Err(ReadError::Io {
                    path: self.path.clone(),
                    error,
                }))
            }
        }
    }
}
