//! `sluice proxies`: which proxies live, and which policy each has.

use clap::Args;
use serde_json::Value;

use super::resources::{Targets, shown};
use super::session::{Common, Format, print_list};
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// List the proxies that are connected, and the policy each has
///
/// One line for each live VM of a filter and each resource it serves: the revision that is intended for it and the one
/// it has, its mode, whether an override is in force, and what it lost. BEHIND says which have not taken the intended
/// policy. The exit code is 0 whatever the state; 'sluice doctor' judges.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  All of them:
    sluice proxies

  Those of the build machines that are behind:
    sluice proxies --resource 'sandbox/ci-*' --format json \
      | jq '.data[] | select(.live.revision != .intended.revision)'";

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let is_meant = arguments.targets.filter(&session)?;
    let rows = session.client.list(&Call::new("/egress/proxies"))?;
    let rows: Vec<Value> = rows.into_iter().filter(is_meant).collect();
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table if rows.is_empty() => {
            output::message("no proxy is connected; 'sluice doctor' says what to look at");
        }
        Format::Table => {
            let text = table(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

/// A version: epoch and revision.
pub(super) fn version(of: &Value) -> (u64, u64) {
    (of.number("epoch"), of.number("revision"))
}

/// Whether a proxy does not have the policy that is intended for it.
pub(super) fn is_behind(proxy: &Value) -> bool {
    version(proxy.field("live")) < version(proxy.field("intended"))
}

/// What a proxy lost or may have lost.
pub(super) fn losses(proxy: &Value) -> Vec<String> {
    let losses = ["gaps", "dropped", "lost"].into_iter();
    let losses = losses.map(|name| (name, proxy.number(name)));
    losses
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| format!("{name} {number}"))
        .collect()
}

/// The override in force, in words.
pub(super) fn overridden(proxy: &Value) -> Option<String> {
    let by = proxy.field("override");
    match by {
        Value::Object(_) => {
            let until = by.some("until").map(|until| format!(" until {}", output::when(until)));
            let reason = by.some("reason").map(|reason| format!(": {}", output::cell(reason)));
            let mode = output::cell(by.text("mode"));
            Some(format!(
                "{mode}{}{}",
                until.unwrap_or_default(),
                reason.unwrap_or_default()
            ))
        }
        Value::String(text) if !text.is_empty() => Some(output::cell(text)),
        _ => None,
    }
}

/// Proxies in a table.
pub(super) fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&[
        "RESOURCE",
        "INSTANCE",
        "MODE",
        "INTENDED#",
        "LIVE#",
        "",
        "OVERRIDE",
        "LOST",
        "LAST SEEN",
    ]);
    for row in rows {
        let (intended, live) = (row.field("intended"), row.field("live"));
        columns.row(&[
            &shown(row),
            &output::cell(row.text("instance")),
            &output::cell(live.text("mode")),
            &intended.number("revision"),
            &live.number("revision"),
            &if is_behind(row) { "behind" } else { "" },
            &overridden(row).unwrap_or_default(),
            &losses(row).join(", "),
            &output::when(row.text("last_seen")),
        ]);
    }
    columns
}
