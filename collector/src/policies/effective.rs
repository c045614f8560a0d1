//! What filters get: the tenant's and the resource's policy side by side.

use sha2::{Digest, Sha256};
use sluice_policy::{EffectiveDocument, Policy};
use sqlx::{Any, Executor};

use super::load;
use crate::error::Error;
use crate::resource::Resource;

/// The effective policy of a resource, as bytes for a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The higher revision of the two.
    pub revision: i64,
    /// Identifies the content: its SHA-256.
    pub digest: Vec<u8>,
    /// An [`EffectiveDocument`] as JSON.
    pub content: Vec<u8>,
}

/// The documents that make the effective policy of a resource, and its revision (0 if there is none).
///
/// # Errors
/// What the database says.
pub async fn in_force<'c, E: Executor<'c, Database = Any> + Copy>(
    on: E,
    resource: &Resource,
) -> Result<(EffectiveDocument, i64), Error> {
    let mut revision = 0;
    let mut documents = [None, None];
    for (document, of) in documents.iter_mut().zip([Resource::tenant(), resource.clone()]) {
        if let Some(policy) = load::of(on, &of).await? {
            let rules = load::rules(on, &policy.id).await?;
            revision = revision.max(policy.revision);
            *document = Some(policy.document(&rules));
        }
        if resource.is_tenant() {
            break;
        }
    }
    let [tenant, resource] = documents;
    Ok((EffectiveDocument { tenant, resource }, revision))
}

/// The effective policy of a resource; `None` if neither it nor its tenant has one.
///
/// # Errors
/// What the database says.
pub async fn effective<'c, E: Executor<'c, Database = Any> + Copy>(
    on: E,
    resource: &Resource,
) -> Result<Option<Effective>, Error> {
    let (document, revision) = in_force(on, resource).await?;
    if document.tenant.is_none() && document.resource.is_none() {
        return Ok(None);
    }
    // The very check that the filter makes.
    if let Err(problems) = Policy::merge(document.tenant.as_ref(), document.resource.as_ref()) {
        return Err(Error::Internal(format!(
            "the policy of {resource} does not load: {problems}"
        )));
    }
    let content = serde_json::to_vec(&document).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some(Effective {
        revision,
        digest: Sha256::digest(&content).to_vec(),
        content,
    }))
}
