//! Whether proxies are there, have what they should, and lose nothing.

use serde_json::Value;
use sluice_collector::moment::{Moment, SECOND};
use sluice_collector::resource::Resource;

use super::Findings;
use crate::client::{Call, Fields};
use crate::failure::Failure;
use crate::operator::proxies::{is_behind, is_closed, is_live, losses, overridden, revision};
use crate::operator::resources::{resource_of, shown};
use crate::operator::session::Session;
use crate::output;

/// Three heartbeats that did not come.
const SILENT: i64 = 30 * SECOND;

/// Checks the proxies of these resources, or of all.
pub(super) fn check(
    session: &Session,
    resources: Option<&[Resource]>,
    now: Moment,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let rows = session.client.list(&Call::new("/egress/proxies"))?;
    let is_meant = |row: &&Value| {
        resources.is_none_or(|resources| {
            let resource = resource_of(row);
            resources.iter().any(|meant| meant.is_tenant() || *meant == resource)
        })
    };
    let rows: Vec<&Value> = rows.iter().filter(is_meant).filter(|row| !is_closed(row)).collect();
    absent(&rows, resources, findings);
    let before = findings.len();
    for row in &rows {
        one(row, now, findings);
    }
    if !rows.is_empty() && findings.len() == before {
        let proxies = output::counted(rows.len() as u64, "proxy is", "proxies are");
        findings.ok(
            "proxies",
            format_args!("{proxies} connected, up to date, and lost nothing"),
        );
    }
    Ok(())
}

fn absent(rows: &[&Value], resources: Option<&[Resource]>, findings: &mut Findings) {
    const ADVICE: &str = "is Envoy running, does its sluice cluster lead to the collector's gRPC port, and does its token reach the resource?";
    let resources = resources.unwrap_or_default();
    for resource in resources.iter().filter(|resource| !resource.is_tenant()) {
        if rows.iter().all(|row| resource_of(row) != *resource) {
            findings.wrong("proxies", format_args!("no proxy is connected for {resource}"), ADVICE);
        }
    }
    if rows.is_empty() && resources.iter().all(Resource::is_tenant) {
        findings.wrong("proxies", "no proxy is connected", ADVICE);
    }
}

fn one(row: &Value, now: Moment, findings: &mut Findings) {
    let name = format!("{} {}", shown(row), output::cell(row.text("instance")));
    if let Some(error) = row.some("policy_error") {
        findings.wrong(
            "policy",
            format_args!("{name} refused the policy: {error}"),
            "it keeps the last good one; correct the policy, or update the filter",
        );
    }
    let seen = Moment::parse("last_seen", row.text("last_seen")).ok();
    if !is_live(row) || seen.is_some_and(|seen| now.0.saturating_sub(seen.0) > SILENT) {
        findings.wrong(
            "heartbeat",
            format_args!("{name} was last heard of at {}", output::when(row.text("last_seen"))),
            "heartbeats come every 10 s; the proxy ended without saying so, or cannot reach the collector",
        );
    } else if is_behind(row) {
        let live = revision(row.field("live"));
        let intended = revision(row.field("intended"));
        findings.wrong(
            "revision",
            format_args!("{name} has revision {live}, intended is {intended}"),
            "if it stays so: is its policy stream up? Envoy's log and the collector's say",
        );
    }
    let losses = losses(row);
    if !losses.is_empty() {
        findings.wrong(
            "loss",
            format_args!("{name}: {}", losses.join(", ")),
            "the record is not whole: the buffer was too small for the time the collector was away (events.buffer_bytes), or a relay in between lost it",
        );
    }
    if let Some(by) = overridden(row) {
        findings.wrong(
            "override",
            format_args!("{name} is overridden: {by}"),
            "the plugin configuration of this Envoy beats the policy until then",
        );
    }
}
