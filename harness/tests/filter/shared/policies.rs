//! A policy service that says what the test wants it to say.

use prost::Message;
use serde_json::{Value, json};
use sluice_harness::lab::{GrpcStream, Lab};

use super::enforce;
use super::proto::{
    Ack, Content, EffectivePolicy, Hello, Nack, NoPolicy, Request, Resource, Subscription, Version, WatchRequest,
    WatchResponse,
};

const WATCH: &str = "sluice.policy.v1.PolicyService";

/// What the filter said on a stream. Versions are epoch and revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Hello {
        instance: String,
        held: Vec<(String, (u64, u64))>,
    },
    Subscribe(String),
    Unsubscribe(String),
    Ack {
        id: String,
        version: (u64, u64),
        /// In force in how many VMs, of how many.
        vms: (u32, u32),
    },
    Nack {
        id: Option<String>,
        version: Option<(u64, u64)>,
        error: String,
    },
}

fn id(resource: Option<Resource>) -> String {
    resource.expect("it is of a resource").id
}

fn pair(version: Version) -> (u64, u64) {
    (version.epoch, version.revision)
}

impl Said {
    fn read(message: &[u8]) -> Self {
        match WatchRequest::decode(message).unwrap().message.unwrap() {
            Request::Hello(Hello {
                schemas,
                build,
                instance,
                held,
            }) => {
                assert_eq!(schemas, [1]);
                assert!(build.starts_with("sluice-filter/"), "{build}");
                let mut held: Vec<_> = held
                    .into_iter()
                    .map(|held| (id(held.resource), pair(held.version.unwrap())))
                    .collect();
                held.sort();
                Self::Hello { instance, held }
            }
            Request::Subscribe(Subscription { resource }) => Self::Subscribe(id(resource)),
            Request::Unsubscribe(Subscription { resource }) => Self::Unsubscribe(id(resource)),
            Request::Ack(Ack {
                resource,
                version,
                vms_in_force,
                vms,
            }) => Self::Ack {
                id: id(resource),
                version: pair(version.unwrap()),
                vms: (vms_in_force, vms),
            },
            Request::Nack(Nack {
                resource,
                version,
                error,
            }) => Self::Nack {
                id: resource.map(|resource| resource.id),
                version: version.map(pair),
                error,
            },
        }
    }
}

/// What is asked of the streams of a lab.
pub(crate) trait Watch {
    /// The one open stream, if there is one. Two are never right.
    fn watch(&self) -> Option<GrpcStream>;
    /// What was said on the stream that is open, in order.
    fn said(&self) -> Vec<Said>;
    /// Sends a message on the open stream.
    fn tell(&mut self, message: impl Into<Vec<u8>>);
}

impl Watch for Lab {
    fn watch(&self) -> Option<GrpcStream> {
        let mut open = self.streams();
        assert!(open.len() < 2, "{} streams are open", open.len());
        let stream = open.pop()?;
        assert_eq!((stream.service.as_str(), stream.method.as_str()), (WATCH, "Watch"));
        Some(stream)
    }

    fn said(&self) -> Vec<Said> {
        let sent = self.watch().map(|stream| stream.sent).unwrap_or_default();
        sent.iter().map(|message| Said::read(message)).collect()
    }

    fn tell(&mut self, message: impl Into<Vec<u8>>) {
        let stream = self.watch().expect("a stream is open");
        assert!(self.send(&stream, message));
        self.settle();
    }
}

pub(crate) fn sandbox(id: &str) -> Option<Resource> {
    Some(Resource {
        kind: "sandbox".into(),
        id: id.into(),
    })
}

/// A message with any content.
pub(crate) fn garbled(id: &str, version: Option<(u64, u64)>, encoding: i32, content: &[u8]) -> Vec<u8> {
    let policy = EffectivePolicy {
        resource: sandbox(id),
        version: version.map(|(epoch, revision)| Version { epoch, revision }),
        digest: vec![0xd1, 0x9e],
        encoding,
        content: content.to_vec(),
    };
    let message = WatchResponse {
        message: Some(Content::Policy(policy)),
    };
    message.encode_to_vec()
}

/// [`enforce`] as the policy of a resource.
pub(crate) fn policy(id: &str, version: (u64, u64)) -> Vec<u8> {
    of(id, version, &enforce())
}

/// A policy of a resource.
pub(crate) fn of(id: &str, version: (u64, u64), document: &Value) -> Vec<u8> {
    let content = json!({"tenant": null, "resource": document}).to_string();
    garbled(id, Some(version), 1, content.as_bytes())
}

/// That a resource has none.
pub(crate) fn none(id: &str, version: Option<(u64, u64)>) -> Vec<u8> {
    let none = NoPolicy {
        resource: sandbox(id),
        version: version.map(|(epoch, revision)| Version { epoch, revision }),
    };
    let message = WatchResponse {
        message: Some(Content::None(none)),
    };
    message.encode_to_vec()
}
