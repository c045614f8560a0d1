//! `sluice diff`: what another policy would change about recorded traffic.

mod table;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_harness::diff::diff;
use sluice_harness::engine::Setup;

use crate::arguments::Recordings;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::progress::Bar;
use crate::{output, policy, recordings};

/// Compare two policies over recorded traffic
///
/// Replays the recordings under both policies and lists each destination whose decision changes: what is done, what
/// would be done, or which rule or reason decides. Where requests to one destination do not all change alike, method
/// and path tell them apart. The exit code is 0 whether or not anything changes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    traffic: Recordings,
    /// The policy as it is, a JSON file; '-' is stdin
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The policy as it would be, a JSON file; '-' is stdin
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    engine: Engine,
    /// How the result is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

const EXAMPLES: &str = r"EXAMPLES
  What would the changed policy do to last week's traffic?
    sluice diff --from policy.json --to changed.json sandbox.har access.jsonl

  The same, for a policy under version control:
    git show HEAD:policy.json | sluice diff --from - --to policy.json sandbox.har

  Does a trial's end change anything?
    sluice diff --from policy.json --to changed.json sandbox.har --at 2027-01-01T00:00:00Z

  How many decisions change:
    sluice diff --from policy.json --to changed.json sandbox.har --format json | jq .summary";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The changes by destination
    Table,
    /// One document with every change
    Json,
}

/// Replays twice and compares.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let policies = [&arguments.from, &arguments.to];
    recordings::one_stdin(arguments.traffic.recordings.iter().chain(policies))?;
    let from = Setup::new(policy::load(&arguments.from)?);
    let to = Setup::new(policy::load(&arguments.to)?);
    let traffic = recordings::read(&arguments.traffic.recordings)?;
    let (from, to) = arguments.engine.backends(from, to)?;
    let options = arguments.engine.options();
    if !traffic.skipped.is_empty() {
        let entries = output::counted(traffic.skipped.len() as u64, "entry was", "entries were");
        let list = output::some(&traffic.skipped, recordings::LISTED);
        output::message(format_args!("{entries} skipped:{list}"));
    }
    let diff = {
        let bar = Bar::new();
        diff(&traffic.recorded, traffic.skipped, &from, &to, &options, &bar)?
    };
    match arguments.format {
        Format::Table => output::result(|out| table::write(&diff, out))?,
        Format::Json => output::json(&diff)?,
    }
    Ok(Outcome::Done)
}
