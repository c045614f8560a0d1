//! `sluice doctor`: what is wrong, and what to do about it.

mod collector;
mod policies;
mod proxies;

use clap::Args;
use serde_json::{Value, json};

use super::resources::Targets;
use super::session::{Common, Format, print_object};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Find out what is wrong, and what to do about it
///
/// Checks one thing after the other: whether the collector answers and is ready, the token, the clocks, and for each
/// resource whether its proxies are connected, have the intended policy, report in time and lost nothing, whether an
/// override is in force, and whether the policy is sound. The exit code is 1 if anything is wrong.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  Everything:
    sluice doctor

  The agent stopped, and nobody knows why:
    sluice doctor --resource sandbox/sb_1";

/// What was looked at, in order.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    check: &'static str,
    status: &'static str,
    said: String,
    advice: Option<&'static str>,
}

impl Findings {
    fn ok(&mut self, check: &'static str, said: impl ToString) {
        self.add(check, "ok", said, None);
    }

    /// Worth knowing, and not wrong.
    fn note(&mut self, check: &'static str, said: impl ToString, advice: &'static str) {
        self.add(check, "note", said, Some(advice));
    }

    fn wrong(&mut self, check: &'static str, said: impl ToString, advice: &'static str) {
        self.add(check, "wrong", said, Some(advice));
    }

    fn add(&mut self, check: &'static str, status: &'static str, said: impl ToString, advice: Option<&'static str>) {
        self.0.push(Finding {
            check,
            status,
            said: said.to_string(),
            advice,
        });
    }

    fn are_bad(&self) -> bool {
        self.0.iter().any(|finding| finding.status == "wrong")
    }
}

/// Checks; what cannot be checked because of what is wrong already is left out.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let mut findings = Findings::default();
    if let Some(now) = collector::check(&session, &mut findings) {
        let resources = arguments.targets.meant(&session)?;
        proxies::check(&session, resources.as_deref(), now, &mut findings)?;
        policies::check(&session, resources.as_deref(), &mut findings)?;
    }
    match format {
        Format::Json => {
            let checks = findings.0.iter().map(|finding| {
                json!({
                    "check": finding.check,
                    "status": finding.status,
                    "message": finding.said,
                    "advice": finding.advice,
                })
            });
            print_object(&json!({"checks": checks.collect::<Vec<Value>>()}))?;
        }
        Format::Table => output::result(|out| {
            for finding in &findings.0 {
                writeln!(
                    out,
                    "{:<6} {:<10} {}",
                    finding.status,
                    finding.check,
                    output::cell(&finding.said)
                )?;
                if let Some(advice) = finding.advice {
                    writeln!(out, "{:18}{advice}", "")?;
                }
            }
            Ok(())
        })?,
    }
    Ok(Outcome::no_if(findings.are_bad()))
}
