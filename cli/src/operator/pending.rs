//! `sluice pending`: what was rejected and waits for a decision.

use std::cmp::Reverse;

use clap::Args;
use serde_json::Value;

use super::resources::{Targets, shown};
use super::session::{Common, Format, Session, print_list};
use super::simulate::{host_cell, nearest};
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// List what was rejected and waits for a decision
///
/// One line for each rejected host of a resource: which ports, how often, when last, which rule came nearest, and when
/// it last passed. 'sluice approve', 'sluice block' and 'sluice dismiss' take the ids and the hosts of this list.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Those that were decided on, too
    #[arg(long)]
    all: bool,
    /// One line for each host, with the resources it was seen in
    #[arg(long)]
    by_host: bool,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  What does the sandbox want that it may not have?
    sluice pending --resource sandbox/sb_1

  The hosts that most resources miss:
    sluice pending --by-host

  Allow one for everybody:
    sluice approve api.example.com --scope tenant";

/// How many resources a row names.
const NAMED: usize = 3;

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    if arguments.by_host {
        return by_host(&session, arguments, format);
    }
    let is_meant = arguments.targets.filter(&session)?;
    let call = Call::new("/egress/pending").with_some("state", arguments.all.then_some("all"));
    let rows = session.client.list(&call)?;
    let rows: Vec<Value> = rows.into_iter().filter(is_meant).collect();
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table if rows.is_empty() => output::message("nothing is pending"),
        Format::Table => {
            let text = table(&rows, arguments.all);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn table(rows: &[Value], with_state: bool) -> Columns {
    let mut headings = vec![
        "ID",
        "HOST",
        "PORTS",
        "ATTEMPTS#",
        "RESOURCE",
        "LAST SEEN",
        "NEAREST",
        "LAST ALLOWED",
        "STATE",
    ];
    if !with_state {
        headings.pop();
    }
    let mut columns = Columns::new(&headings);
    for row in rows {
        let cells = [
            output::cell(row.text("id")),
            host_cell(row),
            row.words("ports").join(" "),
            row.number("attempts").to_string(),
            shown(row),
            output::when(row.text("last_seen")),
            nearest(row.field("nearest")).unwrap_or_default(),
            output::when(row.text("last_allowed_at")),
            output::cell(row.text("state")),
        ];
        let cells: Vec<&dyn std::fmt::Display> = cells.iter().take(headings.len()).map(|cell| cell as _).collect();
        columns.row(&cells);
    }
    columns
}

/// The hosts that most resources miss come first.
fn by_host(session: &Session, arguments: &Arguments, format: Format) -> Result<Outcome, Failure> {
    let resource = arguments.targets.one_or_all(session, "--by-host")?;
    let call = Call::new("/egress/pending")
        .of_some(resource.as_ref())
        .with("group", "host")
        .with_some("state", arguments.all.then_some("all"));
    let mut rows = session.client.list(&call)?;
    rows.sort_by_key(|row| (Reverse(row.number("seen_in")), Reverse(row.number("attempts"))));
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table if rows.is_empty() => output::message("nothing is pending"),
        Format::Table => {
            let text = grouped(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn grouped(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["HOST", "PORTS", "SEEN IN", "ATTEMPTS#", "LAST SEEN", "RESOURCES"]);
    for row in rows {
        let resources = row.list("resources");
        let mut named: Vec<String> = resources.iter().take(NAMED).map(shown).collect();
        let more = resources.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("and {more} more"));
        }
        columns.row(&[
            &host_cell(row),
            &row.words("ports").join(" "),
            &format!("{} of {}", row.number("seen_in"), row.number("of")),
            &row.number("attempts"),
            &output::when(row.text("last_seen")),
            &named.join(" "),
        ]);
    }
    columns
}
