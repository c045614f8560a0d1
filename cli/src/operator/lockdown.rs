//! `sluice lockdown`: from now on, what is not listed does not pass.

mod list;
mod wait;

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use sluice_collector::resource::Resource;
use sluice_harness::progress::Progress;

use super::ask::{self, Answer};
use super::each;
use super::resources::{Targets, body_of};
use super::session::{Common, Session};
use super::simulate::{Simulation, affected_table};
use super::spans::Span;
use crate::client::{Call, ClientError, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Bar;

/// How long proxies may take, unless --timeout says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// Block what is not listed
///
/// First simulates it on what was recorded and shows what would be rejected. If any of that was seen in the last day it
/// asks, and where nobody can be asked it stops with exit code 1 unless --yes is given. Then the policies of the
/// resources go into enforce. With --wait it returns when every connected proxy has the policy; those that have not
/// after --timeout are listed, and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    /// List what 'sluice suggestions' suggests in the same step
    #[arg(long)]
    from_suggestions: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Return when every connected proxy has the policy
    #[arg(long)]
    wait: bool,
    /// How long to wait for proxies [default: 60s]
    #[arg(long, value_name = "SPAN", requires = "wait", value_parser = Span::parse)]
    timeout: Option<Span>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  See what it would break, and be asked:
    sluice lockdown --resource sandbox/sb_1

  List what was observed and lock down, in one step:
    sluice lockdown --resource sandbox/sb_1 --from-suggestions

  In a script, for all build machines, until each proxy has it:
    sluice lockdown --resource 'sandbox/ci-*' --yes --wait --timeout 2m";

/// What is going to be locked: the policy as it is, and the rules it gets.
struct Plan {
    resource: Resource,
    policy: Value,
    /// All rules of the policy as it will be, if it gets new ones.
    rules: Option<Vec<Value>>,
    simulation: Simulation,
}

/// Simulates, asks, locks and waits.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let resources = arguments.targets.needed(&session)?;
    let plans = plans(&session, &resources, arguments.from_suggestions)?;
    if !tell_and_ask(&plans, arguments.yes) {
        return Ok(Outcome::No);
    }
    let reports = each::change(&session.client, &resources, |resource, policy| {
        let plan = plans.iter().find(|plan| plan.resource == *resource);
        lock(&session, policy, plan, arguments.note.as_deref())
    })?;
    let outcome = each::print(format, &reports)?;
    if !arguments.wait || outcome != Outcome::Done {
        return Ok(outcome);
    }
    let patience = arguments.timeout.as_ref().map_or(PATIENCE, Span::duration);
    wait::for_proxies(&session.client, &reports, patience)
}

fn plans(session: &Session, resources: &[Resource], from_suggestions: bool) -> Result<Vec<Plan>, Failure> {
    let bar = Bar::new();
    bar.begin(resources.len());
    let plan = |resource: &Resource| {
        let policy = each::policy_needed(&session.client, resource)?;
        let rules = from_suggestions.then(|| list::with_suggestions(&session.client, resource, &policy));
        let rules = rules.transpose()?;
        let mut question = body_of(resource);
        match &rules {
            Some(rules) => {
                let candidate =
                    json!({"mode": "enforce", "default_effect": policy.field("default_effect"), "rules": rules});
                question.insert("policy".to_owned(), candidate);
            }
            None => {
                question.insert("lockdown".to_owned(), true.into());
            }
        }
        let simulation = Simulation::ask(&session.client, &question.into())?;
        bar.advance(1);
        Ok(Plan {
            resource: resource.clone(),
            policy,
            rules,
            simulation,
        })
    };
    resources.iter().map(plan).collect()
}

/// Says what would break, and whether to go on.
fn tell_and_ask(plans: &[Plan], yes: bool) -> bool {
    for plan in plans {
        tell(plan);
    }
    let recent: usize = plans.iter().map(|plan| plan.simulation.breaks().len()).sum();
    if recent == 0 || yes {
        return true;
    }
    let what = output::counted(recent as u64, "destination", "destinations");
    match ask::yes(&format!(
        "{what} seen in the last day would be rejected. Lock down all the same?"
    )) {
        Answer::Yes => true,
        Answer::No => {
            output::message("nothing was changed");
            false
        }
        Answer::Nobody => {
            output::message(format_args!(
                "{what} seen in the last day would be rejected, and nobody can be asked; nothing was changed\n  \
                 list what is needed with 'sluice allow' or --from-suggestions, or give --yes to lock down all the same"
            ));
            false
        }
    }
}

fn tell(plan: &Plan) {
    let Plan {
        resource,
        policy,
        rules,
        simulation,
    } = plan;
    if let Some(rules) = rules {
        let new = (rules.len() as u64).saturating_sub(policy.number("rules"));
        let new = output::counted(new, "rule", "rules");
        output::message(format_args!("{resource}: {new} of the suggestions are added"));
    }
    if policy.text("default_effect") == "allow" {
        output::message(format_args!(
            "{resource}: its default_effect is allow, so what no rule denies passes in enforce too"
        ));
    }
    let rejected = simulation.rejected().count();
    if rejected == 0 {
        output::message(format_args!("{resource}: nothing that was recorded would be rejected"));
    } else {
        let of_it = output::counted(rejected as u64, "recorded destination", "recorded destinations");
        output::message(format_args!(
            "{resource}: {of_it} would be rejected:\n{}\n",
            affected_table(simulation.rejected())
        ));
    }
}

fn lock(session: &Session, policy: &Value, plan: Option<&Plan>, note: Option<&str>) -> Result<Value, ClientError> {
    let note = note.map(Value::from);
    let path = format!("/egress/policies/{}", policy.text("id"));
    if let Some(rules) = plan.and_then(|plan| plan.rules.as_ref()) {
        // One revision, of what was simulated and nothing else.
        let body = each::body([
            ("mode", Some("enforce".into())),
            ("rules", Some(Value::from(rules.clone()))),
            (
                "expected_revision",
                plan.map(|plan| plan.policy.field("revision").clone()),
            ),
            ("note", note),
        ]);
        return session.client.patch(&Call::new(&path), &body);
    }
    let path = format!("{path}/lockdown");
    let seen = plan.map(|plan| plan.policy.field("revision").clone());
    let body = each::body([("note", note), ("expected_revision", seen)]);
    // Its warnings are what was shown before.
    session.client.post(&Call::new(&path), &body)
}
