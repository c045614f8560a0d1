//! What a test says and hears through Watch.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use prost::Message as _;
use tonic::Code;

use super::Collector;
use crate::policy_v1::{
    Ack, EffectivePolicy, Encoding, Hello, Nack, NoPolicy, Resource, Version, WatchRequest, WatchResponse,
    watch_request, watch_response,
};
use crate::wait;

fn resource(resource_type: &str, id: &str) -> Resource {
    Resource {
        r#type: resource_type.to_owned(),
        id: id.to_owned(),
    }
}

impl Collector {
    /// What [`Collector::set_policy`] sends to identify this content.
    #[must_use]
    pub fn digest(content: &impl Display) -> Vec<u8> {
        let mut hasher = DefaultHasher::new();
        content.to_string().hash(&mut hasher);
        hasher.finish().to_be_bytes().to_vec()
    }

    /// Stores a resource's effective policy, and pushes it to every stream that subscribed the resource, whatever
    /// version that has.
    ///
    /// A stream that comes later gets it if it is newer than what the client holds.
    pub fn set_policy(&self, resource_type: &str, id: &str, epoch: u64, revision: u64, content: impl Display) {
        let resource = resource(resource_type, id);
        let content = content.to_string();
        let policy = EffectivePolicy {
            resource: Some(resource.clone()),
            version: Some(Version { epoch, revision }),
            digest: Self::digest(&content),
            encoding: Encoding::Json.into(),
            content: content.into_bytes(),
        };
        let message = Some(watch_response::Message::Policy(policy));
        self.state.board.lock().set(&resource, WatchResponse { message });
    }

    /// Stores, and pushes like a policy, that a resource has none: with a version (epoch, revision) it also takes
    /// back a policy that was there before.
    pub fn set_none(&self, resource_type: &str, id: &str, version: Option<(u64, u64)>) {
        let resource = resource(resource_type, id);
        let none = NoPolicy {
            resource: Some(resource.clone()),
            version: version.map(|(epoch, revision)| Version { epoch, revision }),
        };
        let message = Some(watch_response::Message::None(none));
        self.state.board.lock().set(&resource, WatchResponse { message });
    }

    /// Knows nothing about a resource any more: a subscription is not answered.
    pub fn forget(&self, resource_type: &str, id: &str) {
        self.state.board.lock().forget(&resource(resource_type, id));
    }

    /// Sends any message on every open stream, and stores nothing.
    pub fn push(&self, response: &WatchResponse) {
        self.push_bytes(&response.encode_to_vec());
    }

    /// Sends any bytes as a message on every open stream.
    pub fn push_bytes(&self, bytes: &[u8]) {
        self.state.board.lock().push(bytes);
    }

    /// Ends every open stream with this status, or with OK.
    pub fn close_streams(&self, code: Option<Code>) {
        self.state.board.lock().close(code);
    }

    /// Answers new calls of Watch with this status instead of serving them. Open streams stay.
    pub fn refuse_watch(&self, code: Option<Code>) {
        self.state.board.lock().refusal = code;
    }

    /// The number of open streams.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.state.board.lock().watchers()
    }

    /// All that clients said, and when it arrived.
    #[must_use]
    pub fn watch_log(&self) -> Vec<(Instant, WatchRequest)> {
        self.state.board.lock().log.clone()
    }

    /// Every hello.
    #[must_use]
    pub fn hellos(&self) -> Vec<Hello> {
        self.heard(|message| match message {
            watch_request::Message::Hello(hello) => Some(hello),
            _ => None,
        })
    }

    /// Every acknowledgement.
    #[must_use]
    pub fn acks(&self) -> Vec<Ack> {
        self.heard(|message| match message {
            watch_request::Message::Ack(ack) => Some(ack),
            _ => None,
        })
    }

    /// Every refusal.
    #[must_use]
    pub fn nacks(&self) -> Vec<Nack> {
        self.heard(|message| match message {
            watch_request::Message::Nack(nack) => Some(nack),
            _ => None,
        })
    }

    /// The first acknowledgement of a version, waited for.
    pub fn acked(&self, resource_type: &str, id: &str, epoch: u64, revision: u64) -> Ack {
        let (resource, version) = (resource(resource_type, id), Version { epoch, revision });
        self.said("an acknowledgement", &resource, version, || {
            let mut acks = self.acks().into_iter();
            acks.find(|ack| ack.resource.as_ref() == Some(&resource) && ack.version == Some(version))
        })
    }

    /// Why a version was refused the first time, waited for.
    pub fn nacked(&self, resource_type: &str, id: &str, epoch: u64, revision: u64) -> String {
        let (resource, version) = (resource(resource_type, id), Version { epoch, revision });
        self.said("a refusal", &resource, version, || {
            let mut nacks = self.nacks().into_iter();
            let found = nacks.find(|nack| nack.resource.as_ref() == Some(&resource) && nack.version == Some(version));
            found.map(|nack| nack.error)
        })
    }

    fn said<T>(&self, what: &str, resource: &Resource, version: Version, find: impl FnMut() -> Option<T>) -> T {
        wait::within(wait::PATIENCE, find).unwrap_or_else(|| {
            panic!(
                "{what} of {version:?} of {resource:?} never came, only {:#?}",
                self.watch_log()
            )
        })
    }

    fn heard<T>(&self, pick: impl Fn(watch_request::Message) -> Option<T>) -> Vec<T> {
        let log = self.watch_log().into_iter();
        log.filter_map(|(_, request)| pick(request.message?)).collect()
    }
}
