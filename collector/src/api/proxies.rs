//! The proxies that are there, and what is in force in them.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::input::Query;
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::moment::Moment;
use crate::proxies;
use crate::watch::Intended;

/// Every VM of every proxy: what is in force in it, and whether anything was lost
#[utoipa::path(get, path = "/egress/proxies", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("state" = Option<String>, Query, description = "live, stale or closed"),
), responses((status = 200, body = shapes::List<shapes::ProxyRow>)))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let resource = query.resource()?;
    if let Some(resource) = &resource {
        caller.reads(resource)?;
    }
    let all = proxies::list(&app.store, resource.as_ref(), Moment::now()).await?;
    let shown = all
        .into_iter()
        .filter(|proxy| caller.scope.contains(&proxy.resource))
        .filter(|proxy| query.text("state").is_none_or(|state| json!(proxy.state) == state));
    let intended = Intended::of(&app.store).await?;
    let rows = shown.map(|proxy| {
        let mut row = json!(proxy);
        let (should, live) = (intended.revision(&proxy.resource), intended.live(&proxy));
        row["intended"] = json!({ "revision": should });
        // Acknowledged over Watch since the last heartbeat; the mode follows with the next one.
        if let (Some(revision), Some(_)) = (live, &proxy.live) {
            row["live"]["revision"] = json!(revision);
        }
        row["behind"] = json!(intended.is_behind(&proxy));
        if proxy.policy_error.is_none() {
            row["policy_error"] = json!(intended.said(&proxy).and_then(|said| said.error.clone()));
        }
        row
    });
    Ok(reply::list(rows.collect::<Vec<_>>(), None))
}
