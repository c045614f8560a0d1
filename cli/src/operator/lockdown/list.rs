//! The rules a policy has and those that are suggested, in one list.

use serde_json::Value;
use sluice_collector::resource::Resource;
use sluice_collector::review::joined;

use crate::client::{Call, Client, ClientError, Fields, data};

/// The policy's own rules, then the suggested ones that it does not have.
pub(super) fn with_suggestions(
    client: &Client,
    resource: &Resource,
    policy: &Value,
) -> Result<Vec<Value>, ClientError> {
    let path = format!("/egress/policies/{}/export", policy.text("id"));
    let own = data(client.get(&Call::new(&path))?);
    let call = Call::new("/egress/audit/suggestions")
        .of(resource)
        .with("format", "policy");
    let suggested = data(client.get(&call)?);
    Ok(joined(own.list("rules"), suggested.list("rules")))
}
