//! `sluice replay`: what a policy says of recorded traffic.

mod fail_on;
mod junit;
mod table;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sluice_harness::engine::{Resource, Setup};
use sluice_harness::expect::Expectations;
use sluice_harness::replay::{LeftOut, replay};

use crate::arguments::{Recordings, parse_resource};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::progress::Bar;
use crate::{output, policy, recordings};
use fail_on::FailOn;

/// Replay recorded traffic under a policy and report every decision
///
/// Puts each request and connection of the recordings through the filter that Envoy would run, or natively
/// through the same deciding code, and reports what the policy says: a table by destination, one JSON document
/// with every decision, or JUnit XML for a CI system. Entries that cannot be read are skipped, listed and counted.
/// HTTPS is seen as an explicit proxy sees it, as an opaque connection to host and port, unless --visibility
/// says that TLS ends at the proxy.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    traffic: Recordings,
    /// The policy, a JSON file; '-' is stdin
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The resource that the filter is configured for
    #[arg(long, value_name = "TYPE/ID", value_parser = parse_resource)]
    resource: Option<Resource>,
    #[command(flatten)]
    engine: Engine,
    /// How the result is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Decisions that there must be, a JSON file; if one is missing, the exit code is 1
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Exit with 1 if there is such a decision; in audit_only, what would be rejected counts as rejected
    #[arg(long, value_enum, value_name = "DECISION", default_value = "none")]
    fail_on: FailOn,
}

const EXAMPLES: &str = r#"EXAMPLES
  A table by destination, rejections first:
    sluice replay sandbox.har --policy policy.json

  Every decision as JSON, of two recordings:
    sluice replay monday.har access.jsonl --policy policy.json --format json

  What a packet capture holds: each ClientHello by its server name, and plain HTTP requests:
    sluice replay eth0.pcapng --policy policy.json

  In CI: fail if anything would be rejected, with a report:
    sluice replay tests/*.har --policy policy.json --fail-on reject --format junit > report.xml

  Judge methods and paths inside HTTPS, at the times of the recording:
    sluice replay sandbox.har --policy policy.json --visibility terminated --at recorded

  Check that certain decisions come out as they should:
    echo '{"expect": [{"host": "api.example.com", "action": "allow"}]}' > expect.json
    sluice replay sandbox.har --policy policy.json --expect expect.json"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A summary by destination
    Table,
    /// One document with every decision
    Json,
    /// JUnit XML, one test case for each destination
    Junit,
}

/// Replays, reports and judges.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let inputs = arguments.traffic.recordings.iter().chain([&arguments.policy]);
    recordings::one_stdin(inputs.chain(&arguments.expect))?;
    let document = policy::load(&arguments.policy)?;
    let expectations = arguments.expect.as_deref().map(load_expectations).transpose()?;
    let traffic = recordings::read(&arguments.traffic.recordings)?;
    let backend = arguments.engine.backend(Setup {
        resource: arguments.resource.clone(),
        ..Setup::new(document)
    })?;
    let options = arguments.engine.options();
    let replayed = {
        let bar = Bar::new();
        replay(&traffic.recorded, traffic.skipped, &backend, &options, &bar)?
    };
    let unmet = match &expectations {
        Some(expectations) => expectations.unmet_by(&replayed),
        None => Vec::new(),
    };
    let failing = arguments.fail_on.count(&replayed.decisions);

    match arguments.format {
        Format::Table => output::result(|out| table::write(&replayed, out))?,
        Format::Json => output::json(&replayed)?,
        Format::Junit => {
            let report = junit::Report {
                replay: &replayed,
                fail_on: arguments.fail_on,
                expectations: expectations.as_ref().map_or(0, Expectations::len),
                unmet: &unmet,
            };
            let xml = report.to_xml()?;
            output::result(|out| out.write_all(xml.as_bytes()))?;
        }
    }
    if arguments.format != Format::Table {
        tell_skipped(&replayed.skipped);
    }
    if replayed.decisions.is_empty() {
        output::message("nothing was decided: the recordings hold no traffic that can be replayed");
    }
    // Asked to fail on what it finds, a check that looked at nothing has not passed.
    let unchecked = replayed.decisions.is_empty() && arguments.fail_on != FailOn::None;
    if !unmet.is_empty() {
        let count = expectations.as_ref().map_or(0, Expectations::len);
        let list = output::some(&unmet, unmet.len());
        output::message(format_args!("--expect: not met, of {count} expectations:{list}"));
    }
    if failing > 0 {
        let of = replayed.summary.total;
        output::message(format_args!(
            "--fail-on {}: {failing} of {of} decisions",
            arguments.fail_on
        ));
    }
    Ok(Outcome::no_if(failing > 0 || !unmet.is_empty() || unchecked))
}

fn load_expectations(path: &Path) -> Result<Expectations, Failure> {
    Expectations::from_json(&policy::bytes(path)?).map_err(|error| Failure::Expectations {
        path: path.to_owned(),
        error,
    })
}

fn tell_skipped(skipped: &[LeftOut]) {
    if !skipped.is_empty() {
        let entries = output::counted(skipped.len() as u64, "entry was", "entries were");
        output::message(format_args!(
            "{entries} skipped:{}",
            output::some(skipped, recordings::LISTED)
        ));
    }
}

/// What a replay decided, for the tests of its reports.
#[cfg(test)]
fn sample() -> sluice_harness::replay::Replay {
    use sluice_harness::replay::{Replay, ReplayedDecision, Summary};
    use sluice_policy::{Action, NearestRecord, Why};

    let decision = |source: &str, host: &str, action, would_reject, by: Option<&str>| ReplayedDecision {
        source: source.to_owned(),
        host: Some(host.to_owned()),
        port: Some(443),
        method: None,
        path: None,
        sni: None,
        action,
        would_reject,
        rule_id: by.filter(|_| !would_reject).map(str::to_owned),
        rejected_by: by.filter(|_| would_reject).map(str::to_owned),
        nearest: None,
        raw: None,
        count: 1,
    };
    let decisions = vec![
        decision("a.har#0", "api.example.com", Action::Allow, false, Some("api")),
        ReplayedDecision {
            nearest: Some(NearestRecord {
                rule_id: "api".into(),
                why: Why::Port,
            }),
            count: 3,
            ..decision("a.har#1", "api.example.com", Action::Reject, true, Some("default_deny"))
        },
        decision("a.har#2", "new.example.com", Action::Warn, false, Some("new")),
        ReplayedDecision {
            host: None,
            port: None,
            raw: Some("a\\x00<b>".to_owned()),
            ..decision("a.har#3", "", Action::Reject, true, Some("invalid_authority"))
        },
        decision("a.har#4", "2001:db8::1", Action::Allow, false, None),
        decision("a.har#5", "cdn.example.com", Action::Allow, true, Some("default_deny")),
    ];
    Replay {
        summary: Summary {
            total: 8,
            allow: 3,
            warn: 1,
            reject: 4,
            would_reject: 5,
            skipped: 1,
        },
        decisions,
        skipped: vec![LeftOut::NoTime {
            source_name: "a.har#6".to_owned(),
        }],
    }
}
