//! One policy for many resources.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::input::Input;
use super::policies::{readable, rules_of};
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::error::Error;
use crate::policies::{self, Source, Target, effect, mode};
use crate::resource::Resource;

/// The most targets of one call.
const MOST: usize = 10_000;

/// Puts a policy's rules, mode and default onto other resources
#[utoipa::path(post, path = "/egress/policies/{id}/clone", params(("id" = String, Path)), request_body = shapes::CloneInput,
    responses((status = 200, body = shapes::Data<shapes::Spread>)))]
pub(super) async fn clone(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["targets", "with_mode", "note"], &[])?;
    let policy = policies::by_id(app.store.read(), &id).await?;
    if !readable(&caller, &policy) {
        return Err(Error::Forbidden(format!("{} may not look at policy {id}", caller.name)));
    }
    let rules = policies::rules(app.store.read(), &policy.id).await?;
    let note = match input.note()? {
        note if note.is_empty() => format!("cloned from {id}, revision {}", policy.revision),
        note => format!("cloned from {id}, revision {}: {note}", policy.revision),
    };
    let with_mode = input.get("with_mode").is_none() || input.flag("with_mode")?;
    let source = Source {
        operation: "clone",
        mode: with_mode.then_some(policy.mode),
        default_effect: Some(policy.default_effect),
        rules,
        note,
    };
    spread(&app, &caller, &input, source, policy.resource.as_ref()).await
}

/// Puts a policy of a file onto this policy's resource and other targets; the id "-" stands for no policy but the file
#[utoipa::path(post, path = "/egress/policies/{id}/apply", params(("id" = String, Path)), request_body = shapes::ApplyInput,
    responses((status = 200, body = shapes::Data<shapes::Spread>)))]
pub(super) async fn apply(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["policy", "targets", "note"], &[])?;
    let file = match input.get("policy") {
        Some(Value::Object(file)) => Input(file.clone()),
        Some(other) => {
            return Err(Error::field(
                "policy",
                other,
                "an object with mode, default_effect and rules",
            ));
        }
        None => {
            return Err(Error::field(
                "policy",
                "nothing",
                "an object with mode, default_effect and rules",
            ));
        }
    };
    file.only(&["mode", "default_effect", "rules", "name", "description"], &[])?;
    let source = Source {
        operation: "apply",
        mode: file.text("mode")?.map(mode).transpose()?,
        default_effect: file
            .text("default_effect")?
            .map(|text| effect("default_effect", text))
            .transpose()?,
        rules: rules_of(file.list("rules")?.map_or(&[], Vec::as_slice))?,
        note: input.note()?,
    };
    if id != "-" && input.get("targets").is_none() {
        let policy = policies::by_id(app.store.read(), &id).await?;
        let Some(resource) = policy.resource else {
            return Err(Error::field(
                "targets",
                "nothing",
                "a list: this policy is attached to nothing",
            ));
        };
        return put(&app, &caller, &source, &[resource]).await;
    }
    spread(&app, &caller, &input, source, None).await
}

async fn spread(
    app: &App,
    caller: &Caller,
    input: &Input,
    source: Source,
    but: Option<&Resource>,
) -> Result<Response, Error> {
    let wrong = |value: &dyn std::fmt::Display| {
        Error::field(
            "targets",
            value,
            "a list of {\"resource_type\", \"resource_id\"} and {\"glob\": \"sandbox/ci-*\"}",
        )
    };
    let list = input.list("targets")?.ok_or_else(|| wrong(&"nothing"))?;
    let targets = list.iter().map(|target| {
        let object = target
            .as_object()
            .map(|object| Input(object.clone()))
            .ok_or_else(|| wrong(target))?;
        object.only(&["resource_type", "resource_id", "glob"], &[])?;
        match (object.text("glob")?, object.resource()?) {
            (Some(glob), None) => Ok(Target::Glob(glob.to_owned())),
            (None, Some(resource)) => Ok(Target::Resource(resource)),
            _ => Err(wrong(target)),
        }
    });
    let targets = targets.collect::<Result<Vec<_>, Error>>()?;
    let mut resources = policies::resolve(&app.store, caller, &targets).await?;
    resources.retain(|resource| Some(resource) != but);
    if resources.len() > MOST {
        return Err(Error::TooLarge(format!(
            "{} targets, at most {MOST} at once",
            resources.len()
        )));
    }
    put(app, caller, &source, &resources).await
}

async fn put(app: &App, caller: &Caller, source: &Source, resources: &[Resource]) -> Result<Response, Error> {
    let mut tx = app.store.begin_change().await?;
    let (outcomes, changes) = policies::spread(&app.store, &mut tx, caller, source, resources).await?;
    app.store.commit(tx, &changes).await?;
    Ok(reply::one(json!({ "targets": outcomes })))
}
