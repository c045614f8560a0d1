//! The audit trail.

use axum::extract::{Path, State};
use axum::response::Response;

use super::input::Query;
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::audit::{self, Filter, Order, Row};
use crate::error::Error;
use crate::moment::Moment;

/// The most rows of one answer.
const MOST: i64 = 1_000;

/// What was decided, by the order in which it was stored
///
/// With since ascending from there; without, the newest ones, presented ascending.
#[utoipa::path(get, path = "/egress/audit", params(
    ("resource_id" = Option<String>, Query), ("resource_type" = Option<String>, Query),
    ("host" = Option<String>, Query, description = "A host, or *.name for all below a name"),
    ("action" = Option<String>, Query, description = "allow, warn, reject; also allowed (allow or warn) and denied (reject)"),
    ("would_reject" = Option<bool>, Query), ("mode" = Option<String>, Query), ("method" = Option<String>, Query),
    ("rule_id" = Option<String>, Query), ("rejected_by" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "inserted_at, inclusive: RFC 3339, or 7d 24h 15m"),
    ("until" = Option<String>, Query, description = "inserted_at, inclusive"),
    ("limit" = Option<i64>, Query, description = "1 to 1000, default 100"),
    ("cursor" = Option<String>, Query), ("offset" = Option<i64>, Query),
    ("external_user_id" = Option<String>, Query), ("external_workspace_id" = Option<String>, Query),
), responses((status = 200, body = shapes::List<shapes::AuditRow>)))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let mut filter = filter(&caller, &query)?;
    let limit = query.number("limit", 1, MOST)?.unwrap_or(100);
    let offset = query.number("offset", 0, 1_000_000)?.unwrap_or(0);
    let mut order = if filter.since.is_some() {
        Order::Ascending
    } else {
        Order::Newest
    };
    match query.text("cursor").map(Cursor::parse).transpose()? {
        Some(Cursor::After(place)) => {
            order = Order::Ascending;
            filter.since = Some(Moment(place.saturating_add(1)));
        }
        Some(Cursor::Before(place)) => {
            order = Order::Newest;
            filter.until = Some(Moment(place.saturating_sub(1)));
        }
        None => {}
    }
    let (rows, has_more) = audit::page(&app.store, &filter, order, limit, offset).await?;
    let cursor = match order {
        Order::Ascending => rows.last().map(|row| Cursor::After(row.inserted_at)),
        Order::Newest => rows.first().map(|row| Cursor::Before(row.inserted_at)),
    };
    let next = cursor.filter(|_| has_more).map(|cursor| cursor.to_string());
    let rows: Vec<_> = rows.into_iter().map(|row| row.value).collect();
    Ok(reply::list(rows, next))
}

/// One decision
#[utoipa::path(get, path = "/egress/audit/{id}", params(("id" = String, Path)),
    responses((status = 200, body = shapes::Data<shapes::AuditRow>)))]
pub(super) async fn show(State(app): State<App>, Who(caller): Who, Path(id): Path<String>) -> Result<Response, Error> {
    let Row { value, .. } = audit::show(&app.store, &id, &caller.scope).await?;
    Ok(reply::one(value))
}

/// Where the next page goes on.
enum Cursor {
    After(i64),
    Before(i64),
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::field("cursor", text, "the next_cursor of an answer");
        let (kind, place) = text.split_once('.').ok_or_else(wrong)?;
        let place = place.parse().map_err(|_| wrong())?;
        match kind {
            "after" => Ok(Self::After(place)),
            "before" => Ok(Self::Before(place)),
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::After(place) => write!(f, "after.{place}"),
            Self::Before(place) => write!(f, "before.{place}"),
        }
    }
}

/// What a query asks for, of what the caller may see.
pub(super) fn filter(caller: &Caller, query: &Query) -> Result<Filter, Error> {
    let text = |key: &str| query.text(key).map(str::to_owned);
    // A type without an id means all of the type here.
    let (resource, resource_type) = match query.text("resource_id") {
        None => (None, text("resource_type")),
        Some(_) => (query.resource()?, None),
    };
    if let Some(resource) = &resource {
        caller.reads(resource)?;
    }
    let actions = match query.text("action") {
        None => Vec::new(),
        Some("allowed") => vec!["allow".to_owned(), "warn".to_owned()],
        Some("denied") => vec!["reject".to_owned()],
        Some(action @ ("allow" | "warn" | "reject")) => vec![action.to_owned()],
        Some(other) => return Err(Error::field("action", other, "allow, warn, reject, allowed or denied")),
    };
    if let Some(mode) = query.text("mode")
        && !["audit_only", "enforce", "none"].contains(&mode)
    {
        return Err(Error::field("mode", mode, "audit_only, enforce or none"));
    }
    Ok(Filter {
        scope: Some(caller.scope.clone()),
        resource,
        resource_type,
        host: text("host"),
        actions,
        would_reject: query.flag("would_reject")?,
        mode: text("mode"),
        method: text("method"),
        rule_id: text("rule_id"),
        rejected_by: text("rejected_by"),
        since: query.moment("since")?,
        until: query.moment("until")?,
        external_user_id: text("external_user_id"),
        external_workspace_id: text("external_workspace_id"),
    })
}
