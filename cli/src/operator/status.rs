//! `sluice status`: every resource in one line.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use sluice_collector::resource::Resource;

use super::proxies::{is_behind, is_live};
use super::resources::{Targets, resource_of};
use super::session::{Common, Format, print_object};
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Show each resource: mode, policy, proxies, pending
///
/// One line for each resource that the collector knows and for the tenant: the mode of its own policy, how many rules
/// it has, how many proxies are connected and how many of them have the intended policy, what was rejected and waits
/// for a decision, and when the resource was last seen. A resource without a policy of its own follows the tenant's.
/// The exit code is 0 whatever the state; 'sluice doctor' judges.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = r"EXAMPLES
  Everything there is:
    sluice status

  Some of it, for a script:
    sluice status --resource 'sandbox/ci-*' --format json | jq '.data.resources[].mode'";

/// Gathers and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let client = &session.client;
    let is_meant = arguments.targets.filter(&session)?;
    let mut rows: BTreeMap<Resource, Row> = BTreeMap::new();
    for resource in client.list(&Call::new("/egress/resources"))? {
        let row = rows.entry(resource_of(&resource)).or_default();
        row.name = resource.some("name").map(str::to_owned);
        row.last_seen = resource.some("last_seen").map(str::to_owned);
    }
    for policy in client.list(&Call::new("/egress/policies"))? {
        // Policies that are attached to nothing govern nothing.
        if policy.some("resource_type").is_some() {
            let resource = resource_of(&policy);
            rows.entry(resource).or_default().policy = Some(policy);
        }
    }
    let proxies = client.list(&Call::new("/egress/proxies"))?;
    for proxy in proxies.into_iter().filter(is_live) {
        let row = rows.entry(resource_of(&proxy)).or_default();
        row.proxies += 1;
        row.behind += u64::from(is_behind(&proxy));
    }
    for pending in client.list(&Call::new("/egress/pending"))? {
        rows.entry(resource_of(&pending)).or_default().pending += 1;
    }
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|(resource, row)| row.document(&resource))
        .filter(is_meant)
        .collect();
    match format {
        Format::Json => print_object(&json!({"resources": rows}))?,
        Format::Table if rows.is_empty() => output::message(format_args!(
            "{}: no resource yet; they appear with their first event, or with 'sluice resource register'",
            client.url()
        )),
        Format::Table => {
            let text = table(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

#[derive(Debug, Default)]
struct Row {
    name: Option<String>,
    last_seen: Option<String>,
    policy: Option<Value>,
    proxies: u64,
    behind: u64,
    pending: u64,
}

impl Row {
    fn document(self, resource: &Resource) -> Value {
        let policy = self.policy.unwrap_or_default();
        json!({
            "resource_type": resource.kind,
            "resource_id": resource.id,
            "name": self.name,
            "mode": policy.some("mode"),
            "revision": policy.field("revision"),
            "rules": policy.get("rules").map(|_| policy.number("rules")),
            "proxies": self.proxies,
            "behind": self.behind,
            "pending": self.pending,
            "last_seen": self.last_seen,
        })
    }
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&[
        "RESOURCE",
        "MODE",
        "RULES#",
        "REVISION#",
        "PROXIES#",
        "BEHIND#",
        "PENDING#",
        "LAST SEEN",
        "NAME",
    ]);
    for row in rows {
        let number = |name: &str| {
            row.field(name)
                .as_u64()
                .map(|number| number.to_string())
                .unwrap_or_default()
        };
        columns.row(&[
            &output::cell(&resource_of(row).to_string()),
            &output::cell(row.some("mode").unwrap_or("(tenant's)")),
            &number("rules"),
            &number("revision"),
            &number("proxies"),
            &number("behind"),
            &number("pending"),
            &output::when(row.text("last_seen")),
            &output::cell(row.text("name")),
        ]);
    }
    columns
}
