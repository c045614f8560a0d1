//! Checks what Envoy hands to the filter.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_filter::config::{InvalidConfig, Kind as Filter, Plan};
use sluice_harness::lab::{Lab, LabError, LabFilter, Plugin, VmSetup};
use sluice_policy::Blocks;
use sluice_policy::address::METADATA;
use sluice_policy::lint::{Finding, Kind, Severity, lint_policy};

use crate::arguments::now;
use crate::failure::Failure;

/// What is wrong with a plugin configuration, or else with its policy.
pub(super) fn findings(json: &[u8]) -> Result<Vec<Finding>, Failure> {
    // Both filters read the same; they differ in the default port alone.
    Ok(match Plan::from_json(json, Filter::Http) {
        Err(InvalidConfig::Policy(problems)) => problems.as_slice().iter().map(Finding::from).collect(),
        Err(error) => vec![about(Severity::Error, Kind::Invalid, error.to_string())],
        Ok(plan) => {
            let mut findings = refusals(json, &plan)?;
            findings.extend(names_may_lead(&plan.surroundings.resolves_to));
            findings.extend(plan.inline.iter().flat_map(|policy| lint_policy(policy, now())));
            findings
        }
    })
}

/// What the filter refuses although this command could read it: it comes
/// without the tables for names outside ASCII.
fn refusals(json: &[u8], plan: &Plan) -> Result<Vec<Finding>, Failure> {
    let filter = LabFilter::embedded().map_err(|error| Failure::Filter(error.into()))?;
    let mut setup = VmSetup::new(Plugin::http(String::from_utf8_lossy(json)));
    // Whether the VM has its tokens is not for the configuration to say.
    let events = plan.events.as_ref().map(|events| &events.endpoint);
    let policies = plan.policy_service.as_ref().map(|service| &service.endpoint);
    for name in [events, policies]
        .into_iter()
        .flatten()
        .filter_map(|to| to.token_env.as_deref())
    {
        setup = setup.with_variable(name, "present");
    }
    match Lab::new(&filter).add_vm(&setup) {
        Ok(_) => Ok(Vec::new()),
        Err(LabError::Refused { log, .. }) => Ok(log
            .iter()
            .map(|line| about(Severity::Error, Kind::Invalid, line.text.trim().to_owned()))
            .collect()),
        Err(error) => Err(Failure::Filter(error.into())),
    }
}

/// What is wrong with blocks that every name may lead to; those of a rule are its policy's matter.
fn names_may_lead(blocks: &Blocks) -> impl Iterator<Item = Finding> + use<> {
    let metadata = METADATA.iter().find(|address| blocks.contain(**address)).map(|address| {
        let message = format!(
            "resolves_to: lets every name resolve to {address}, where clouds hand out credentials; narrow the blocks"
        );
        about(Severity::Error, Kind::ResolvesTo, message)
    });
    let loopback = LOOPBACK.into_iter().find(|address| blocks.contain(*address)).map(|address| {
        let message = format!(
            "resolves_to: lets every name resolve to {address}, which is the proxy's own machine; narrow the blocks to what is meant"
        );
        about(Severity::Warning, Kind::ResolvesTo, message)
    });
    [metadata, loopback].into_iter().flatten()
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

fn about(severity: Severity, kind: Kind, message: String) -> Finding {
    Finding {
        rule: None,
        scope: None,
        severity,
        kind,
        message,
        related: None,
        related_scope: None,
    }
}
