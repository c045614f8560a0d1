//! Whether the policies are sound, and in which mode.

use serde_json::Value;
use sluice_collector::resource::Resource;
use sluice_policy::Policy;
use sluice_policy::lint::{Severity, lint_policy};

use super::Findings;
use crate::arguments::now;
use crate::client::{Call, Fields, data};
use crate::failure::Failure;
use crate::operator::each::policy_of;
use crate::operator::resources::resource_of;
use crate::operator::session::Session;

/// Checks the policies of these resources, or all that are attached to one.
pub(super) fn check(session: &Session, resources: Option<&[Resource]>, findings: &mut Findings) -> Result<(), Failure> {
    let client = &session.client;
    let mut policies = Vec::new();
    match resources {
        None => {
            let rows = client.list(&Call::new("/egress/policies"))?;
            policies.extend(rows.into_iter().filter(|row| row.some("resource_type").is_some()));
        }
        Some(resources) => {
            for resource in resources {
                policies.extend(policy_of(client, resource)?);
            }
        }
    }
    for policy in &policies {
        let path = format!("/egress/policies/{}/export", policy.text("id"));
        let document = data(client.get(&Call::new(&path))?);
        one(policy, &document, findings);
    }
    Ok(())
}

fn one(policy: &Value, document: &Value, findings: &mut Findings) {
    let resource = resource_of(policy);
    let errors: Vec<String> = match Policy::from_json(document.to_string().as_bytes()) {
        Ok(policy) => {
            let findings = lint_policy(&policy, now()).into_iter();
            let errors = findings.filter(|finding| finding.severity == Severity::Error);
            errors.map(|finding| finding.to_string()).collect()
        }
        Err(problems) => problems.as_slice().iter().map(ToString::to_string).collect(),
    };
    for error in &errors {
        findings.wrong(
            "policy",
            format_args!("{resource}: {error}"),
            "'sluice lint' says more of a file",
        );
    }
    if policy.text("mode") == "audit_only" {
        findings.note(
            "mode",
            format_args!("{resource} is in audit_only: nothing is blocked"),
            "'sluice coverage' says whether it was observed long enough for 'sluice lockdown'",
        );
    } else if errors.is_empty() {
        findings.ok(
            "policy",
            format_args!("{resource} enforces revision {}", policy.number("revision")),
        );
    }
}
