//! `sluice remove`: rules by their ids.

use clap::Args;
use serde_json::{Value, json};

use super::resources::parse_id;
use super::session::{Common, Format};
use crate::client::{Call, ClientError};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Remove rules
///
/// A rule that was removed already is no mistake; an id that never was is. What a removed rule allowed is decided by
/// the other rules from then on, in open tunnels too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Ids of rules, as 'sluice rules' lists them
    #[arg(value_name = "ID", required = true, value_parser = parse_id)]
    ids: Vec<String>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  sluice remove rul_5r0y8mq3zk1v9h2d

  All rules on trial of a sandbox:
    sluice rules --resource sandbox/sb_1 --format json | jq -r '.data[] | select(.warn_only).id' | xargs sluice remove";

/// Removes one after the other.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let mut results = Vec::new();
    let mut bad = false;
    for id in &arguments.ids {
        let path = format!("/egress/allowlist/{id}");
        let (status, error) = match session.client.delete(&Call::new(&path)) {
            Ok(()) => ("removed", Value::Null),
            Err(ClientError::Api(error)) if arguments.ids.len() > 1 => {
                bad = true;
                output::message(format_args!("{id}: {error}"));
                ("failed", error.document())
            }
            Err(error) => return Err(error.into()),
        };
        results.push(json!({"id": id, "status": status, "error": error}));
    }
    match format {
        Format::Json => output::json(&json!({"data": {"results": results}}))?,
        Format::Table => output::result(|out| {
            let removed = results.iter().filter(|result| result["status"] == "removed").count();
            writeln!(
                out,
                "removed {} of {}",
                removed,
                output::counted(results.len() as u64, "rule", "rules")
            )
        })?,
    }
    Ok(Outcome::no_if(bad))
}
