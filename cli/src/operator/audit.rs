//! `sluice audit`: what was decided.

mod follow;
mod table;

use std::io::{self, BufRead, BufReader, IsTerminal};

use clap::{Args, ValueEnum};
use serde_json::Value;
use sluice_collector::resource::Resource;

use super::resources::{Misuse, Targets};
use super::session::{Session, print_list};
use super::spans::parse_since;
use crate::bytes::printable;
use crate::client::{Call, Connection, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Show what was decided
///
/// The newest decisions, the newest last, or all since a time. With --follow it goes on as they come, and misses and
/// repeats none. csv and jsonl export everything that the filters select, in the form that 'sluice replay' reads.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Go on as decisions come
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    filters: Filters,
    /// How many, the newest [default: 100, or all with --since and in exports]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    #[command(flatten)]
    targets: Targets,
    /// How the result is written; a table unless the configuration file says json
    #[arg(long, env = "SLUICE_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = r"EXAMPLES
  What happened, and what happens:
    sluice audit --resource sandbox/sb_1
    sluice audit --resource sandbox/sb_1 --follow

  What was rejected in the last day, and by which rule?
    sluice audit --action reject --since 24h

  A recording for 'sluice replay', and a sheet for a report:
    sluice audit --resource sandbox/sb_1 --since 7d --format jsonl > week.jsonl
    sluice audit --since 7d --format csv > week.csv";

#[derive(Debug, Args)]
struct Filters {
    /// Only this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only allow, warn or reject
    #[arg(long, value_enum, value_name = "ACTION")]
    action: Option<Action>,
    /// Only what enforce would reject
    #[arg(long)]
    would_reject: bool,
    /// Only this mode
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Mode>,
    /// Only this method
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Only what this rule decided
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only what this rule or reason rejected
    #[arg(long, value_name = "REASON")]
    rejected_by: Option<String>,
    /// Since then: a time, or how long ago, such as 7d, 24h, 15m
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    /// Until then: a time, or how long ago
    #[arg(long, value_name = "TIME", value_parser = parse_since, conflicts_with = "follow")]
    until: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Allow,
    Warn,
    Reject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Mode {
    AuditOnly,
    Enforce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// What the API answers; with --follow one row a line
    Json,
    /// A sheet
    Csv,
    /// A recording: one row a line
    Jsonl,
}

/// How many rows are shown where nobody says.
const USUAL: usize = 100;

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let session = Session::open(&arguments.connection)?;
    let format = session.format(arguments.format, Format::Table)?;
    let filters = &arguments.filters;
    match format {
        Format::Csv if arguments.follow => Err(Misuse::EndlessSheet.into()),
        _ if arguments.follow => follow::run(&session, arguments, format),
        Format::Csv | Format::Jsonl => export(&session, arguments, format),
        Format::Table | Format::Json => {
            let limit = match (arguments.limit, &filters.since) {
                (Some(limit), _) => limit,
                (None, Some(_)) => usize::MAX,
                (None, None) => USUAL,
            };
            let rows = newest(&session, arguments, limit)?;
            match format {
                Format::Json => print_list(&rows)?,
                _ if rows.is_empty() => output::message("nothing was recorded that these filters select"),
                _ => {
                    let text = table::of(&rows);
                    output::result(|out| writeln!(out, "{text}"))?;
                }
            }
            Ok(Outcome::Done)
        }
    }
}

/// The newest rows of the resources that are meant, in one order.
fn newest(session: &Session, arguments: &Arguments, limit: usize) -> Result<Vec<Value>, Failure> {
    let of = |resource: Option<&Resource>| {
        let call = arguments.filters.call("/egress/audit").of_some(resource);
        let call = match limit {
            usize::MAX => call,
            limit => call.with("limit", limit),
        };
        session.client.some(&call, limit)
    };
    let mut rows = Vec::new();
    match arguments.targets.meant(session)? {
        None => rows = of(None)?,
        Some(resources) => {
            for resource in &resources {
                rows.extend(of(Some(resource))?);
            }
        }
    }
    // Times have six digits each, so that their texts sort as they do.
    rows.sort_by(|one, other| one.text("inserted_at").cmp(other.text("inserted_at")));
    rows.drain(..rows.len().saturating_sub(limit));
    Ok(rows)
}

/// Passes on what the collector exports.
fn export(session: &Session, arguments: &Arguments, format: Format) -> Result<Outcome, Failure> {
    let resource = arguments.targets.one_or_all(session, "an export")?;
    let name = if format == Format::Csv { "csv" } else { "jsonl" };
    let call = arguments
        .filters
        .call("/egress/audit/export")
        .of_some(resource.as_ref());
    let call = call.with("format", name).with_some("limit", arguments.limit);
    let mut from = BufReader::new(session.client.stream(&call)?);
    let terminal = io::stdout().is_terminal();
    output::result(|out| {
        if !terminal {
            return io::copy(&mut from, out).map(drop);
        }
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            writeln!(out, "{}", printable(text.trim_end_matches(['\n', '\r'])))?;
            line.clear();
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

impl Filters {
    fn call<'a>(&'a self, path: &'a str) -> Call<'a> {
        self.without_time(path)
            .with_some("since", self.since.as_ref())
            .with_some("until", self.until.as_ref())
    }

    fn without_time<'a>(&'a self, path: &'a str) -> Call<'a> {
        let action = self.action.and_then(|action| action.to_possible_value());
        let mode = self.mode.and_then(|mode| mode.to_possible_value());
        Call::new(path)
            .with_some("host", self.host.as_ref())
            .with_some("action", action.map(|action| action.get_name().to_owned()))
            .with_some("would_reject", self.would_reject.then_some(true))
            .with_some("mode", mode.map(|mode| mode.get_name().to_owned()))
            .with_some("method", self.method.as_ref())
            .with_some("rule_id", self.rule.as_ref())
            .with_some("rejected_by", self.rejected_by.as_ref())
    }
}
