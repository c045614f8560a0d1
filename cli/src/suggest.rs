//! `sluice suggest`: from recorded traffic to a policy.

mod table;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_harness::recording::Skipped;
use sluice_harness::suggest::{Catalogue, Observed, Options, Suggestions, policy_of};
use sluice_policy::Blocks;

use crate::arguments::{Recordings, Visibility, parse_block};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::{output, recordings};

/// Suggest a policy for what was recorded
///
/// Brings the destinations of the recordings together, hosts of one domain under a wildcard where they are many, and
/// recommends for each to keep it, to deny it, or to find out first, with the reason. The policy that comes of it
/// allows everything that was recorded but what is recommended to be denied. Methods and paths are suggested only for
/// traffic that the filter will see in clear.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    traffic: Recordings,
    /// Known services beside those built in, a JSON file of the same form
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Where the filter will stand, and so how much of HTTPS it will see
    #[arg(long, value_enum, value_name = "PLACE", default_value = "proxy")]
    visibility: Visibility,
    /// Private blocks that the filter lets any name lead to, by resolves_to of its configuration; can be given again
    #[arg(long, value_name = "BLOCK", value_parser = parse_block)]
    resolves_to: Vec<String>,
    /// How the result is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

const EXAMPLES: &str = r#"EXAMPLES
  What did the sandbox talk to, and what of it should stay?
    sluice suggest sandbox.har

  A policy file, and what it does to the same traffic:
    sluice suggest monday.har tuesday.har --format policy > policy.json
    sluice replay monday.har tuesday.har --policy policy.json

  With services of your own:
    echo '{"entries": [{"name": "Build cache", "class": "package_files",
                        "patterns": ["cache.corp.example.com"]}]}' > ours.json
    sluice suggest sandbox.har --catalogue ours.json"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Suggestions by recommendation
    Table,
    /// One document with every suggestion
    Json,
    /// A policy file
    Policy,
}

/// Observes, suggests and reports.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    recordings::one_stdin(arguments.traffic.recordings.iter().chain(&arguments.catalogue))?;
    let catalogue = match &arguments.catalogue {
        Some(path) => Catalogue::with_file(path)?,
        None => Catalogue::built_in(),
    };
    let traffic = recordings::read(&arguments.traffic.recordings)?;
    let options = Options {
        visibility: arguments.visibility.into(),
        ..Options::default()
    };
    // Each was read as a block when the arguments were.
    let expected = Blocks::parse(arguments.resolves_to.iter().map(String::as_str)).unwrap_or_default();
    let mut observed = Observed::new(&catalogue, options).expecting(expected);
    for recorded in &traffic.recorded {
        observed.add(recorded);
    }
    let suggestions = observed.suggestions();
    if arguments.format == Format::Policy && suggestions.suggestions.is_empty() {
        tell_skipped(&traffic.skipped);
        tell_left_out(&suggestions);
        output::message("nothing to make a policy of: it would deny everything");
        return Ok(Outcome::No);
    }
    match arguments.format {
        Format::Table => output::result(|out| table::write(&suggestions, &traffic.skipped, out))?,
        Format::Json => output::json(&suggestions)?,
        Format::Policy => output::json(&policy_of(&suggestions.suggestions))?,
    }
    if arguments.format != Format::Table {
        tell_skipped(&traffic.skipped);
    }
    if arguments.format == Format::Policy {
        tell_left_out(&suggestions);
    }
    Ok(Outcome::Done)
}

fn tell_skipped(skipped: &[Skipped]) {
    if !skipped.is_empty() {
        let entries = output::counted(skipped.len() as u64, "entry was", "entries were");
        output::message(format_args!(
            "{entries} skipped:{}",
            output::some(skipped, recordings::LISTED)
        ));
    }
}

/// A policy has no place for what it cannot name.
fn tell_left_out(suggestions: &Suggestions) {
    let left_out: Vec<String> = suggestions.left_out.iter().map(table::left_out).collect();
    if !left_out.is_empty() {
        let list = output::some(&left_out, recordings::LISTED);
        output::message(format_args!(
            "no rule is suggested, and so they are rejected, for:{list}"
        ));
    }
}
