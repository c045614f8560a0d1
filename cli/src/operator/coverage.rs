//! `sluice coverage`: whether the window was long enough.

use std::fmt::Write;

use clap::Args;
use serde_json::{Map, Value};

use super::resources::Targets;
use super::session::{Common, Format, print_object};
use super::spans::parse_since;
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Say whether it was observed long enough
///
/// When the last new destination appeared, how their number grew day by day, and whether the window saw a full week and
/// each weekday: jobs that run on Sundays are forgotten by lists made on Fridays.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The window begins then: a time, or how long ago, such as 14d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  Is it time to lock down?
    sluice coverage --resource sandbox/sb_1

  The growth curve, for a chart:
    sluice coverage --resource sandbox/sb_1 --since 30d --format json | jq '.data.growth'";

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let resource = arguments.targets.one_or_all(&session, "coverage")?;
    let call = Call::new("/egress/coverage")
        .of_some(resource.as_ref())
        .with_some("since", arguments.since.as_ref());
    let coverage = session.client.object(&call)?;
    match format {
        Format::Json => print_object(&coverage)?,
        Format::Table => output::result(|out| out.write_all(text(&coverage).as_bytes()))?,
    }
    Ok(Outcome::Done)
}

/// One line for each member: what a collector can say of coverage grows.
fn text(coverage: &Value) -> String {
    let mut text = String::new();
    for (name, value) in coverage.as_object().into_iter().flatten() {
        let said = match value {
            Value::Null => "none".to_owned(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::String(text) => output::when(text),
            Value::Array(rows) if rows.iter().any(Value::is_object) => rows.iter().map(point).collect(),
            Value::Array(_) => output::cell(&coverage.words(name).join(" ")),
            Value::Object(flags) if flags.values().all(Value::is_boolean) => set(flags),
            other => output::ascii(other),
        };
        let name = output::cell(name).replace('_', " ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<24} {said}");
    }
    text
}

/// The names of what is so, such as the days of the week that were seen.
fn set(flags: &Map<String, Value>) -> String {
    let set = flags.iter().filter(|(_, flag)| **flag == Value::Bool(true));
    let names: Vec<String> = set.map(|(name, _)| output::cell(name)).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" ")
    }
}

/// A point of the growth curve, on a line of its own.
fn point(row: &Value) -> String {
    let members = row.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| match value {
        Value::String(text) => output::when(text),
        value => format!("{} {}", output::cell(name), output::ascii(value)),
    });
    let members: Vec<String> = members.collect();
    format!("\n  {}", members.join("  "))
}
