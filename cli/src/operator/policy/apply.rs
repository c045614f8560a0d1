//! Whole policies on one resource or many.

use serde_json::{Value, json};
use sluice_collector::resource::Resource;

use super::{ApplyArguments, CloneArguments, RollbackArguments};
use crate::client::{Call, Client, Fields, data};
use crate::failure::Failure;
use crate::operator::each::{self, Report};
use crate::operator::resources::body_of;
use crate::outcome::Outcome;
use crate::{output, policy};

/// Puts a file's policy on the resources. It is checked here first, so that
/// what is wrong is named by file and line of argument.
pub(super) fn apply(arguments: &ApplyArguments) -> Result<Outcome, Failure> {
    let ApplyArguments {
        file,
        note,
        targets,
        common,
    } = arguments;
    let policy = policy::load(file)?;
    let (session, format) = common.open()?;
    let resources = targets.needed(&session)?;
    let body = each::body([
        ("policy", Some(json!(policy))),
        ("targets", Some(list(&resources))),
        ("note", note.as_deref().map(Value::from)),
    ]);
    let reports = many(&session.client, "/egress/policies/-/apply", &body, &resources)?;
    each::print(format, &reports)
}

/// Copies one resource's policy to the others.
pub(super) fn clone(arguments: &CloneArguments) -> Result<Outcome, Failure> {
    let CloneArguments {
        from,
        without_mode,
        note,
        targets,
        common,
    } = arguments;
    let (session, format) = common.open()?;
    let mut resources = targets.needed(&session)?;
    // A pattern may well name the original too.
    resources.retain(|resource| resource != from);
    if resources.is_empty() {
        output::message(format_args!(
            "{from} is the only one meant, and has its own policy already"
        ));
        return Ok(Outcome::Done);
    }
    let original = each::policy_needed(&session.client, from)?;
    let path = format!("/egress/policies/{}/clone", original.text("id"));
    let body = each::body([
        ("targets", Some(list(&resources))),
        ("with_mode", without_mode.then_some(false.into())),
        ("note", note.as_deref().map(Value::from)),
    ]);
    let reports = many(&session.client, &path, &body, &resources)?;
    each::print(format, &reports)
}

/// Goes back, each resource in its own history.
pub(super) fn rollback(arguments: &RollbackArguments) -> Result<Outcome, Failure> {
    let RollbackArguments {
        to,
        with_mode,
        note,
        targets,
        common,
    } = arguments;
    let (session, format) = common.open()?;
    let resources = match to {
        // Revisions of different policies have nothing to do with each other.
        Some(_) => vec![targets.one(&session, "--to")?],
        None => targets.needed(&session)?,
    };
    let body = each::body([
        ("revision", to.map(Value::from)),
        ("with_mode", with_mode.then_some(true.into())),
        ("note", note.as_deref().map(Value::from)),
    ]);
    let reports = each::change(&session.client, &resources, |_, policy| {
        let path = format!("/egress/policies/{}/rollback", policy.text("id"));
        session.client.post(&Call::new(&path), &body)
    })?;
    each::print(format, &reports)
}

fn list(resources: &[Resource]) -> Value {
    resources
        .iter()
        .map(|resource| Value::from(body_of(resource)))
        .collect()
}

/// One call for all: the collector checks every target before it changes the first.
fn many(client: &Client, path: &str, body: &Value, resources: &[Resource]) -> Result<Vec<Report>, Failure> {
    if resources.len() > 1 {
        output::message(format_args!("{} resources", resources.len()));
    }
    let answer = data(client.post(&Call::new(path), body)?);
    Ok(answer.list("targets").iter().map(Report::of).collect())
}
