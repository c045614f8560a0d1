//! Who changed what.

use axum::extract::State;
use axum::response::Response;

use super::input::Query;
use super::who::Admin;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::operators;

/// What operators did, the newest first
#[utoipa::path(get, path = "/operator-log", params(("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = shapes::List<shapes::OperatorEntry>)))]
pub(super) async fn list(State(app): State<App>, Admin(caller): Admin, query: Query) -> Result<Response, Error> {
    if !caller.scope.is_tenant() {
        return Err(Error::Forbidden(
            "the operator log is about everything: it takes the scope tenant".to_owned(),
        ));
    }
    let limit = query.number("limit", 1, 1_000)?.unwrap_or(100);
    let before = query.number("cursor", 0, i64::MAX)?;
    let entries = operators::list(&app.store, before, limit).await?;
    let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
    let next = entries.last().filter(|_| is_full).map(|entry| entry.id.clone());
    Ok(reply::list(entries, next))
}
