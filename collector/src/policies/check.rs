//! What must hold before a policy is stored: a filter would accept it, and it does what it says.

use serde_json::json;
use sluice_policy::lint::{Finding, Kind, Severity, lint_merged};
use sluice_policy::{EffectiveDocument, PolicyDocument, Scope};

use super::load;
use super::types::{Policy, StoredRule};
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Tx;

/// The largest effective policy that is handed out; filters take larger ones, gRPC needs a bound.
const LARGEST: usize = 32 << 20;

/// Refuses what no filter would accept, and rules that are new (`touched`) and do not do what they say.
pub(super) async fn policy(
    tx: &mut Tx,
    policy: &Policy,
    rules: &[StoredRule],
    touched: &[String],
) -> Result<(), Error> {
    if policy.name.is_empty() || policy.name.chars().count() > 255 {
        return Err(Error::field("name", &policy.name, "1 to 255 characters"));
    }
    if policy.description.chars().count() > 4096 {
        return Err(Error::field(
            "description",
            &policy.description,
            "at most 4096 characters",
        ));
    }
    let own = policy.document(rules);
    sluice_policy::Policy::compile(&own).map_err(|problems| Error::policy(&problems))?;
    let is_tenant = policy.resource.as_ref().is_some_and(Resource::is_tenant);
    let tenant = if is_tenant { None } else { tenant(tx).await? };
    let effective = if is_tenant {
        EffectiveDocument {
            tenant: Some(own),
            resource: None,
        }
    } else {
        EffectiveDocument {
            tenant,
            resource: Some(own),
        }
    };
    let size = serde_json::to_vec(&effective).map_or(usize::MAX, |bytes| bytes.len());
    if size > LARGEST {
        return Err(Error::TooLarge(format!(
            "the policy would be {size} bytes long with the tenant's; a filter is sent at most {LARGEST}"
        )));
    }
    let scope = if is_tenant { Scope::Tenant } else { Scope::Resource };
    let refused: Vec<Finding> = lint_merged(
        effective.tenant.as_ref(),
        effective.resource.as_ref(),
        Moment::now().timestamp(),
    )
    .into_iter()
    .filter(|finding| {
        finding.severity == Severity::Error && matches!(finding.kind, Kind::PublicSuffix | Kind::OpaqueDeny)
    })
    .filter(|finding| finding.scope.is_none_or(|of| of == scope))
    .filter(|finding| finding.rule.as_ref().is_some_and(|rule| touched.contains(rule)))
    .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = refused.iter().map(|finding| finding.message.clone()).collect();
    let details = refused.iter().map(
        |finding| json!({"rule": finding.rule, "field": "host", "value": finding.kind, "expected": finding.message}),
    );
    Err(Error::Validation {
        message: lines.join("\n"),
        details: details.collect(),
    })
}

/// The tenant's document, if there is one.
pub(super) async fn tenant(tx: &mut Tx) -> Result<Option<PolicyDocument>, Error> {
    own_document(tx, &Resource::tenant()).await
}

/// The own document of a resource, if it has one.
pub(crate) async fn own_document(tx: &mut Tx, resource: &Resource) -> Result<Option<PolicyDocument>, Error> {
    let Some(policy) = load::of(&mut **tx, resource).await? else {
        return Ok(None);
    };
    let rules = load::rules(&mut **tx, &policy.id).await?;
    Ok(Some(policy.document(&rules)))
}
