//! One proxy's stream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

use super::board::Board;
use super::epoch;
use super::notes::{Note, Proxy};
use crate::access::{Caller, Credential, Gate};
use crate::changes::{Change, Listener};
use crate::policy_v1::{
    EffectivePolicy, Encoding, Hello, NoPolicy, Resource as WireResource, Version, WatchRequest, WatchResponse,
    watch_request, watch_response,
};
use crate::resource::{Resource, TENANT};
use crate::store::Store;

/// How many resources one proxy may subscribe. Past that its `on_unknown` decides.
const MOST: usize = 10_000;
/// How often the credential of an open stream is looked at again.
const RECHECK: std::time::Duration = std::time::Duration::from_secs(10);

/// A stream and what is known of its proxy.
pub(super) struct Stream {
    store: Store,
    board: Arc<Board>,
    gate: Gate,
    credential: Credential,
    caller: Caller,
    answers: mpsc::Sender<Result<WatchResponse, Status>>,
    proxy: Proxy,
    /// What the proxy has said it holds, or was sent.
    has: HashMap<Resource, Version>,
    subscribed: HashMap<Resource, bool>,
    over: u64,
}

/// The stream ends, with this status.
type Ended = Status;

impl Stream {
    pub(super) fn new(
        store: Store,
        board: Arc<Board>,
        gate: Gate,
        credential: Credential,
        caller: Caller,
        answers: mpsc::Sender<Result<WatchResponse, Status>>,
    ) -> Self {
        Self {
            store,
            board,
            gate,
            credential,
            proxy: Proxy {
                credential: caller.id.clone(),
                ..Proxy::default()
            },
            caller,
            answers,
            has: HashMap::new(),
            subscribed: HashMap::new(),
            over: 0,
        }
    }

    pub(super) fn listen(&self) -> Listener {
        self.store.changes().listen()
    }

    /// Until the proxy goes, or does what it may not.
    pub(super) async fn serve(
        mut self,
        mut requests: Streaming<WatchRequest>,
        mut changes: Listener,
        mut ending: watch::Receiver<bool>,
    ) {
        let mut recheck = tokio::time::interval(RECHECK);
        let ended = loop {
            let step = tokio::select! {
                request = requests.message() => match request {
                    Ok(Some(request)) => self.heard(request).await,
                    Ok(None) | Err(_) => break None,
                },
                change = changes.next() => match change {
                    Some(change) => self.changed(&change).await,
                    None => break None,
                },
                // Filters open a new stream at once, at another replica if there is one.
                _ = ending.changed() => break Some(Status::unavailable("this collector is shutting down")),

                _ = recheck.tick() => self.credential.caller(&self.gate).await.map(|_| ()).map_err(Into::into),
            };
            if let Err(status) = step {
                break Some(status);
            }
        };
        if let Some(status) = ended {
            tracing::warn!(instance = %self.proxy.instance, credential = %self.caller.id, %status, "a watch ends");
            let _ = self.answers.send(Err(status)).await;
        }
        if let Err(status) = self.note(Note::Gone(None)).await {
            tracing::warn!(%status, "the end of a watch could not be noted");
        }
    }

    async fn heard(&mut self, request: WatchRequest) -> Result<(), Ended> {
        use watch_request::Message;
        let Some(message) = request.message else {
            return Err(Status::invalid_argument("a request without a message"));
        };
        if self.proxy.instance.is_empty() && !matches!(message, Message::Hello(_)) {
            return Err(Status::failed_precondition("the first request must be hello"));
        }
        match message {
            Message::Hello(hello) => self.hello(hello).await,
            Message::Subscribe(subscribe) => {
                let resource = checked(subscribe.resource)?;
                self.subscribe(resource).await
            }
            Message::Unsubscribe(unsubscribe) => {
                let resource = checked(unsubscribe.resource)?;
                self.subscribed.remove(&resource);
                self.has.remove(&resource);
                self.note(Note::Gone(Some(&resource))).await
            }
            Message::Ack(ack) => {
                let resource = checked(ack.resource)?;
                let version = ack
                    .version
                    .ok_or_else(|| Status::invalid_argument("ack without version"))?;
                let vms = (ack.vms_in_force, ack.vms);
                self.note(Note::Acknowledged(&resource, version, vms)).await
            }
            Message::Nack(nack) => {
                let resource = checked(nack.resource)?;
                tracing::error!(instance = %self.proxy.instance, %resource, error = nack.error.escape_debug().to_string(), "a filter refused a policy");
                metrics::counter!("sluice_collector_nacks_total").increment(1);
                self.note(Note::Refused(&resource, &nack.error)).await
            }
        }
    }

    async fn hello(&mut self, hello: Hello) -> Result<(), Ended> {
        if !hello.schemas.contains(&1) {
            let problem = format!("this collector writes schema 1, the filter reads {:?}", hello.schemas);
            return Err(Status::failed_precondition(problem));
        }
        let limit = |text: String| text.chars().take(255).collect::<String>();
        self.proxy.instance = limit(hello.instance);
        self.proxy.build = limit(hello.build);
        if self.proxy.instance.is_empty() {
            return Err(Status::invalid_argument("hello without instance"));
        }
        for held in hello.held.into_iter().take(MOST) {
            let (Ok(resource), Some(version)) = (checked(held.resource), held.version) else {
                continue;
            };
            if self.caller.watches(&resource).is_err() {
                continue;
            }
            epoch::learn(&self.store, version).await?;
            self.has.insert(resource, version);
        }
        Ok(())
    }

    async fn subscribe(&mut self, resource: Resource) -> Result<(), Ended> {
        self.caller.watches(&resource)?;
        if self.subscribed.len() >= MOST && !self.subscribed.contains_key(&resource) {
            self.over = self.over.saturating_add(1);
            metrics::counter!("sluice_collector_subscriptions_over_cap_total").increment(1);
            if self.over == 1 {
                tracing::warn!(instance = %self.proxy.instance, cap = MOST, "a proxy subscribes more resources than it may; on_unknown decides the rest");
            }
            return Ok(());
        }
        self.note(Note::Subscribed(&resource)).await?;
        self.subscribed.insert(resource.clone(), false);
        self.send(&resource).await
    }

    /// Sends what concerns this stream.
    async fn changed(&mut self, change: &Change) -> Result<(), Ended> {
        let concerned: Vec<Resource> = match change {
            Change::Policy(resource) if resource.is_tenant() => self.subscribed.keys().cloned().collect(),
            Change::Policy(resource) if self.subscribed.contains_key(resource) => vec![resource.clone()],
            Change::Everything => self.subscribed.keys().cloned().collect(),
            _ => Vec::new(),
        };
        for resource in concerned {
            self.send(&resource).await?;
        }
        Ok(())
    }

    /// Sends the policy of a resource, unless the proxy has it.
    async fn send(&mut self, resource: &Resource) -> Result<(), Ended> {
        let wire = Some(WireResource {
            r#type: resource.kind.clone(),
            id: resource.id.clone(),
        });
        let epoch = epoch::current(&self.store).await?;
        let message = match self.board.effective(resource).await? {
            Some(effective) => {
                let version = Version {
                    epoch,
                    revision: u64::try_from(effective.revision).unwrap_or_default(),
                };
                if self
                    .has
                    .get(resource)
                    .is_some_and(|has| (has.epoch, has.revision) >= (version.epoch, version.revision))
                {
                    return Ok(());
                }
                self.has.insert(resource.clone(), version);
                watch_response::Message::Policy(EffectivePolicy {
                    resource: wire,
                    version: Some(version),
                    digest: effective.digest.clone(),
                    encoding: Encoding::Json.into(),
                    content: effective.content.clone(),
                })
            }
            None => {
                // Said once: it is an answer, and nothing changes until there is a policy.
                if self.subscribed.insert(resource.clone(), true) == Some(true) {
                    return Ok(());
                }
                watch_response::Message::None(NoPolicy {
                    resource: wire,
                    version: None,
                })
            }
        };
        let answer = WatchResponse { message: Some(message) };
        self.answers
            .send(Ok(answer))
            .await
            .map_err(|_| Status::cancelled("the proxy is gone"))
    }

    async fn note(&self, note: Note<'_>) -> Result<(), Ended> {
        let mut tx = self.store.begin().await?;
        self.proxy.note(&mut tx, note).await?;
        self.store.commit(tx, &[Change::Proxies(note.about())]).await?;
        Ok(())
    }
}

fn checked(resource: Option<WireResource>) -> Result<Resource, Ended> {
    let WireResource { r#type, id } = resource.ok_or_else(|| Status::invalid_argument("no resource"))?;
    if r#type == TENANT {
        return Ok(Resource::tenant());
    }
    Ok(Resource::checked(&r#type, &id)?)
}
