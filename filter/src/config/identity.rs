//! Which resource a request is of: always the same, or told by the proxy.

use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;

use super::InvalidConfig;
use super::members::{Member, Members};
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

/// The ids of the API: 1 to 253 of these characters.
fn is_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=253).contains(&id.len()) && id.bytes().all(allowed)
}

const AN_ID: &str = "an id: 1 to 253 of A-Z a-z 0-9 . _ -";

impl Identity {
    pub(super) fn read(member: &Member<'_>) -> Result<Self, InvalidConfig> {
        const A_TYPE: &str = "a type such as \"sandbox\", and not \"tenant\"";
        let mut members = member.members()?;
        let Some(of_type) = members.take("type") else {
            return Err(member.expected("type, such as \"sandbox\", and one of id and id_from"));
        };
        let kind = of_type.text(A_TYPE)?;
        // The tenant is the scope above all resources and none itself.
        if !is_id(&kind) || kind == "tenant" {
            return Err(of_type.expected(A_TYPE));
        }
        let identity = match (members.take("id"), members.take("id_from")) {
            (Some(id), None) => match resource(&kind, &id.text(AN_ID)?) {
                Some(resource) => Self::Fixed(resource),
                None => return Err(id.expected(AN_ID)),
            },
            (None, Some(from)) => {
                let source = Source::read(&from, &kind)?;
                Self::From { kind, source }
            }
            _ => return Err(member.expected("one of id and id_from")),
        };
        members.done()?;
        Ok(identity)
    }
}

impl Source {
    fn read(member: &Member<'_>, kind: &str) -> Result<Self, InvalidConfig> {
        const A_PATH: &str = "a path such as [\"labels\", \"sandbox\"]";
        const A_KEY: &str = "a filter state key";
        let mut members = member.members()?;
        let mut sources = Vec::new();
        if let Some(node_id) = members.take("node_id")
            && node_id.flag()?
        {
            sources.push(Self::Property("xds\0node\0id".to_owned()));
        }
        if let Some(metadata) = members.take("node_metadata") {
            let path = metadata.texts(A_PATH)?;
            if path.is_empty() || path.iter().any(|segment| segment.is_empty() || segment.contains('\0')) {
                return Err(metadata.expected(A_PATH));
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            sources.push(Self::Property(format!("xds\0node\0metadata\0{}", path.join("\0"))));
        }
        if let Some(state) = members.take("filter_state") {
            let key = state.text(A_KEY)?;
            if key.is_empty() || key.contains('\0') {
                return Err(state.expected(A_KEY));
            }
            sources.push(Self::Property(format!("filter_state\0{key}")));
        }
        if let Some(spiffe) = members.take("spiffe") {
            let pattern = Spiffe::parse(&spiffe.text(Spiffe::EXPECTED)?);
            sources.push(Self::Spiffe(pattern.ok_or_else(|| spiffe.expected(Spiffe::EXPECTED))?));
        }
        if let Some(table) = members.take("source_address") {
            sources.push(Self::Addresses(addresses(table.members()?, kind)?));
        }
        members.done()?;
        match sources.pop() {
            Some(source) if sources.is_empty() => Ok(source),
            _ => Err(member.expected("one of node_id (true), node_metadata, filter_state, spiffe and source_address")),
        }
    }
}

/// `{"192.0.2.0/24": "sb_1"}`
fn addresses(table: Members<'_>, kind: &str) -> Result<Vec<(IpNet, Rc<Resource>)>, InvalidConfig> {
    let mut found = Vec::new();
    for (block, id) in table.rest() {
        let net = block
            .parse::<IpNet>()
            .or_else(|_| block.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| id.expected("for an address or a block such as \"192.0.2.0/24\""))?;
        let Some(resource) = resource(kind, &id.text(AN_ID)?) else {
            return Err(id.expected(AN_ID));
        };
        found.push((net.trunc(), resource));
    }
    Ok(found)
}

impl Spiffe {
    const EXPECTED: &str = "a pattern such as \"spiffe://example.org/ns/*/sa/{id}\", with {id} once";

    fn parse(pattern: &str) -> Option<Self> {
        let segments: Vec<String> = pattern.split('/').map(str::to_owned).collect();
        let ids = segments.iter().filter(|segment| *segment == ID).count();
        let rooted = pattern.starts_with("spiffe://") && segments.len() > 3;
        let has_domain = segments
            .get(2)
            .is_some_and(|domain| !domain.is_empty() && domain != "*");
        (rooted && has_domain && ids == 1).then_some(Self(segments))
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
