//! `sluice observe`: block nothing, for a while or until further notice.

use clap::Args;
use serde_json::Value;

use super::each;
use super::resources::Targets;
use super::session::Common;
use super::spans::Span;
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Stop blocking, for a while or until further notice
///
/// Puts the policies of the resources into audit_only: everything passes and is recorded, with what enforce would have
/// rejected. With --for, the collector locks them again by itself, whether or not anybody remembers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    /// Lock again after this time, such as 30m, 2h or 7d
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    span: Option<Span>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  It is 3 am and a sandbox has to work now; it locks again at 5:
    sluice observe --resource sandbox/sb_1 --for 2h --note 'incident 42'

  All build machines, until 'sluice lockdown':
    sluice observe --resource 'sandbox/ci-*'";

/// Changes the policies.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let resources = arguments.targets.needed(&session)?;
    let body = each::body([
        ("for", arguments.span.as_ref().map(|span| span.as_str().into())),
        ("note", arguments.note.as_deref().map(Value::from)),
    ]);
    let reports = each::change(&session.client, &resources, |_, policy| {
        let path = format!("/egress/policies/{}/observe", policy.text("id"));
        session.client.post(&Call::new(&path), &body)
    })?;
    let outcome = each::print(format, &reports)?;
    match &arguments.span {
        Some(span) => output::message(format_args!(
            "locks again by itself in {}, at {}",
            span.as_str(),
            span.ends_at()
        )),
        None => output::message("nothing is blocked until 'sluice lockdown'"),
    }
    Ok(outcome)
}
