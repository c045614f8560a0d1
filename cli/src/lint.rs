//! `sluice lint`: what is wrong with a policy, and what is probably not meant.

mod plugin;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use sluice_policy::Policy;
use sluice_policy::lint::{Finding, Severity, lint_policy};

use crate::arguments::now;
use crate::failure::{Failure, name};
use crate::outcome::Outcome;
use crate::{output, policy};

/// Check a policy, or the configuration of the plugin
///
/// Lists everything that keeps the policy from being loaded, or, if it loads, what is legal in it and probably not
/// meant: wildcards over public suffixes, rules that never decide, methods and paths where none is visible, hosts that
/// differ as a slip does, and more. With --plugin-config, FILE is what Envoy hands to the filter; the filter's own
/// code reads it, and its policy is checked. Errors make the exit code 1, warnings do not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A policy, a JSON file; '-' is stdin
    file: PathBuf,
    /// FILE is the plugin configuration, with the policy inside
    #[arg(long)]
    plugin_config: bool,
    /// How the findings are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

const EXAMPLES: &str = r#"EXAMPLES
  A policy file:
    sluice lint policy.json

  What Envoy is going to load:
    sluice lint --plugin-config plugin.json

  Warnings only, for a review:
    sluice lint policy.json --format json | jq '.findings[] | select(.severity == "warning")'"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line for each finding
    Text,
    /// One document with every finding
    Json,
}

/// The document of `sluice lint --format json`.
#[derive(Debug, Serialize)]
struct Report {
    summary: Summary,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Summary {
    errors: u64,
    warnings: u64,
}

/// Checks and reports.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let json = policy::bytes(&arguments.file)?;
    let report = Report::of(if arguments.plugin_config {
        plugin::findings(&json)?
    } else {
        match Policy::from_json(&json) {
            Ok(policy) => lint_policy(&policy, now()),
            Err(problems) => problems.as_slice().iter().map(Finding::from).collect(),
        }
    });
    match arguments.format {
        Format::Text => output::result(|out| report.write(&name(&arguments.file), out))?,
        Format::Json => output::json(&report)?,
    }
    Ok(Outcome::no_if(report.summary.errors > 0))
}

impl Report {
    fn of(findings: Vec<Finding>) -> Self {
        let of = |severity| {
            let all = findings.iter();
            all.filter(|finding| finding.severity == severity).count() as u64
        };
        Self {
            summary: Summary {
                errors: of(Severity::Error),
                warnings: of(Severity::Warning),
            },
            findings,
        }
    }

    fn write(&self, file: &str, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.findings {
            writeln!(out, "{file}: {}", output::quiet(&finding.to_string()))?;
        }
        let errors = output::counted(self.summary.errors, "error", "errors");
        let warnings = output::counted(self.summary.warnings, "warning", "warnings");
        writeln!(out, "{file}: {errors}, {warnings}")
    }
}
