//! Resources: registering, listing, and what other systems' clients ask of sandboxes and computers.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::input::{Input, Query};
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::id;
use crate::moment::{Moment, SECOND};
use crate::resource::Resource;
use crate::resources::{self, Known, Registration};

/// Without a sign of life for this long a workload counts as idle.
const LIVELY: i64 = 60 * SECOND;

/// The resources that are known
#[utoipa::path(get, path = "/egress/resources", params(
    ("resource_type" = Option<String>, Query, description = "Only of this type"),
    ("template" = Option<String>, Query, description = "Only those made from this template"),
), responses((status = 200, body = shapes::List<shapes::KnownResource>)))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (kind, template) = (query.text("resource_type"), query.text("template"));
    let all = resources::all(app.store.read()).await?;
    let shown = all
        .into_iter()
        .filter(|known| caller.scope.contains(&known.resource))
        .filter(|known| kind.is_none_or(|kind| known.resource.kind == kind))
        .filter(|known| template.is_none_or(|template| known.template.as_deref() == Some(template)));
    Ok(reply::list(shown.collect::<Vec<_>>(), None))
}

/// One resource
#[utoipa::path(get, path = "/egress/resources/{type}/{id}", params(("type" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = shapes::Data<shapes::KnownResource>)))]
pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let resource = Resource::checked(&kind, &id)?;
    caller.reads(&resource)?;
    Ok(reply::one(known(&app, &resource).await?))
}

/// Registers a resource. One that has no policy yet gets a copy of its template's
#[utoipa::path(put, path = "/egress/resources/{type}/{id}", params(("type" = String, Path), ("id" = String, Path)),
    request_body = shapes::RegistrationInput,
    responses((status = 200, body = shapes::Data<shapes::KnownResource>, description = "It was known"),
              (status = 201, body = shapes::Data<shapes::KnownResource>, description = "It is new")))]
pub(super) async fn register(
    State(app): State<App>,
    Who(caller): Who,
    Path((kind, id)): Path<(String, String)>,
    input: Input,
) -> Result<Response, Error> {
    let resource = Resource::checked(&kind, &id)?;
    if resource.is_tenant() {
        return Err(Error::field("type", kind, "a resource: the tenant is always there"));
    }
    caller.operates(&resource)?;
    input.only(
        &["name", "template", "external_user_id", "external_workspace_id"],
        &["resource_type", "resource_id", "origin", "created_at", "last_seen"],
    )?;
    let template = input.text("template")?;
    if let Some(template) = template.filter(|template| !id::is_valid(template)) {
        return Err(Error::field(
            "template",
            template,
            "1 to 255 characters of A-Z a-z 0-9 . _ -",
        ));
    }
    let registration = Registration {
        name: input.short("name", 255)?,
        template: template.map(str::to_owned),
        external_user_id: input.short("external_user_id", 255)?,
        external_workspace_id: input.short("external_workspace_id", 255)?,
    };
    let mut tx = app.store.begin_change().await?;
    let (known, is_new, changes) = resources::register(&mut tx, &resource, &registration).await?;
    let details = json!({"name": registration.name, "template": registration.template});
    crate::operators::note(&mut tx, &caller.id, "register", &resource.to_string(), &details).await?;
    app.store.commit(tx, &changes).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, reply::one(known)).into_response())
}

/// A sandbox as clients of sandboxes know it
#[utoipa::path(get, path = "/sandboxes/{id}", params(("id" = String, Path)),
    responses((status = 200, body = shapes::Data<shapes::Sandbox>)))]
pub(super) async fn sandbox(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let resource = Resource::checked("sandbox", &id)?;
    caller.reads(&resource)?;
    let known = known(&app, &resource).await?;
    Ok(reply::one(
        json!({"id": id, "state": state(&known), "template_id": known.template}),
    ))
}

/// A computer as clients of computers know it: these do not unwrap `data`
#[utoipa::path(get, path = "/computers/{id}", params(("id" = String, Path)),
    responses((status = 200, body = shapes::Computer)))]
pub(super) async fn computer(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let resource = Resource::checked("computer", &id)?;
    caller.reads(&resource)?;
    let known = known(&app, &resource).await?;
    let name = known.name.clone().unwrap_or_else(|| id.clone());
    Ok(Json(json!({"id": id, "name": name, "status": state(&known)})).into_response())
}

async fn known(app: &App, resource: &Resource) -> Result<Known, Error> {
    let known = resources::find(app.store.read(), resource).await?;
    known.ok_or_else(|| Error::NotFound(format!("resource {resource}")))
}

fn state(known: &Known) -> &'static str {
    let since = Moment::now().0.saturating_sub(LIVELY);
    if known.last_seen.is_some_and(|seen| seen.0 >= since) {
        "running"
    } else {
        "idle"
    }
}
