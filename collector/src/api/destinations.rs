//! Destinations as they were recorded.

use axum::extract::State;
use axum::response::Response;

use super::input::Query;
use super::paging::window as page;
use super::review::window;
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::review::recorded::{self, One};

/// What was talked to, as it was recorded, the most requested first: for who judges it by a policy of their own
#[utoipa::path(get, path = "/egress/destinations", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "Default 7d; whole days, UTC"),
    ("q" = Option<String>, Query, description = "A part of the host or of a member"),
    ("limit" = Option<i64>, Query, description = "Everything unless given"), ("offset" = Option<i64>, Query),
), responses((status = 200, body = shapes::List<shapes::DestinationRow>,
    headers(("x-total-count" = i64, description = "Rows before limit and offset")))))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (selection, since, _) = window(&caller, &query)?;
    let page = page(&query, 100_000)?;
    let part = query.text("q").map(str::to_lowercase);
    let all = recorded::read(&app.store, &selection, since).await?;
    let found = all.with(part.as_deref());
    let total = found.len();
    Ok(reply::part(page.of(found).map(One::told).collect::<Vec<_>>(), total))
}
