//! `--follow`: rows as they come, none missed and none repeated.
//!
//! `inserted_at` is unique and rises in commit order, so what is newer than the
//! last row seen is exactly what is new, whatever happens to connections and
//! collectors in between.

use std::io::Write;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Arguments, Format, table};
use crate::client::{ClientError, Fields};
use crate::failure::Failure;
use crate::operator::session::Session;
use crate::outcome::Outcome;
use crate::output;

/// How often the collector is asked.
const PAUSE: Duration = Duration::from_millis(500);
/// How many rows at once.
const PAGE: usize = 1_000;
/// How many of the newest rows are shown first.
const FIRST: usize = 10;
/// Before every row.
const BEGINNING: &str = "1970-01-01T00:00:00.000000Z";

/// Prints until the reader leaves or the command is ended.
pub(super) fn run(session: &Session, arguments: &Arguments, format: Format) -> Result<Outcome, Failure> {
    let is_meant = arguments.targets.filter(session)?;
    let filters = &arguments.filters;
    let mut last: Option<String> = None;
    let mut begun = false;
    let mut troubled = false;
    loop {
        let call = filters.without_time("/egress/audit");
        let call = match (&last, &filters.since) {
            (Some(last), _) => call.with("since", last).with("limit", PAGE),
            (None, Some(since)) => call.with("since", since).with("limit", PAGE),
            (None, None) => call.with("limit", arguments.limit.unwrap_or(FIRST)),
        };
        let page = match session.client.get(&call) {
            Ok(mut page) => match page["data"].take() {
                Value::Array(rows) => rows,
                _ => Vec::new(),
            },
            // Who watches through a restart wants to see what comes after it.
            Err(error) if begun && is_passing(&error) => {
                if !troubled {
                    output::message(format_args!("{error}\n  going on as soon as it answers"));
                }
                troubled = true;
                thread::sleep(PAUSE);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        (begun, troubled) = (true, false);
        // 'since' is inclusive: the first row is the last one of before.
        let is_fresh = |row: &&Value| last.as_deref().is_none_or(|last| row.text("inserted_at") > last);
        let fresh: Vec<&Value> = page.iter().filter(is_fresh).collect();
        let full = page.len() >= PAGE && !fresh.is_empty();
        last = match fresh.last() {
            Some(newest) => Some(newest.text("inserted_at").to_owned()),
            // Of nothing, the newest are all that will come.
            None if last.is_none() && filters.since.is_none() => Some(BEGINNING.to_owned()),
            None => last,
        };
        let shown: Vec<&Value> = fresh.into_iter().filter(|row| is_meant(row)).collect();
        if !shown.is_empty() && !print(&shown, format)? {
            return Ok(Outcome::Done);
        }
        if !full {
            thread::sleep(PAUSE);
        }
    }
}

fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } => true,
        ClientError::NotACollector { status, .. } => *status >= 500,
        ClientError::Incomplete { .. } => false,
        ClientError::Api(error) => error.retryable || error.status >= 500,
    }
}

/// Whether there is still somebody to print for.
fn print(rows: &[&Value], format: Format) -> Result<bool, Failure> {
    let mut text = String::new();
    for row in rows {
        match format {
            Format::Table => text.push_str(&table::line(row)),
            _ => text.push_str(&output::ascii(row)),
        }
        text.push('\n');
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).map_err(Failure::Output),
    }
}
