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
/// it has, its mode, whether an override is in force, and what it lost. STATE says which are behind the intended policy,
/// and which are stale: no heartbeat came for 30 s. The exit code is 0 whatever the state; 'sluice doctor' judges.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Those that have ended, too
    #[arg(long)]
    all: bool,
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
    let is_shown = |row: &Value| is_meant(row) && (arguments.all || !is_closed(row));
    let rows: Vec<Value> = rows.into_iter().filter(is_shown).collect();
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

/// The revision of a proxy's `intended` or `live` policy; 0 without one.
pub(super) fn revision(of: &Value) -> u64 {
    of.number("revision")
}

/// Whether a proxy has ended, and said so.
pub(super) fn is_closed(proxy: &Value) -> bool {
    proxy.text("state") == "closed"
}

/// Whether a proxy has been heard of lately.
pub(super) fn is_live(proxy: &Value) -> bool {
    !matches!(proxy.text("state"), "closed" | "stale")
}

/// Whether a proxy does not have the policy that is intended for it.
pub(super) fn is_behind(proxy: &Value) -> bool {
    let compared = || revision(proxy.field("live")) < revision(proxy.field("intended"));
    proxy.field("behind").as_bool().unwrap_or_else(compared)
}

/// What a proxy lost or may have lost.
pub(super) fn losses(proxy: &Value) -> Vec<String> {
    let losses = ["gaps", "dropped", "refused", "lost"].into_iter();
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

fn state(row: &Value) -> String {
    match row.some("state") {
        Some("live") | None if is_behind(row) => "behind".to_owned(),
        state => output::cell(state.unwrap_or("live")),
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
        "STATE",
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
            &state(row),
            &overridden(row).unwrap_or_default(),
            &losses(row).join(", "),
            &output::when(row.text("last_seen")),
        ]);
    }
    columns
}
