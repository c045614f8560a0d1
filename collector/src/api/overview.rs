//! Every resource in one row.

use std::cmp::Reverse;

use axum::extract::State;
use axum::response::Response;

use super::input::Query;
use super::paging::window;
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::overview::{self, Row};

/// How far back is looked unless somebody says.
const WINDOW: i64 = DAY;
/// The most rows of one answer.
const MOST: i64 = 100_000;

/// Every known resource and the tenant: what governs it, what its proxies have in force, what it did
///
/// A resource without a policy of its own shows the mode and default of the tenant's. Counts are of the window, in whole
/// five minutes; `pending` is of now. `differs` says that a live proxy has another mode or revision than it should.
#[utoipa::path(get, path = "/egress/overview", params(
    ("since" = Option<String>, Query, description = "Of the counts; default 24h"),
    ("q" = Option<String>, Query, description = "A part of id, name or template"),
    ("resource_type" = Option<String>, Query, description = "Only of this type; template and tenant are types too"),
    ("resource_id" = Option<String>, Query, description = "Only of this id"),
    ("differs" = Option<bool>, Query, description = "Only those whose live proxies differ from what is intended, or do not"),
    ("sort" = Option<String>, Query, description = "last_seen (default), name, requests, rejected, pending"),
    ("limit" = Option<i64>, Query, description = "Everything unless given"), ("offset" = Option<i64>, Query),
), responses((status = 200, body = shapes::List<shapes::OverviewRow>,
    headers(("x-total-count" = i64, description = "Rows before limit and offset")))))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let now = Moment::now();
    let since = query.moment("since")?.unwrap_or(Moment(now.0.saturating_sub(WINDOW)));
    let (sort, window) = (Sort::of(&query)?, window(&query, MOST)?);
    let (differs, kind, id) = (
        query.flag("differs")?,
        query.text("resource_type"),
        query.text("resource_id"),
    );
    let part = query.text("q").map(str::to_lowercase);
    let mut rows = overview::of(&app.store, &caller.scope, now).await?;
    rows.retain(|row| {
        kind.is_none_or(|kind| row.resource.kind == kind)
            && id.is_none_or(|id| row.resource.id == id)
            && differs.is_none_or(|differs| row.differs == differs)
            && part.as_deref().is_none_or(|part| names(row, part))
    });
    if sort.is_by_counts() {
        overview::add_counts(&app.store, &mut rows, since).await?;
    }
    sort.put(&mut rows);
    let total = rows.len();
    let mut rows: Vec<Row> = window.of(rows).collect();
    if !sort.is_by_counts() {
        overview::add_counts(&app.store, &mut rows, since).await?;
    }
    Ok(reply::part(rows, total))
}

/// Whether a part of a name is in any name of the row's.
fn names(row: &Row, part: &str) -> bool {
    let names = [Some(&row.resource.id), row.name.as_ref(), row.template.as_ref()];
    names
        .into_iter()
        .flatten()
        .any(|name| name.to_lowercase().contains(part))
}

/// By what; rows that are equal in it are by type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    LastSeen,
    Name,
    Requests,
    Rejected,
    Pending,
}

impl Sort {
    fn of(query: &Query) -> Result<Self, Error> {
        match query.text("sort") {
            None | Some("last_seen") => Ok(Self::LastSeen),
            Some("name") => Ok(Self::Name),
            Some("requests") => Ok(Self::Requests),
            Some("rejected") => Ok(Self::Rejected),
            Some("pending") => Ok(Self::Pending),
            Some(other) => Err(Error::field(
                "sort",
                other,
                "last_seen, name, requests, rejected or pending",
            )),
        }
    }

    /// Whether it has to be known first what all resources did.
    fn is_by_counts(self) -> bool {
        matches!(self, Self::Requests | Self::Rejected)
    }

    /// The latest and the most first, names from A to Z. The rows come by type and id.
    fn put(self, rows: &mut [Row]) {
        match self {
            Self::LastSeen => rows.sort_by_key(|row| Reverse(row.last_seen)),
            Self::Name => rows.sort_by_cached_key(|row| row.name.as_ref().unwrap_or(&row.resource.id).to_lowercase()),
            Self::Requests => rows.sort_by_key(|row| Reverse(row.requests)),
            Self::Rejected => rows.sort_by_key(|row| Reverse(row.rejected)),
            Self::Pending => rows.sort_by_key(|row| Reverse(row.pending)),
        }
    }
}
