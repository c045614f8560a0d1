//! Reads recordings, one after the other, as one piece of traffic.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_harness::recording::{self, Recorded, Skipped};

use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;

/// Where a recording on stdin is read from.
const STDIN: &str = "/dev/stdin";

/// How many skipped entries are listed.
pub(crate) const LISTED: usize = 20;

/// Everything that was recorded.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// The entries that stand for traffic, in the order of the arguments.
    pub(crate) recorded: Vec<Recorded>,
    /// The entries that do not.
    pub(crate) skipped: Vec<Skipped>,
}

/// Reads all recordings; `-` is stdin.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Traffic, Failure> {
    let mut traffic = Traffic {
        recorded: Vec::new(),
        skipped: Vec::new(),
    };
    let mut known = BTreeSet::new();
    for path in paths {
        if !known.insert(path) {
            return Err(Failure::Twice { path: path.clone() });
        }
        let file = if path == Path::new("-") { Path::new(STDIN) } else { path };
        let mut reading = recording::read_watched(file, Arc::new(Bar::new()))?;
        if reading.recorded.is_empty() && reading.skipped.is_empty() {
            output::message(format_args!(
                "{}: nothing is recorded in it",
                crate::failure::name(path)
            ));
        }
        if let Some(name) = ambiguous_name(path, paths) {
            let qualify = |source: &mut String| *source = qualified(source, name, path);
            reading.recorded.iter_mut().for_each(|entry| qualify(&mut entry.source));
            reading.skipped.iter_mut().for_each(|entry| qualify(&mut entry.source));
        }
        traffic.recorded.append(&mut reading.recorded);
        traffic.skipped.append(&mut reading.skipped);
    }
    Ok(traffic)
}

/// Refuses arguments that would read stdin one after the other.
pub(crate) fn one_stdin<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    let stdins = paths.into_iter().filter(|path| path.as_path() == Path::new("-"));
    if stdins.count() > 1 {
        Err(Failure::StdinTwice)
    } else {
        Ok(())
    }
}

/// The file name of a recording, if another one has the same.
fn ambiguous_name<'a>(path: &'a Path, all: &[PathBuf]) -> Option<&'a OsStr> {
    let name = path.file_name()?;
    let others = all.iter().filter(|other| other.as_path() != path);
    others
        .into_iter()
        .any(|other| other.file_name() == Some(name))
        .then_some(name)
}

/// `a/log.har#3` instead of `log.har#3`.
fn qualified(source: &str, name: &OsStr, path: &Path) -> String {
    let place = source.strip_prefix(&*name.to_string_lossy()).unwrap_or(source);
    format!("{}{place}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_files_of_one_name_tell_them_apart() {
        let paths = ["a/log.har", "b/log.har", "c/other.har"].map(PathBuf::from);
        let names: Vec<_> = paths.iter().map(|path| ambiguous_name(path, &paths)).collect();
        assert_eq!(names, [Some(OsStr::new("log.har")), Some(OsStr::new("log.har")), None]);
        assert_eq!(qualified("log.har#3", OsStr::new("log.har"), &paths[0]), "a/log.har#3");
    }
}
