//! Sending what was written.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};

use super::super::desk::Desk;
use crate::api::{self, ApiError};
use crate::draft::Draft;
use crate::model::{Policy, Rule};

/// Saves a rule: a new one alone, a changed one with all the others, so that it keeps its place.
pub(super) fn save(desk: Desk, draft: Draft, replaces: Option<String>, busy: RwSignal<bool>) {
    let Some(policy) = desk.own() else { return };
    busy.set(true);
    spawn_local(async move {
        let saved = match &replaces {
            None => add(desk, &policy, &draft).await,
            Some(id) => replace(desk, &policy, id, &draft).await,
        };
        match saved {
            Ok(()) => desk.editor.set(false),
            Err(error) => desk.failed(&error),
        }
        // The editor is gone when it was saved.
        let _ = busy.try_set(false);
    });
}

fn body(draft: &Draft) -> Value {
    let name = draft.name.trim();
    let mut body = draft.body(name);
    if let (true, Some(members)) = (name.is_empty(), body.as_object_mut()) {
        members.remove("id");
    }
    body
}

async fn add(desk: Desk, policy: &Policy, draft: &Draft) -> Result<(), ApiError> {
    let mut body = body(draft);
    body["policy_id"] = json!(policy.id);
    body["revision"] = json!(policy.revision);
    let rule = api::post::<Rule>("/egress/allowlist", &body).await?;
    desk.say(&if policy.rules.iter().any(|old| old.id == rule.id) {
        format!("A rule for {} did the same already", rule.host)
    } else {
        format!("The rule for {} was added", rule.host)
    });
    desk.warnings.set(rule.warnings);
    desk.workload.policy.reload();
    desk.workload.overview.reload();
    Ok(())
}

async fn replace(desk: Desk, policy: &Policy, id: &str, draft: &Draft) -> Result<(), ApiError> {
    if !policy.rules.iter().any(|rule| rule.id == *id) {
        return Err(ApiError {
            message: "This rule is not there any more: somebody changed or removed it meanwhile. Close this, and look at the list."
                .to_owned(),
            ..ApiError::default()
        });
    }
    let rules: Vec<Value> = policy
        .rules
        .iter()
        .map(|rule| if rule.id == *id { body(draft) } else { rule.document() })
        .collect();
    let changes = json!({"rules": rules, "expected_revision": policy.revision});
    let policy = api::patch::<Policy>(&format!("/egress/policies/{}", policy.id), &changes).await?;
    desk.say(&format!("The rule for {} was changed", draft.host));
    desk.warnings.set(policy.warnings.clone());
    desk.workload.changed(policy);
    Ok(())
}
