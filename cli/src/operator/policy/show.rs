//! Policies as they are: for people, and as files.

use serde_json::Value;

use super::{ExportArguments, ShowArguments};
use crate::client::{Call, Client, ClientError, Fields, data};
use crate::failure::Failure;
use crate::operator::resources::shown;
use crate::operator::session::{Format, print_list};
use crate::operator::{each, rules};
use crate::outcome::Outcome;
use crate::output;

/// Prints each policy.
pub(super) fn show(ShowArguments { targets, common }: &ShowArguments) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    let mut policies = Vec::new();
    for resource in targets.needed(&session)? {
        policies.push(each::policy_needed(&session.client, &resource)?);
    }
    match format {
        Format::Json => print_list(&policies)?,
        Format::Table => {
            let texts: Vec<String> = policies.iter().map(text).collect();
            output::result(|out| writeln!(out, "{}", texts.join("\n\n")))?;
        }
    }
    Ok(Outcome::Done)
}

fn text(policy: &Value) -> String {
    let mut text = format!(
        "{} ({}): {}, default {}, revision {}, changed {}",
        shown(policy),
        output::cell(policy.text("id")),
        output::cell(policy.text("mode")),
        output::cell(policy.text("default_effect")),
        policy.number("revision"),
        output::when(policy.text("updated_at"))
    );
    if let Some(time) = policy.some("relock_at") {
        text.push_str(&format!("\nlocks again by itself at {}", output::when(time)));
    }
    if let Some(description) = policy.some("description") {
        text.push_str(&format!("\n{}", output::cell(description)));
    }
    match policy.list("rules") {
        [] => text.push_str("\n\nno rules"),
        list => text.push_str(&format!("\n\n{}", rules::table(list, false))),
    }
    text
}

/// Prints one policy as a file.
pub(super) fn export(arguments: &ExportArguments) -> Result<Outcome, Failure> {
    let ExportArguments {
        revision,
        targets,
        common,
    } = arguments;
    let (session, _) = common.open()?;
    let resource = targets.one(&session, "a policy file")?;
    let policy = each::policy_needed(&session.client, &resource)?;
    output::json(&document(&session.client, &policy, *revision)?)?;
    Ok(Outcome::Done)
}

/// The policy document alone, as it is or was.
pub(super) fn document(client: &Client, policy: &Value, revision: Option<u64>) -> Result<Value, ClientError> {
    let id = policy.text("id");
    let path = match revision {
        None => format!("/egress/policies/{id}/export"),
        Some(revision) => format!("/egress/policies/{id}/revisions/{revision}"),
    };
    let mut document = data(client.get(&Call::new(&path))?);
    if let Some(members) = document.as_object_mut() {
        // Which revision it is was asked, and is no part of a policy file.
        members.remove("revision");
    }
    Ok(document)
}
