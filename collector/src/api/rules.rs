//! Rules one by one: the allowlist.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use sluice_policy::RuleDocument;

use super::input::{Input, Query};
use super::paging::page;
use super::policies::{open, readable};
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::policies;
use crate::resource::Resource;

/// Rules, everything unless a limit is given
#[utoipa::path(get, path = "/egress/allowlist", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("policy_id" = Option<String>, Query), ("effect" = Option<String>, Query), ("host" = Option<String>, Query, description = "The pattern, exactly"),
    ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query),
), responses((status = 200, body = shapes::List<shapes::RuleRow>)))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let resource = query.resource()?;
    if let Some(resource) = &resource {
        caller.reads(resource)?;
    }
    let asked = |key: &str, has: &str| query.text(key).is_none_or(|text| text == has);
    let all = policies::all_rules(&app.store).await?.into_iter();
    let shown = all
        .filter(|(policy, _)| readable(&caller, policy) && (resource.is_none() || policy.resource == resource))
        .filter(|(policy, rule)| {
            let RuleDocument { effect, host, .. } = &rule.document;
            asked("policy_id", &policy.id) && asked("effect", effect.as_str()) && asked("host", host)
        });
    let (page, next) = page(shown.collect(), &query, 100_000, |(_, rule)| &rule.document.id)?;
    let rows: Vec<Value> = page.iter().map(|(policy, rule)| rule.row(policy, &[])).collect();
    Ok(reply::list(rows, next))
}

/// Adds a rule to a policy, or to a resource's own, which is made if there is none. One that does the same already is answered, 200
#[utoipa::path(post, path = "/egress/allowlist", request_body = shapes::RuleInput,
    responses((status = 201, body = shapes::Data<shapes::RuleRow>, description = "It is new"),
              (status = 200, body = shapes::Data<shapes::RuleRow>, description = "A rule did the same already")))]
pub(super) async fn add(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    let rule = policies::rule_of_input(&input.0)?;
    let expected = input.number("revision")?;
    let (resource, policy) = (input.resource()?, input.text("policy_id")?);
    let mut tx = app.store.begin_change().await?;
    let (mut draft, mut changes) = match (policy, resource) {
        (Some(id), _) => (open(&app, &mut tx, &caller, id).await?, Vec::new()),
        (None, Some(resource)) => {
            caller.operates(&resource)?;
            policies::of_resource(&app.store, &mut tx, &caller, &resource).await?
        }
        (None, None) => {
            return Err(Error::field(
                "policy_id",
                "nothing",
                "a policy's id, or resource_type and resource_id (resource_type \"tenant\" for everybody)",
            ));
        }
    };
    draft.expect(expected)?;
    let note = rule.document.note.clone().unwrap_or_default();
    let (added, told) = policies::add_rule(&mut tx, &caller, &mut draft, rule, &note).await?;
    changes.extend(told);
    app.store.commit(tx, &changes).await?;
    let status = if added.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, reply::one(added.rule.row(&added.policy, &added.warnings))).into_response())
}

/// One rule
#[utoipa::path(get, path = "/egress/allowlist/{id}", params(("id" = String, Path)),
    responses((status = 200, body = shapes::Data<shapes::RuleRow>)))]
pub(super) async fn show(State(app): State<App>, Who(caller): Who, Path(id): Path<String>) -> Result<Response, Error> {
    let missing = || Error::NotFound(format!("rule {id}"));
    let (policy, _) = policies::owner_of_rule(app.store.read(), &id)
        .await?
        .ok_or_else(missing)?;
    let policy = policies::by_id(app.store.read(), &policy).await?;
    caller.reads(policy.resource.as_ref().unwrap_or(&Resource::tenant()))?;
    let rules = policies::rules(app.store.read(), &policy.id).await?;
    let rule = rules.iter().find(|rule| rule.document.id == id).ok_or_else(missing)?;
    Ok(reply::one(rule.row(&policy, &[])))
}

/// Removes a rule; once more is the same, 204
#[utoipa::path(delete, path = "/egress/allowlist/{id}", params(("id" = String, Path), ("note" = Option<String>, Query)),
    responses((status = 204)))]
pub(super) async fn remove(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response, Error> {
    let mut tx = app.store.begin_change().await?;
    let changes = policies::remove_rule(
        &app.store,
        &mut tx,
        &caller,
        &id,
        query.text("note").unwrap_or_default(),
    )
    .await?;
    app.store.commit(tx, &changes).await?;
    Ok(reply::nothing())
}
