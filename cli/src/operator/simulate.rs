//! `sluice simulate`: what a policy would have done to what was recorded.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::resources::{Targets, body_of};
use super::session::{Common, Format, print_object};
use super::spans::parse_since;
use crate::arguments::parse_block;
use crate::bytes::printable;
use crate::client::{Call, Client, ClientError, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Columns;
use crate::{output, policy};

/// Show what a policy would reject of what was recorded
///
/// The collector judges each recorded destination, as it was seen, by the policy in FILE, or, with --lockdown, by the
/// policy the resource has, in enforce. Nothing is changed. The exit code is 0 whatever would be rejected.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The candidate, a JSON file; '-' is stdin
    #[arg(
        value_name = "FILE",
        required_unless_present = "lockdown",
        conflicts_with = "lockdown"
    )]
    file: Option<PathBuf>,
    /// The policy as it is, in enforce
    #[arg(long)]
    lockdown: bool,
    /// Only what was seen since then: a time, or how long ago, such as 7d
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<String>,
    /// Private blocks that the proxies let any name lead to, beside those the collector knows of; can be given again
    #[arg(long, value_name = "BLOCK", value_parser = parse_block)]
    resolves_to: Vec<String>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  What would break if the sandbox were locked down now?
    sluice simulate --lockdown --resource sandbox/sb_1

  What would this file do to last week?
    sluice simulate policy.json --resource sandbox/sb_1 --since 7d";

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let candidate = arguments.file.as_deref().map(policy::load).transpose()?;
    let (session, format) = arguments.common.open()?;
    let resource = arguments.targets.one(&session, "a simulation")?;
    let mut question: Map<String, Value> = body_of(&resource);
    match &candidate {
        Some(policy) => question.insert("policy".to_owned(), json!(policy)),
        None => question.insert("lockdown".to_owned(), true.into()),
    };
    if let Some(since) = &arguments.since {
        question.insert("since".to_owned(), since.as_str().into());
    }
    if !arguments.resolves_to.is_empty() {
        question.insert("resolves_to".to_owned(), json!(arguments.resolves_to));
    }
    let simulation = Simulation::ask(&session.client, &question.into())?;
    match format {
        Format::Json => print_object(&simulation.0)?,
        Format::Table => output::result(|out| {
            let affected = simulation.0.list("destinations");
            if !affected.is_empty() {
                writeln!(out, "{}\n", affected_table(affected.iter()))?;
            }
            let totals = simulation.0.field("totals");
            let rejected = output::counted(simulation.rejected().count() as u64, "destination", "destinations");
            writeln!(
                out,
                "{rejected} would be rejected; of these {} passed when last seen, within the last day\n\
                 requests: allow {}, warn {}, reject {}; uncertain {}",
                simulation.breaks().len(),
                totals.number("allowed"),
                totals.number("warned"),
                totals.number("rejected"),
                totals.number("uncertain"),
            )
        })?,
    }
    Ok(Outcome::Done)
}

/// What the collector found out.
pub(super) struct Simulation(Value);

impl Simulation {
    /// Asks the collector.
    pub(super) fn ask(client: &Client, question: &Value) -> Result<Self, ClientError> {
        let found = data(client.post(&Call::new("/egress/simulate"), question)?);
        // Locking down rests on it: what is missing must not look like nothing to break.
        for missing in ["destinations", "breaks"] {
            if !found.field(missing).is_array() {
                let url = client.url().to_string();
                return Err(ClientError::Incomplete { url, missing });
            }
        }
        Ok(Self(found))
    }

    /// The destinations that would be rejected.
    pub(super) fn rejected(&self) -> impl Iterator<Item = &Value> {
        let destinations = self.0.list("destinations").iter();
        destinations.filter(|row| row.text("action") == "reject")
    }

    /// Those of them that pass today and were seen in the last day.
    pub(super) fn breaks(&self) -> &[Value] {
        self.0.list("breaks")
    }
}

/// What would not simply pass, in a table.
pub(super) fn affected_table<'a>(rows: impl Iterator<Item = &'a Value>) -> Columns {
    let headings = [
        "ACTION",
        "COUNT#",
        "UNCERTAIN#",
        "HOST",
        "PORT#",
        "BY",
        "LAST SEEN",
        "SEEN IN#",
    ];
    let mut columns = Columns::new(&headings);
    for row in rows {
        columns.row(&[
            &output::cell(row.text("action")),
            &row.number("count"),
            &row.number("uncertain"),
            &host_cell(row),
            &port_cell(row),
            &by_cell(row),
            &output::when(row.text("last_seen")),
            &row.number("seen_in"),
        ]);
    }
    columns
}

/// The host of a row; what is no target is quoted.
pub(crate) fn host_cell(row: &Value) -> String {
    match row.some("host") {
        Some(host) => printable(host),
        None => format!("\"{}\"", printable(row.text("raw"))),
    }
}

/// The port of a row.
pub(crate) fn port_cell(row: &Value) -> String {
    row.field("port")
        .as_u64()
        .map(|port| port.to_string())
        .unwrap_or_default()
}

/// Who decided, and the rule that came nearest.
pub(crate) fn by_cell(row: &Value) -> String {
    let by = row
        .some("rejected_by")
        .or(row.some("rule_id"))
        .map(output::cell)
        .unwrap_or_default();
    match nearest(row.field("nearest")) {
        Some(nearest) => format!("{by}, nearest {nearest}"),
        None => by,
    }
}

/// `{rule_id, why}` in words.
pub(super) fn nearest(nearest: &Value) -> Option<String> {
    let rule = nearest.some("rule_id")?;
    Some(output::cell(&format!("{rule} ({})", nearest.text("why"))))
}
