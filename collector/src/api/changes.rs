//! What changes, for pages that show it: server-sent events that say what to ask for again.
//!
//! They carry no content, so that losing none of it matters and hearing one
//! twice does no harm; the first says that everything is new to who connects.

mod calm;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::who::{LOOKED_UP, Lasting};
use super::{App, shapes};
use crate::access::Scope;
use crate::changes::Change;
use crate::error::Error;
use crate::resource::Resource;
use calm::{Calm, Notice};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many events wait for a slow client; it is not told more until it has these.
const WAITING: usize = 16;

/// What changes: events named change that say what to ask for again
///
/// The first comes at once and says everything. The same is told at most once in 250 ms, `audit` at most once a second.
#[utoipa::path(get, path = "/egress/changes",
    responses((status = 200, body = shapes::ChangeNotice, content_type = "text/event-stream")))]
pub(super) async fn follow(State(app): State<App>, listener: Lasting) -> Result<Response, Error> {
    let (mut changes, mut of_proxies) = (app.store.changes().listen(), app.store.changes().listen_to_proxies());
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(WAITING);
    let mut ending = app.ending.clone();
    tokio::spawn(async move {
        let mut calm = Calm::default();
        let mut look = tokio::time::interval(LOOKED_UP);
        calm.heard(Notice::EVERYTHING, Instant::now());
        loop {
            for notice in calm.due(Instant::now()) {
                if sender.send(Ok(event(&notice))).await.is_err() {
                    return;
                }
            }
            let next = calm.next();
            let change = tokio::select! {
                change = changes.next() => change,
                change = of_proxies.next() => change,
                () = until(next) => continue,
                _ = look.tick() => match listener.is_over(&app).await {
                    true => return,
                    false => continue,
                },
                () = sender.closed() => return,
                _ = ending.changed() => return,
            };
            let Some(change) = change else { return };
            if let Some(notice) = notice(change, &listener.caller.scope) {
                calm.heard(notice, Instant::now());
            }
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(ReceiverStream::new(receiver))
        .keep_alive(keep_alive)
        .into_response())
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn event(notice: &Notice) -> Event {
    let data = serde_json::to_string(notice).unwrap_or_default();
    Event::default().event("change").data(data)
}

/// What somebody is told of a change. The tenant's policy concerns everybody;
/// of other resources outside a scope not even the names are told.
fn notice(change: Change, scope: &Scope) -> Option<Notice> {
    let visible = |resource: &Resource| resource.is_tenant() || scope.contains(resource);
    match change {
        Change::Policy(resource) => visible(&resource).then(|| Notice::of("policy", Some(resource))),
        Change::Proxies(Some(resource)) => visible(&resource).then(|| Notice::of("proxies", Some(resource))),
        Change::Proxies(None) => Some(Notice::of("proxies", None)),
        Change::Audit => Some(Notice::of(calm::AUDIT, None)),
        Change::Pending => Some(Notice::of("pending", None)),
        Change::Everything => Some(Notice::EVERYTHING),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_outside_a_scope_are_not_told() {
        let (one, other) = (Resource::new("sandbox", "sb_1"), Resource::new("sandbox", "secret"));
        let told = |change: Change, scope: &str| notice(change, &scope.parse().unwrap()).map(|notice| json!(notice));
        let of = |kind: &str, id: &str| Some(json!({"kind": kind, "resource_type": "sandbox", "resource_id": id}));
        let all = |kind: &str| Some(json!({"kind": kind, "resource_type": null, "resource_id": null}));
        for scope in ["tenant", "sandbox/sb_*", "sandbox/sb_1"] {
            assert_eq!(
                told(Change::Policy(one.clone()), scope),
                of("policy", "sb_1"),
                "{scope}"
            );
            assert_eq!(
                told(Change::Proxies(Some(one.clone())), scope),
                of("proxies", "sb_1"),
                "{scope}"
            );
            assert_eq!(told(Change::Audit, scope), all("audit"));
            assert_eq!(told(Change::Pending, scope), all("pending"));
            assert_eq!(told(Change::Proxies(None), scope), all("proxies"));
            assert_eq!(told(Change::Everything, scope), all("everything"));
            let tenant = told(Change::Policy(Resource::tenant()), scope);
            assert_eq!(
                tenant,
                Some(json!({"kind": "policy", "resource_type": "tenant", "resource_id": ""}))
            );
            let outside = scope != "tenant";
            assert_eq!(told(Change::Policy(other.clone()), scope).is_none(), outside, "{scope}");
            assert_eq!(
                told(Change::Proxies(Some(other.clone())), scope).is_none(),
                outside,
                "{scope}"
            );
        }
    }
}
