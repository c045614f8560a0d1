//! Checks what Envoy hands to the filter.

use sluice_filter::config::{InvalidConfig, Kind as Filter, Plan};
use sluice_harness::engine::{CompiledFilter, EngineError, WasmEngine};
use sluice_policy::lint::{Finding, Kind, Severity, lint_policy};

use crate::arguments::now;
use crate::failure::Failure;

/// What is wrong with a plugin configuration, or else with its policy.
pub(super) fn findings(json: &[u8]) -> Result<Vec<Finding>, Failure> {
    // Both filters read the same; they differ in the default port alone.
    Ok(match Plan::from_json(json, Filter::Http) {
        Err(InvalidConfig::Policy(problems)) => problems.as_slice().iter().map(Finding::from).collect(),
        Err(error) => vec![invalid(error.to_string())],
        Ok(plan) => {
            let mut findings = refusals(json)?;
            findings.extend(lint_policy(&plan.policy, now()));
            findings
        }
    })
}

/// What the filter refuses although this command could read it: it comes
/// without the tables for names outside ASCII.
fn refusals(json: &[u8]) -> Result<Vec<Finding>, Failure> {
    match WasmEngine::with_plugin_config(&CompiledFilter::embedded()?, json) {
        Ok(_) => Ok(Vec::new()),
        Err(EngineError::Refused { log, .. }) => {
            Ok(log.iter().map(|line| invalid(line.text.trim().to_owned())).collect())
        }
        Err(error) => Err(error.into()),
    }
}

fn invalid(message: String) -> Finding {
    Finding {
        rule: None,
        scope: None,
        severity: Severity::Error,
        kind: Kind::Invalid,
        message,
        related: None,
        related_scope: None,
    }
}
