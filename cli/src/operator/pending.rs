//! `sluice pending`: what was rejected and waits for a decision.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

use super::resources::{Targets, shown};
use super::session::{Common, Format, print_list};
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

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let is_meant = arguments.targets.filter(&session)?;
    let call = Call::new("/egress/pending").with_some("all", arguments.all.then_some("true"));
    let rows = session.client.list(&call)?;
    let rows: Vec<Value> = rows.into_iter().filter(is_meant).collect();
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table if rows.is_empty() => output::message("nothing is pending"),
        Format::Table => {
            let text = if arguments.by_host {
                grouped(&rows)
            } else {
                table(&rows, arguments.all)
            };
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

#[derive(Default)]
struct Group {
    ports: Vec<String>,
    attempts: u64,
    resources: Vec<String>,
    last_seen: String,
}

/// The hosts that most resources miss come first.
fn grouped(rows: &[Value]) -> Columns {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for row in rows {
        let group = groups.entry(host_cell(row)).or_default();
        for port in row.words("ports") {
            if !group.ports.contains(&port) {
                group.ports.push(port);
            }
        }
        group.attempts = group.attempts.saturating_add(row.number("attempts"));
        let resource = shown(row);
        if !group.resources.contains(&resource) {
            group.resources.push(resource);
        }
        group.last_seen = row.text("last_seen").max(&group.last_seen).to_owned();
    }
    let mut groups: Vec<(String, Group)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| {
        (
            std::cmp::Reverse(group.resources.len()),
            std::cmp::Reverse(group.attempts),
        )
    });
    let mut columns = Columns::new(&["HOST", "PORTS", "SEEN IN#", "ATTEMPTS#", "LAST SEEN", "RESOURCES"]);
    for (host, group) in groups {
        let named = group.resources.iter().take(3).cloned().collect::<Vec<_>>().join(" ");
        let more = group.resources.len().saturating_sub(3);
        let resources = if more > 0 {
            format!("{named} and {more} more")
        } else {
            named
        };
        columns.row(&[
            &host,
            &group.ports.join(" "),
            &group.resources.len(),
            &group.attempts,
            &output::when(&group.last_seen),
            &resources,
        ]);
    }
    columns
}
