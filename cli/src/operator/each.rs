//! One operation on many resources: what became of each.

use serde_json::{Value, json};
use sluice_collector::resource::Resource;
use sluice_harness::progress::Progress;

use super::resources::{Misuse, resource_of};
use super::session::Format;
use crate::client::{Call, Client, ClientError, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Bar;
use crate::table::Columns;

/// What became of one resource: `{resource_type, resource_id, status, policy_id,
/// mode, revision, error}`, as apply and clone of the API answer it too.
#[derive(Debug, Clone)]
pub(super) struct Report(Value);

impl Report {
    /// From an answer of the API.
    pub(super) fn of(row: &Value) -> Self {
        let error = match row.field("error") {
            Value::String(message) => json!({"code": "", "message": message, "details": {}}),
            error => error.clone(),
        };
        Self(json!({
            "resource_type": row.text("resource_type"),
            "resource_id": row.text("resource_id"),
            "status": row.text("status"),
            "policy_id": row.field("policy_id"),
            "mode": row.field("mode"),
            "revision": row.field("revision"),
            "error": error,
        }))
    }

    fn done(resource: &Resource, before: &Value, after: &Value) -> Self {
        let same = before.field("revision") == after.field("revision");
        Self(json!({
            "resource_type": resource.kind,
            "resource_id": resource.id,
            "status": if same { "unchanged" } else { "changed" },
            "policy_id": after.field("id"),
            "mode": after.field("mode"),
            "revision": after.field("revision"),
            "error": null,
        }))
    }

    fn failed(resource: &Resource, error: &ClientError) -> Self {
        let error = error.api().map_or_else(
            || json!({"code": "", "message": error.to_string(), "details": {}}),
            |error| error.document(),
        );
        Self(json!({
            "resource_type": resource.kind,
            "resource_id": resource.id,
            "status": "failed",
            "policy_id": null,
            "mode": null,
            "revision": null,
            "error": error,
        }))
    }

    pub(super) fn resource(&self) -> Resource {
        resource_of(&self.0)
    }

    pub(super) fn revision(&self) -> Option<u64> {
        self.0.field("revision").as_u64()
    }

    fn is_bad(&self) -> bool {
        matches!(self.0.text("status"), "failed" | "skipped")
    }
}

/// A resource's own policy, made on first sight.
pub(super) fn policy_of(client: &Client, resource: &Resource) -> Result<Option<Value>, ClientError> {
    let rows = client.list(&Call::new("/egress/policies").of(resource))?;
    Ok(rows.into_iter().next())
}

/// As [`policy_of`]; without one the command has nothing to work on.
pub(super) fn policy_needed(client: &Client, resource: &Resource) -> Result<Value, Failure> {
    let policy = policy_of(client, resource)?;
    policy.ok_or_else(|| Misuse::NoPolicy(resource.clone()).into())
}

/// Changes the policy of each resource; the change answers the policy as it is then.
///
/// A refusal of one of many does not stop the others; that the collector
/// cannot be reached does.
pub(super) fn change(
    client: &Client,
    resources: &[Resource],
    change: impl Fn(&Resource, &Value) -> Result<Value, ClientError>,
) -> Result<Vec<Report>, Failure> {
    let bar = Bar::new();
    bar.begin(resources.len());
    let mut reports = Vec::with_capacity(resources.len());
    for resource in resources {
        let changed = policy_needed(client, resource).and_then(|before| {
            let after = data(change(resource, &before)?);
            Ok(Report::done(resource, &before, &after))
        });
        reports.push(match changed {
            Err(Failure::Client(error)) if resources.len() > 1 && error.api().is_some() => {
                Report::failed(resource, &error)
            }
            changed => changed?,
        });
        bar.advance(1);
    }
    Ok(reports)
}

/// The body of an operation: what is given of these members.
pub(super) fn body<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter();
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Prints the reports. The answer is no if one of them is.
pub(super) fn print(format: Format, reports: &[Report]) -> Result<Outcome, Failure> {
    match format {
        Format::Json => {
            let targets: Vec<&Value> = reports.iter().map(|report| &report.0).collect();
            output::json(&json!({"data": {"targets": targets}}))?;
        }
        Format::Table => {
            let text = table(reports);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::no_if(reports.iter().any(Report::is_bad)))
}

fn table(reports: &[Report]) -> String {
    let mut columns = Columns::new(&["RESOURCE", "STATUS", "MODE", "REVISION#", "ERROR"]);
    for Report(row) in reports {
        let error = row.field("error");
        let error = format!("{} {}", error.text("code"), error.text("message"));
        columns.row(&[
            &output::cell(&resource_of(row).to_string()),
            &output::cell(row.text("status")),
            &output::cell(row.text("mode")),
            &row.field("revision")
                .as_u64()
                .map(|revision| revision.to_string())
                .unwrap_or_default(),
            &output::cell(error.trim()),
        ]);
    }
    let mut text = columns.to_string();
    if reports.len() > 1 {
        let of = |status| {
            reports
                .iter()
                .filter(|report| report.0.text("status") == status)
                .count()
        };
        text.push_str(&format!("\n\n{} targets", reports.len()));
        for status in ["changed", "unchanged", "skipped", "failed"] {
            text.push_str(&format!("; {status} {}", of(status)));
        }
    }
    text
}
