//! What a policy service says about one resource: read, checked and compiled,
//! or refused with the reason.

use std::fmt;
use std::rc::Rc;

use prost::Message;
use sluice_policy::{EffectiveRead, Policy, Problems};

use super::proto::{self, watch_response};
use crate::refusal::Resource;
use crate::version::Version;

/// The schemas this build reads, highest first.
pub(crate) const SCHEMAS: [u32; 1] = [1];

/// The answer to "which policy has this resource?".
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// This one.
    Policy {
        policy: Rc<Policy>,
        version: Version,
        digest: Rc<str>,
    },
    /// It has none, and its tenant has none.
    None {
        /// The change that took the last one away.
        version: Option<Version>,
    },
}

impl Known {
    pub(crate) fn version(&self) -> Option<Version> {
        match self {
            Self::Policy { version, .. } => Some(*version),
            Self::None { version } => *version,
        }
    }
}

/// A message that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) resource: Resource,
    pub(crate) known: Known,
}

/// A message that was not, as the answer to it says.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) resource: Option<Resource>,
    pub(crate) version: Option<Version>,
    pub(crate) why: Why,
}

/// What is wrong with a message.
#[derive(Debug)]
pub(crate) enum Why {
    /// It is no `WatchResponse`.
    Garbage,
    /// A member that has to be there is not.
    Missing(&'static str),
    /// Its content is written in a way this build does not know.
    Encoding(i32),
    /// The policy does not load.
    Policy(Problems),
    /// Nobody asked for this resource.
    NotSubscribed,
    /// What is in force is newer.
    Older(Version),
}

/// The longest reason that is sent, in bytes.
const LONGEST: usize = 4096;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Garbage => f.write_str("not a WatchResponse of sluice.policy.v1 with policy or none"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Encoding(found) => {
                write!(f, "encoding {found}: expected 1 (JSON); this filter reads schema 1")
            }
            Self::Policy(problems) => fmt_cut(f, &problems.to_string()),
            Self::NotSubscribed => f.write_str("this resource was not asked for"),
            Self::Older(held) => write!(f, "expected a version after the one in force ({held})"),
        }
    }
}

fn fmt_cut(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let end = (0..=LONGEST.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    f.write_str(end.and_then(|end| text.get(..end)).unwrap_or_default())
}

impl From<proto::Resource> for Resource {
    fn from(resource: proto::Resource) -> Self {
        let proto::Resource { r#type, id } = resource;
        Self { kind: r#type, id }
    }
}

impl From<&Resource> for proto::Resource {
    fn from(resource: &Resource) -> Self {
        let Resource { kind, id } = resource;
        Self {
            r#type: kind.clone(),
            id: id.clone(),
        }
    }
}

impl From<proto::Version> for Version {
    fn from(version: proto::Version) -> Self {
        let proto::Version { epoch, revision } = version;
        Self { epoch, revision }
    }
}

impl From<Version> for proto::Version {
    fn from(version: Version) -> Self {
        let Version { epoch, revision } = version;
        Self { epoch, revision }
    }
}

/// The resource a message is about and the version it brings, without reading
/// the policy in it; what is older than what is held needs no more.
pub(crate) struct Envelope {
    pub(crate) resource: Resource,
    pub(crate) version: Option<Version>,
    content: Content,
}

enum Content {
    Policy {
        digest: Vec<u8>,
        encoding: i32,
        bytes: Vec<u8>,
    },
    None,
}

impl Envelope {
    /// Takes a `WatchResponse` apart.
    pub(crate) fn open(message: &[u8]) -> Result<Self, Refused> {
        let garbage = Refused {
            resource: None,
            version: None,
            why: Why::Garbage,
        };
        let message = match proto::WatchResponse::decode(message) {
            Ok(message) => message.message,
            Err(_) => return Err(garbage),
        };
        let (resource, version, content) = match message {
            Some(watch_response::Message::Policy(policy)) => {
                let proto::EffectivePolicy {
                    resource,
                    version,
                    digest,
                    encoding,
                    content,
                } = policy;
                let content = Content::Policy {
                    digest,
                    encoding,
                    bytes: content,
                };
                (resource, version, content)
            }
            Some(watch_response::Message::None(proto::NoPolicy { resource, version })) => {
                (resource, version, Content::None)
            }
            None => return Err(garbage),
        };
        let version = version.map(Version::from);
        let Some(resource) = resource.map(Resource::from) else {
            return Err(Refused {
                resource: None,
                version,
                why: Why::Missing("resource"),
            });
        };
        Ok(Self {
            resource,
            version,
            content,
        })
    }

    /// Refuses it for `why`.
    pub(crate) fn refuse(self, why: Why) -> Refused {
        Refused {
            resource: Some(self.resource),
            version: self.version,
            why,
        }
    }

    /// Reads and compiles what is inside.
    pub(crate) fn read(self) -> Result<Received, Refused> {
        let Self {
            resource,
            version,
            content,
        } = self;
        let refused = |resource, why| {
            Err(Refused {
                resource: Some(resource),
                version,
                why,
            })
        };
        let (digest, encoding, bytes) = match content {
            Content::None => {
                return Ok(Received {
                    resource,
                    known: Known::None { version },
                });
            }
            Content::Policy {
                digest,
                encoding,
                bytes,
            } => (digest, encoding, bytes),
        };
        let Some(version) = version else {
            return refused(resource, Why::Missing("version"));
        };
        if encoding != i32::from(proto::Encoding::Json) {
            return refused(resource, Why::Encoding(encoding));
        }
        let policy = EffectiveRead::from_json(&bytes).and_then(|read| {
            // The text is of no use any more, and may be large.
            drop(bytes);
            read.policy()
        });
        match policy {
            Ok(policy) => Ok(Received {
                resource,
                known: Known::Policy {
                    policy: Rc::new(policy),
                    version,
                    digest: hex(&digest).into(),
                },
            }),
            Err(problems) => refused(resource, Why::Policy(problems)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().take(64).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
