//! `sluice suggestions`: what the collector suggests to list.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::resources::{Targets, shown};
use super::session::{Session, print_list};
use super::spans::parse_since;
use crate::bytes::printable;
use crate::client::{Call, Connection, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Suggest what to list, from what was observed
///
/// Each destination of the window, or a wildcard where hosts of one domain are many, with a recommendation: keep it,
/// deny it, or find out first, and why. --format policy prints a policy file that 'sluice policy apply' and
/// 'sluice simulate' take.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What was seen since then: a time, or how long ago; the last seven days unless given
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    #[command(flatten)]
    targets: Targets,
    /// How the result is written; a table unless the configuration file says json
    #[arg(long, env = "SLUICE_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = r"EXAMPLES
  What did the sandbox talk to, and what of it should stay?
    sluice suggestions --resource sandbox/sb_1 --since 14d

  A policy file, edited and applied:
    sluice suggestions --resource sandbox/sb_1 --format policy > policy.json
    sluice policy apply policy.json --resource sandbox/sb_1";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Suggestions by recommendation
    Table,
    /// What the API answers
    Json,
    /// A policy file
    Policy,
}

/// The recommendations in the order in which they want to be looked at.
const PARTS: [(&str, &str); 3] = [
    ("deny", "deny"),
    ("question", "question: find out what it is for"),
    ("keep", "keep"),
];

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let session = Session::open(&arguments.connection)?;
    let format = session.format(arguments.format, Format::Table)?;
    let call = Call::new("/egress/audit/suggestions").with_some("since", arguments.since.as_ref());
    if format == Format::Policy {
        let resource = arguments.targets.one_or_all(&session, "a policy file")?;
        let call = call.of_some(resource.as_ref()).with("format", "policy");
        let policy = data(session.client.get(&call)?);
        output::json(&policy)?;
        return Ok(Outcome::Done);
    }
    let rows = match arguments.targets.meant(&session)? {
        None => session.client.list(&call)?,
        Some(resources) => {
            let mut rows = Vec::new();
            for resource in &resources {
                rows.extend(session.client.list(&call.clone().of(resource))?);
            }
            rows
        }
    };
    match format {
        Format::Table if rows.is_empty() => output::message("nothing to suggest: nothing was observed in this time"),
        Format::Table => output::result(|out| out.write_all(text(&rows).as_bytes()))?,
        Format::Json | Format::Policy => print_list(&rows)?,
    }
    Ok(Outcome::Done)
}

fn text(rows: &[Value]) -> String {
    let mut text = String::new();
    for (recommendation, title) in PARTS {
        let part: Vec<&Value> = rows
            .iter()
            .filter(|row| row.text("recommendation") == recommendation)
            .collect();
        if !part.is_empty() {
            text.push_str(&format!("{title}\n\n{}\n\n", table(&part)));
        }
    }
    let others = rows
        .iter()
        .filter(|row| PARTS.iter().all(|(name, _)| row.text("recommendation") != *name));
    let others: Vec<&Value> = others.collect();
    if !others.is_empty() {
        text.push_str(&format!("other\n\n{}\n\n", table(&others)));
    }
    let of = |name| rows.iter().filter(|row| row.text("recommendation") == name).count();
    text.push_str(&format!(
        "{}: deny {}, question {}, keep {}\n",
        output::counted(rows.len() as u64, "suggestion", "suggestions"),
        of("deny"),
        of("question"),
        of("keep")
    ));
    text
}

fn table(rows: &[&Value]) -> Columns {
    let mut columns = Columns::new(&["COUNT#", "DAYS#", "HOST", "PORTS", "RESOURCE", "WHY"]);
    for row in rows {
        columns.row(&[
            &row.number("request_count"),
            &row.number("days_active"),
            &host(row),
            &row.words("ports").join(" "),
            &seen_in(row),
            &why(row),
        ]);
    }
    columns
}

fn host(row: &Value) -> String {
    match row.some("pattern") {
        Some(pattern) => format!("{} ({} hosts)", printable(pattern), row.number("members")),
        None => printable(row.text("host")),
    }
}

/// The resource, or how many of them.
fn seen_in(row: &Value) -> String {
    match (row.some("resource_type"), row.number("seen_in")) {
        (_, many) if many > 1 => format!("{many} resources"),
        _ => shown(row),
    }
}

fn why(row: &Value) -> String {
    let mut why = output::cell(row.text("reason"));
    let methods = row.words("methods");
    if !methods.is_empty() {
        why.push_str(&format!(" Methods: {}.", printable(&methods.join(" "))));
    }
    if let Some(glob) = row.some("path_glob") {
        why.push_str(&format!(" Paths: {}", printable(glob)));
    }
    let blocks = row.words("resolves_to");
    if !blocks.is_empty() {
        why.push_str(&format!(" Resolves to: {}.", printable(&blocks.join(" "))));
    }
    let companions = row.words("companions");
    if !companions.is_empty() {
        why.push_str(&format!(
            " Usually comes with {}, not seen.",
            printable(&companions.join(", "))
        ));
    }
    why
}
