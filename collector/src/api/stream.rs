//! The audit trail as it grows: server-sent events.
//!
//! `data:` is the bare row, one line of ASCII; a comment each 15 seconds keeps
//! the connection. Nothing is lost and nothing comes twice: rows are read in
//! the order in which they were committed, from where the stream is.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::audit::filter;
use super::input::Query;
use super::who::{LOOKED_UP, Lasting};
use super::{App, shapes};
use crate::audit::{self, Filter, Order};
use crate::changes::Change;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;

/// How often it is looked whether there is something new, should the word of it be lost.
const LOOK: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many rows wait for a slow client; the database keeps the rest.
const WAITING: usize = 256;

/// Decisions as they are stored; with since from there on
#[utoipa::path(get, path = "/egress/audit/stream", params(
    ("resource_id" = Option<String>, Query), ("resource_type" = Option<String>, Query), ("host" = Option<String>, Query),
    ("action" = Option<String>, Query), ("would_reject" = Option<bool>, Query), ("mode" = Option<String>, Query),
    ("method" = Option<String>, Query), ("rule_id" = Option<String>, Query), ("rejected_by" = Option<String>, Query),
    ("since" = Option<String>, Query),
    ("external_user_id" = Option<String>, Query), ("external_workspace_id" = Option<String>, Query),
), responses((status = 200, body = shapes::AuditRow, content_type = "text/event-stream")))]
pub(super) async fn all(State(app): State<App>, listener: Lasting, query: Query) -> Result<Response, Error> {
    let filter = filter(&listener.caller, &query)?;
    follow(app, listener, filter).await
}

/// Decisions of a sandbox as they are stored
#[utoipa::path(get, path = "/sandboxes/{id}/events", params(("id" = String, Path), ("since" = Option<String>, Query)),
    responses((status = 200, body = shapes::AuditRow, content_type = "text/event-stream")))]
pub(super) async fn of_sandbox(
    State(app): State<App>,
    listener: Lasting,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response, Error> {
    follow_one(app, listener, "sandbox", &id, &query).await
}

/// Decisions of a computer as they are stored
#[utoipa::path(get, path = "/computers/{id}/events", params(("id" = String, Path), ("since" = Option<String>, Query)),
    responses((status = 200, body = shapes::AuditRow, content_type = "text/event-stream")))]
pub(super) async fn of_computer(
    State(app): State<App>,
    listener: Lasting,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response, Error> {
    follow_one(app, listener, "computer", &id, &query).await
}

async fn follow_one(app: App, listener: Lasting, kind: &str, id: &str, query: &Query) -> Result<Response, Error> {
    let resource = Resource::checked(kind, id)?;
    listener.caller.reads(&resource)?;
    let filter = Filter {
        resource: Some(resource),
        ..filter(&listener.caller, query)?
    };
    follow(app, listener, filter).await
}

async fn follow(app: App, listener: Lasting, mut filter: Filter) -> Result<Response, Error> {
    let mut changes = app.store.changes().listen();
    if filter.since.is_none() {
        // From the last row that is there now: by the clock alone, a row committed in this very moment could be missed.
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(inserted_at) FROM audit")
            .fetch_one(app.store.read())
            .await?;
        filter.since = Some(Moment(newest.unwrap_or(0).saturating_add(1)));
    }
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(WAITING);
    let (store, mut ending) = (app.store.clone(), app.ending.clone());
    let mut looked = Instant::now();
    tokio::spawn(async move {
        loop {
            if looked.elapsed() >= LOOKED_UP {
                looked = Instant::now();
                if listener.is_over(&app).await {
                    return;
                }
            }
            match audit::page(&store, &filter, Order::Ascending, 500, 0).await {
                Ok((rows, has_more)) => {
                    for row in rows {
                        filter.since = Some(Moment(row.inserted_at.saturating_add(1)));
                        if sender.send(Ok(Event::default().data(row.line()))).await.is_err() {
                            return;
                        }
                    }
                    if has_more {
                        continue;
                    }
                }
                // The stream goes on where it is once the database answers again.
                Err(error) => error.log(),
            }
            loop {
                tokio::select! {
                    change = changes.next() => match change {
                        Some(Change::Audit | Change::Everything) => break,
                        Some(_) => {}
                        None => return,
                    },
                    () = tokio::time::sleep(LOOK) => break,
                    () = sender.closed() => return,
                    _ = ending.changed() => return,
                }
            }
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(ReceiverStream::new(receiver))
        .keep_alive(keep_alive)
        .into_response())
}
