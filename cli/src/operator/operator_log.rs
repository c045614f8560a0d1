//! `sluice operator-log`: who changed what.

use clap::Args;
use serde_json::Value;
use sluice_collector::moment::Moment;

use super::session::{Common, Format, print_list};
use super::spans::{moment_since, parse_since};
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Show who changed what, and from where
///
/// Every change that was made through the collector: policies, rules, decisions on pending requests, tokens,
/// people, and who signed in. The newest entries are shown, the newest last.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only what was done since then: a time, or how long ago, such as 7d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    /// How many entries
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  Who did what since yesterday?
    sluice operator-log --since 24h";

/// The most the collector lists at once.
const PAGE: usize = 1_000;

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let call = Call::new("/operator-log").with("limit", limit.min(PAGE));
    let mut rows = session.client.some(&call, limit)?;
    if let Some(since) = arguments.since.as_deref().and_then(moment_since) {
        rows.retain(|row| Moment::parse("at", row.text("at")).map_or(true, |at| at >= since));
    }
    rows.sort_by(|one, other| one.text("at").cmp(other.text("at")));
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table => {
            let text = table(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["TIME", "WHO", "FROM", "OPERATION", "SUBJECT", "DETAILS"]);
    for row in rows {
        let details = match row.field("details") {
            Value::Null => String::new(),
            Value::Object(members) if members.is_empty() => String::new(),
            Value::String(text) => output::cell(text),
            other => output::ascii(other),
        };
        columns.row(&[
            &output::when(row.text("at")),
            &output::cell(row.text("actor")),
            &output::cell(row.text("address")),
            &output::cell(row.text("operation")),
            &output::cell(row.text("subject")),
            &details,
        ]);
    }
    columns
}
