//! The table of what changes.

use std::cmp::Reverse;
use std::fmt::Display;
use std::io::{self, Write};

use sluice_harness::diff::{Change, Diff, DiffSummary, Judgement};
use sluice_policy::Action;

use crate::bytes::printable;
use crate::decisions::{Destination, action_words, by_cell};
use crate::table::Columns;

/// Writes the changes, what would be rejected first, and the sums.
pub(super) fn write(diff: &Diff, out: &mut dyn Write) -> io::Result<()> {
    let mut changes: Vec<&Change> = diff.changes.iter().collect();
    changes.sort_by_key(|change| {
        (
            Reverse(severity(&change.to)),
            severity(&change.from),
            Reverse(change.count),
        )
    });
    // Method and path stand in the table only if they tell anything apart.
    let requests = changes
        .iter()
        .any(|change| change.method.is_some() || change.path.is_some());
    let mut headings = vec!["COUNT#", "HOST", "PORT#", "FROM", "TO"];
    if requests {
        headings.insert(3, "REQUEST");
    }
    let mut columns = Columns::new(&headings);
    for change in changes {
        let (destination, request) = (destination(change), request(change));
        let (from, to) = (judgement(&change.from), judgement(&change.to));
        let (host, port) = (destination.host_cell(), destination.port_cell());
        let mut cells: Vec<&dyn Display> = vec![&change.count, &host, &port, &from, &to];
        if requests {
            cells.insert(3, &request);
        }
        columns.row(&cells);
    }
    if !columns.is_empty() {
        writeln!(out, "{columns}\n")?;
    }
    writeln!(out, "{}", sums(&diff.summary))
}

fn severity(judgement: &Judgement) -> u8 {
    match judgement.action {
        Action::Reject => 3,
        _ if judgement.would_reject => 2,
        Action::Warn => 1,
        Action::Allow => 0,
    }
}

fn destination(change: &Change) -> Destination<'_> {
    Destination {
        host: change.host.as_deref(),
        port: change.port,
        raw: change.raw.as_deref(),
    }
}

fn request(change: &Change) -> String {
    let parts = [&change.method, &change.path].into_iter().flatten();
    let parts: Vec<String> = parts.map(|part| printable(part)).collect();
    parts.join(" ")
}

fn judgement(judgement: &Judgement) -> String {
    let by = judgement.rejected_by.as_deref().or(judgement.rule_id.as_deref());
    format!(
        "{} by {}",
        action_words(judgement.action, judgement.would_reject),
        by_cell(by)
    )
}

fn sums(summary: &DiffSummary) -> String {
    let DiffSummary {
        destinations,
        changed_destinations,
        decisions,
        changed_decisions,
        skipped,
    } = summary;
    format!(
        "{changed_destinations} of {destinations} destinations change, {changed_decisions} of {decisions} decisions; skipped {skipped}"
    )
}
