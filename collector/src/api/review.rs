//! Review: suggestions, coverage, decisions over time.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use sluice_policy::Policy;

use super::input::Query;
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::addresses;
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::policies;
use crate::resource::Resource;
use crate::review::{Selection, coverage, suggestions, timeseries};

/// How far back is looked unless somebody says.
const WINDOW: i64 = 7 * DAY;

/// Whose traffic a call is about, and since when.
fn window(caller: &Caller, query: &Query) -> Result<(Selection, Moment, Moment), Error> {
    let now = Moment::now();
    let since = query.moment("since")?.unwrap_or(Moment(now.0.saturating_sub(WINDOW)));
    let selection = selected(caller, query.resource()?)?;
    Ok((selection, since, now))
}

/// One resource, or all that the caller may look at.
pub(super) fn selected(caller: &Caller, resource: Option<Resource>) -> Result<Selection, Error> {
    match resource {
        Some(resource) if !resource.is_tenant() => {
            caller.reads(&resource)?;
            Ok(Selection::one(resource))
        }
        _ => Ok(Selection::Scope(caller.scope.clone())),
    }
}

/// What to allow, what to deny, and what to ask about first
#[utoipa::path(get, path = "/egress/audit/suggestions", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "Default 7d; whole days, UTC"),
    ("format" = Option<String>, Query, description = "policy: a policy file of all of them"),
    ("limit" = Option<i64>, Query, description = "Everything unless given"),
), responses((status = 200, body = shapes::List<shapes::SuggestionRow>)))]
pub(super) async fn suggested(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (selection, since, now) = window(&caller, &query)?;
    let limit = query.number("limit", 1, 100_000)?;
    let resource = query.resource()?.unwrap_or_else(Resource::tenant);
    let (in_force, _) = policies::in_force(app.store.read(), &resource).await?;
    let policy = Policy::merge(in_force.tenant.as_ref(), in_force.resource.as_ref());
    let policy = policy.map_err(|problems| Error::Internal(problems.to_string()))?;
    let resolves_to = addresses::blocks("resolves_to", &app.settings.resolves_to)?;
    let circumstances = suggestions::Circumstances {
        catalogue: &app.settings.catalogue,
        infrastructure: &app.settings.infrastructure,
        resolves_to: &resolves_to,
        policy: Some(&policy),
        now,
    };
    let mut rows = suggestions::of(&app.store, &selection, since, &circumstances).await?;
    match query.text("format") {
        Some("policy") => return Ok(Json(suggestions::policy(&rows)).into_response()),
        None | Some("json") => {}
        Some(other) => return Err(Error::field("format", other, "policy or json")),
    }
    if let Some(limit) = limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(reply::list(rows, None))
}

/// Whether the window was long enough to lock down by
#[utoipa::path(get, path = "/egress/coverage", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query), ("since" = Option<String>, Query, description = "Default 7d"),
), responses((status = 200, body = shapes::Data<shapes::CoverageRow>)))]
pub(super) async fn covered(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (selection, since, now) = window(&caller, &query)?;
    Ok(reply::one(coverage::of(&app.store, &selection, since, now).await?))
}

/// Decisions over time
#[utoipa::path(get, path = "/egress/timeseries", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "Default 7d"), ("until" = Option<String>, Query),
    ("step" = Option<i64>, Query, description = "Seconds, a multiple of 300; default 3600"),
), responses((status = 200, body = shapes::List<shapes::TimePoint>)))]
pub(super) async fn over_time(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (selection, since, now) = window(&caller, &query)?;
    let until = query.moment("until")?.unwrap_or(now);
    let step = query.number("step", 1, 366 * 86_400)?.unwrap_or(3_600);
    Ok(reply::list(
        timeseries::of(&app.store, &selection, since, until, step).await?,
        None,
    ))
}
