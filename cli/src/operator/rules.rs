//! `sluice rules`: the rules of policies.

use clap::Args;
use serde_json::Value;

use super::resources::{Targets, shown};
use super::session::{Common, Format, print_list};
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// List rules
///
/// The rules of the resources' own policies, or of all policies. The ids are those that 'sluice remove' takes and that
/// decisions name.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  What a sandbox may reach, and what nobody may:
    sluice rules --resource sandbox/sb_1
    sluice rules --tenant

  Rules on trial, of everybody:
    sluice rules --format json | jq '.data[] | select(.warn_only)'";

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let rows = match arguments.targets.meant(&session)? {
        None => session.client.list(&Call::new("/egress/allowlist"))?,
        Some(resources) => {
            let mut rows = Vec::new();
            for resource in &resources {
                rows.extend(session.client.list(&Call::new("/egress/allowlist").of(resource))?);
            }
            rows
        }
    };
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table if rows.is_empty() => output::message("no rules"),
        Format::Table => {
            let text = table(&rows, true);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

/// Rules in a table.
pub(super) fn table(rows: &[Value], with_resource: bool) -> Columns {
    let mut headings = vec!["ID", "EFFECT", "HOST", "PORTS", "REQUEST", "EXPIRES", "NOTE"];
    if with_resource {
        headings.push("RESOURCE");
    }
    let mut columns = Columns::new(&headings);
    for row in rows {
        let cells = [
            output::cell(row.text("id")),
            effect(row),
            output::cell(row.text("host")),
            row.words("ports").join(" "),
            request(row),
            output::when(row.text("expires_at")),
            output::cell(row.text("note")),
            shown(row),
        ];
        let cells: Vec<&dyn std::fmt::Display> = cells.iter().take(headings.len()).map(|cell| cell as _).collect();
        columns.row(&cells);
    }
    columns
}

fn effect(row: &Value) -> String {
    if row.flag("warn_only") {
        "warn".to_owned()
    } else {
        output::cell(row.text("effect"))
    }
}

fn request(row: &Value) -> String {
    let mut parts = row.words("methods");
    parts.extend(row.some("path_glob").map(str::to_owned));
    output::cell(&parts.join(" "))
}
