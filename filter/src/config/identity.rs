//! Which resource a request is of: always the same, or told by the proxy.

use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;
use serde::Deserialize;

use super::InvalidConfig;
use crate::refusal::Resource;

/// How the resource of a request is found.
#[derive(Debug, Clone)]
pub enum Identity {
    /// It is always this one.
    Fixed(Rc<Resource>),
    /// It has this type, and an id that the proxy tells.
    From {
        /// `sandbox`, `computer`, …
        kind: String,
        /// Where the id is.
        source: Source,
    },
    /// There is only one, and nobody has named it.
    Unnamed,
}

/// Where the id of a resource is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A property of the proxy, its segments joined by NUL.
    Property(String),
    /// A URI of the client certificate: see [`Spiffe`].
    Spiffe(Spiffe),
    /// The address of the client.
    Addresses(Vec<(IpNet, Rc<Resource>)>),
}

/// A pattern for a SPIFFE URI, such as `spiffe://example.org/ns/*/sa/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spiffe(Vec<String>);

const ID: &str = "{id}";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceSource {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    id_from: Option<FromSource>,
}

/// Exactly one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromSource {
    node_id: Option<bool>,
    node_metadata: Option<Vec<String>>,
    filter_state: Option<String>,
    spiffe: Option<String>,
    source_address: Option<Addresses>,
}

/// `{"192.0.2.0/24": "sb_1"}`
type Addresses = serde_json::Map<String, serde_json::Value>;

/// The ids of the API: 1 to 253 of these characters.
fn is_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=253).contains(&id.len()) && id.bytes().all(allowed)
}

fn invalid(field: &'static str, value: &impl std::fmt::Debug, expected: &'static str) -> InvalidConfig {
    InvalidConfig::Value {
        field,
        value: format!("{value:?}"),
        expected,
    }
}

const AN_ID: &str = "an id: 1 to 253 of A-Z a-z 0-9 . _ -";

impl ResourceSource {
    pub(super) fn compile(self) -> Result<Identity, InvalidConfig> {
        // The tenant is the scope above all resources and none itself.
        if !is_id(&self.kind) || self.kind == "tenant" {
            return Err(invalid(
                "resource.type",
                &self.kind,
                "a type such as \"sandbox\", and not \"tenant\"",
            ));
        }
        match (self.id, self.id_from) {
            (Some(id), None) if is_id(&id) => Ok(Identity::Fixed(Rc::new(Resource { kind: self.kind, id }))),
            (Some(id), None) => Err(invalid("resource.id", &id, AN_ID)),
            (None, Some(from)) => {
                let source = from.compile(&self.kind)?;
                Ok(Identity::From {
                    kind: self.kind,
                    source,
                })
            }
            (id, _) => Err(invalid("resource", &id, "one of id and id_from")),
        }
    }
}

impl FromSource {
    fn compile(self, kind: &str) -> Result<Source, InvalidConfig> {
        let Self {
            node_id,
            node_metadata,
            filter_state,
            spiffe,
            source_address,
        } = self;
        let mut sources = Vec::new();
        if node_id == Some(true) {
            sources.push(Source::Property("xds\0node\0id".to_owned()));
        }
        if let Some(path) = node_metadata {
            if path.is_empty() || path.iter().any(|segment| segment.is_empty() || segment.contains('\0')) {
                return Err(invalid(
                    "resource.id_from.node_metadata",
                    &path,
                    "a path such as [\"labels\", \"sandbox\"]",
                ));
            }
            sources.push(Source::Property(format!("xds\0node\0metadata\0{}", path.join("\0"))));
        }
        if let Some(key) = filter_state {
            if key.is_empty() || key.contains('\0') {
                return Err(invalid("resource.id_from.filter_state", &key, "a filter state key"));
            }
            sources.push(Source::Property(format!("filter_state\0{key}")));
        }
        if let Some(pattern) = spiffe {
            sources.push(Source::Spiffe(Spiffe::parse(&pattern)?));
        }
        if let Some(table) = source_address {
            sources.push(Source::Addresses(addresses(table, kind)?));
        }
        match sources.pop() {
            Some(source) if sources.is_empty() => Ok(source),
            _ => Err(InvalidConfig::Value {
                field: "resource.id_from",
                value: String::new(),
                expected: "one of node_id (true), node_metadata, filter_state, spiffe and source_address",
            }),
        }
    }
}

fn addresses(table: Addresses, kind: &str) -> Result<Vec<(IpNet, Rc<Resource>)>, InvalidConfig> {
    let mut found = Vec::with_capacity(table.len());
    for (block, id) in table {
        let net = block
            .parse::<IpNet>()
            .or_else(|_| block.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| {
                invalid(
                    "resource.id_from.source_address",
                    &block,
                    "an address or a block such as \"192.0.2.0/24\"",
                )
            })?;
        let Some(resource) = id.as_str().and_then(|id| resource(kind, id)) else {
            return Err(invalid("resource.id_from.source_address", &id, AN_ID));
        };
        found.push((net.trunc(), resource));
    }
    Ok(found)
}

impl Spiffe {
    fn parse(pattern: &str) -> Result<Self, InvalidConfig> {
        let segments: Vec<String> = pattern.split('/').map(str::to_owned).collect();
        let ids = segments.iter().filter(|segment| *segment == ID).count();
        let rooted = pattern.starts_with("spiffe://") && segments.len() > 3;
        if !rooted || ids != 1 || segments.get(2).is_none_or(|domain| domain.is_empty() || domain == "*") {
            return Err(invalid(
                "resource.id_from.spiffe",
                &pattern,
                "a pattern such as \"spiffe://example.org/ns/*/sa/{id}\", with {id} once",
            ));
        }
        Ok(Self(segments))
    }

    /// The id in a URI that the pattern fits.
    #[must_use]
    pub fn id<'u>(&self, uri: &'u str) -> Option<&'u str> {
        let mut id = None;
        let mut segments = uri.split('/');
        for pattern in &self.0 {
            let segment = segments.next()?;
            match pattern.as_str() {
                ID => id = Some(segment),
                "*" if !segment.is_empty() => {}
                literal if literal == segment => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(id).flatten()
    }
}

impl Identity {
    /// The resource of a request, whose properties `read` reads; `None` if it
    /// cannot be told.
    pub fn resolve(&self, read: impl FnOnce(&str) -> Option<Vec<u8>>) -> Option<Rc<Resource>> {
        let (kind, source) = match self {
            Self::Fixed(resource) => return Some(Rc::clone(resource)),
            Self::Unnamed => return None,
            Self::From { kind, source } => (kind, source),
        };
        let read = |path: &str| read(path).and_then(|bytes| String::from_utf8(bytes).ok());
        match source {
            Source::Property(path) => resource(kind, &read(path)?),
            Source::Spiffe(pattern) => resource(kind, pattern.id(&read("connection\0uri_san_peer_certificate")?)?),
            Source::Addresses(table) => {
                let client = address(&read("source\0address")?)?;
                let containing = table.iter().filter(|(net, _)| net.contains(&client));
                let (_, resource) = containing.max_by_key(|(net, _)| net.prefix_len())?;
                Some(Rc::clone(resource))
            }
        }
    }
}

fn resource(kind: &str, id: &str) -> Option<Rc<Resource>> {
    is_id(id).then(|| {
        Rc::new(Resource {
            kind: kind.to_owned(),
            id: id.to_owned(),
        })
    })
}

/// The address of Envoy's `address:port` and `[address]:port`.
fn address(text: &str) -> Option<IpAddr> {
    let (host, _) = text.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests;
