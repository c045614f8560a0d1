//! The `sluice` command: reads the arguments, runs what they name, and says how it went.

mod arguments;
mod bytes;
mod client;
mod decisions;
mod diff;
mod engine;
mod explain;
mod failure;
mod lint;
mod operator;
mod outcome;
mod output;
mod policy;
mod progress;
mod recordings;
mod replay;
mod serve;
mod suggest;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::outcome::Outcome;

/// Sluice, an egress allowlist for sandboxes and sidecars
///
/// Sluice decides every outbound request and connection by host: `audit_only` records what a policy
/// would reject, `enforce` rejects it. `replay`, `suggest`, `diff`, `lint` and `explain --policy` work on
/// files alone: they review recorded traffic, and try out, compare and check policies before Envoy gets
/// them. What they decide, the filter in Envoy decides alike. The other commands ask a collector, which
/// records what sandboxes do and keeps their policies.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = r#"EXAMPLES
  Make a policy of what was recorded, look at it, and see what it does to the same traffic:
    sluice suggest sandbox.har
    sluice suggest sandbox.har --format policy > policy.json
    sluice lint policy.json
    sluice replay sandbox.har --policy policy.json

  Why is this host rejected?
    sluice explain https://api.example.com/v1 --policy policy.json

  What would a changed policy do?
    sluice diff --from policy.json --to changed.json sandbox.har

  The loop on a running sandbox: observe, review, lock down, operate:
    sluice suggestions --resource sandbox/sb_1
    sluice lockdown --resource sandbox/sb_1 --from-suggestions --wait
    sluice pending
    sluice approve api.example.com --resource sandbox/sb_1
    sluice observe --resource sandbox/sb_1 --for 2h

CONFIGURATION
  Flags beat the environment (SLUICE_URL, SLUICE_TOKEN, SLUICE_RESOURCE, SLUICE_FORMAT, SLUICE_CA), which beats the file
  that SLUICE_CONFIG names, or sluice/config.toml in the user's folder for configuration:
    url = "https://sluice.example.com"
    token_file = "token"
    resource = "sandbox/sb_1"

EXIT CODES
  0  done
  1  the answer is no: --fail-on, an unmet --expect, lint errors, a lockdown that was not confirmed, proxies that
     have not got the policy after --wait, targets that failed, anything wrong in doctor
  2  bad usage or input"#;

#[derive(Debug, Subcommand)]
enum Command {
    Replay(replay::Arguments),
    Explain(explain::Arguments),
    Suggest(suggest::Arguments),
    Diff(diff::Arguments),
    Lint(lint::Arguments),
    Serve(Box<serve::Arguments>),
    #[command(flatten)]
    Operator(Box<operator::Command>),
}

impl Command {
    fn run(&self) -> Result<Outcome, Failure> {
        match self {
            Self::Replay(arguments) => replay::run(arguments),
            Self::Explain(arguments) => explain::run(arguments),
            Self::Suggest(arguments) => suggest::run(arguments),
            Self::Diff(arguments) => diff::run(arguments),
            Self::Lint(arguments) => lint::run(arguments),
            Self::Serve(arguments) => serve::run(arguments),
            Self::Operator(command) => command.run(),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            output::message(&failure);
            ExitCode::from(2)
        }
    }
}
