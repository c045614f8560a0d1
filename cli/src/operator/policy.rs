//! `sluice policy`: whole policies and their revisions.

mod apply;
mod diff;
mod history;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sluice_collector::resource::Resource;

use super::resources::{Targets, parse_resource};
use super::session::Common;
use crate::failure::Failure;
use crate::outcome::Outcome;

/// Show, apply, copy and roll back whole policies
///
/// A policy belongs to one resource or to the tenant, and each change of it makes a revision that can be looked at and
/// gone back to. Policy files are those that the offline commands take.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = r"EXAMPLES
  Edit a policy as a file:
    sluice policy export --resource sandbox/sb_1 > policy.json
    sluice policy diff policy.json --resource sandbox/sb_1
    sluice policy apply policy.json --resource sandbox/sb_1 --note 'reviewed by ops'

  One policy on fifty sandboxes:
    sluice policy clone sandbox/sb_1 --resource 'sandbox/ci-*'

  Undo the last change:
    sluice policy history --resource sandbox/sb_1
    sluice policy rollback --resource sandbox/sb_1";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the mode, the default and the rules
    #[command(after_help = "EXAMPLES\n  sluice policy show --resource sandbox/sb_1\n  sluice policy show --tenant")]
    Show(ShowArguments),
    /// Print a policy file
    #[command(after_help = "EXAMPLES\n  sluice policy export --resource sandbox/sb_1 > policy.json")]
    Export(ExportArguments),
    /// Replace the policies of resources by a file, or by none of them if it is invalid
    #[command(
        after_help = "EXAMPLES\n  sluice policy apply policy.json --resource 'sandbox/ci-*' --note 'reviewed by ops'"
    )]
    Apply(ApplyArguments),
    /// Copy one resource's policy to others
    #[command(after_help = "EXAMPLES\n  sluice policy clone sandbox/sb_1 --resource 'sandbox/ci-*'")]
    Clone(CloneArguments),
    /// List the revisions: who changed what, when and why
    #[command(after_help = "EXAMPLES\n  sluice policy history --resource sandbox/sb_1")]
    History(HistoryArguments),
    /// Compare two revisions, or the policy with a file
    #[command(
        after_help = "EXAMPLES\n  sluice policy diff --resource sandbox/sb_1\n  sluice policy diff --from 12 --to 14 --resource sandbox/sb_1\n  sluice policy diff policy.json --resource sandbox/sb_1"
    )]
    Diff(DiffArguments),
    /// Go back to an earlier revision's rules; the mode stays
    #[command(after_help = "EXAMPLES\n  sluice policy rollback --to 12 --resource sandbox/sb_1 --note 'undo'")]
    Rollback(RollbackArguments),
}

#[derive(Debug, Args)]
struct ShowArguments {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// As it was at this revision
    #[arg(long, value_name = "REVISION")]
    revision: Option<u64>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct ApplyArguments {
    /// The policy, a JSON file; '-' is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct CloneArguments {
    /// Whose policy; 'tenant' is the tenant's
    #[arg(value_name = "TYPE/ID", value_parser = parse_resource)]
    from: Resource,
    /// Copy the rules and leave each mode as it is
    #[arg(long)]
    without_mode: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct HistoryArguments {
    /// How many, the newest first
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: usize,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct DiffArguments {
    /// What the policy would become, a JSON file; '-' is stdin
    #[arg(value_name = "FILE", conflicts_with_all = ["from", "to"])]
    file: Option<PathBuf>,
    /// The older revision; the one before the newer unless given
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// The newer revision; the latest unless given
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct RollbackArguments {
    /// The revision to go back to; the one before the latest unless given
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
    /// Take its mode back too
    #[arg(long)]
    with_mode: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

/// Does what the arguments name.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::Show(arguments) => show::show(arguments),
        Command::Export(arguments) => show::export(arguments),
        Command::Apply(arguments) => apply::apply(arguments),
        Command::Clone(arguments) => apply::clone(arguments),
        Command::Rollback(arguments) => apply::rollback(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
    }
}
