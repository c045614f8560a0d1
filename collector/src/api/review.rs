//! Review: coverage, decisions over time, and whose traffic a call is about.

use axum::extract::State;
use axum::response::Response;

use super::input::Query;
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::resource::Resource;
use crate::review::{Selection, coverage, timeseries};

/// How far back is looked unless somebody says.
const WINDOW: i64 = 7 * DAY;

/// Whose traffic a call is about, and since when.
pub(super) fn window(caller: &Caller, query: &Query) -> Result<(Selection, Moment, Moment), Error> {
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
