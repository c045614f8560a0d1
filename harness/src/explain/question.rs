//! What is asked: what a filter would see of the target that was given.

use sluice_policy::{InvalidTarget, Target};

use super::url::Url;
use crate::recording::Sighting;

/// The port that HTTPS and opaque connections mean.
const TLS_PORT: u16 = 443;
/// The port that plain requests mean.
const PLAIN_PORT: u16 = 80;

/// What was given, byte for byte.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given<'a> {
    /// An authority or a URL. It may be absent beside a server name only.
    pub target: Option<&'a [u8]>,
    /// The method of a request that is visible; `CONNECT` is an opaque one.
    pub method: Option<&'a [u8]>,
    /// The path, with its query, of a request that is visible.
    pub path: Option<&'a [u8]>,
    /// The server name of a TLS connection, which is then what is decided on.
    pub sni: Option<&'a [u8]>,
}

/// What a filter would see, and the port it would dial where none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What a filter would see.
    pub sighting: Sighting,
    /// The port that the filter would assume.
    pub default_port: u16,
}

/// Why what was given is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuestion {
    /// A scheme that is not HTTP's.
    #[error(
        "the target has the scheme \"{scheme}\"; expected http, https, ws, wss, or an authority such as example.com:443"
    )]
    Scheme {
        /// The scheme, escaped to printable ASCII.
        scheme: String,
    },
    /// A path in the URL and another beside it.
    #[error("the target has a path and another is given beside it; expected one of them")]
    TwoPaths,
    /// A path where none can be.
    #[error("CONNECT has no path; leave it out, or give the method of the request inside")]
    PathOfTunnel,
    /// A request inside a TLS connection that is known by its server name alone.
    #[error(
        "an sni asks about a TLS connection, of which method and path are not visible; expected none of them beside it"
    )]
    SniOfRequest,
    /// A TLS connection that shows a request.
    #[error(
        "an sni asks about a TLS connection, and the target is a plain request; expected an authority or an https URL"
    )]
    SniOfPlain,
    /// A target that names no port for the connection.
    #[error("beside an sni the target says which port is dialled, and this one says none: {0}")]
    NoPort(InvalidTarget),
    /// Neither a target nor a server name.
    #[error("no target; expected an authority such as example.com:443, a URL, or an sni")]
    NoTarget,
}

/// A target, taken apart.
struct Parts<'a> {
    authority: &'a [u8],
    /// Path and query of a URL; empty if it has neither.
    path: &'a [u8],
    plain: bool,
}

impl Question {
    /// What a filter would see of what was given.
    ///
    /// # Errors
    /// [`InvalidQuestion`], which says what would be right.
    pub fn of(given: Given<'_>) -> Result<Self, InvalidQuestion> {
        let parts = given.target.map(Parts::of).transpose()?;
        if let Some(server_name) = given.sni {
            if given.method.is_some() || given.path.is_some() {
                return Err(InvalidQuestion::SniOfRequest);
            }
            return Self::connection(server_name, parts);
        }
        let parts = parts.ok_or(InvalidQuestion::NoTarget)?;
        let default_port = if parts.plain { PLAIN_PORT } else { TLS_PORT };
        let authority = parts.authority.to_vec();
        let connect = given.method == Some(b"CONNECT".as_slice());
        if connect && given.path.is_some() {
            return Err(InvalidQuestion::PathOfTunnel);
        }
        let visible = parts.plain || given.method.is_some() || given.path.is_some();
        let sighting = if connect {
            tunnel(authority)
        } else if visible {
            Sighting::Request {
                authority,
                method: given.method.unwrap_or(b"GET").to_vec(),
                path: Some(path(parts.path, given.path)?),
            }
        } else {
            opaque(authority)
        };
        Ok(Self { sighting, default_port })
    }

    fn connection(server_name: &[u8], parts: Option<Parts<'_>>) -> Result<Self, InvalidQuestion> {
        let port = match parts {
            None => TLS_PORT,
            Some(Parts { plain: true, .. }) => return Err(InvalidQuestion::SniOfPlain),
            Some(parts) => {
                let sighting = opaque(parts.authority.to_vec());
                let target = Target::from_seen(&sighting.seen(), TLS_PORT).map_err(InvalidQuestion::NoPort)?;
                target.port
            }
        };
        Ok(Self {
            sighting: Sighting::Connection {
                server_name: server_name.to_vec(),
                port,
            },
            default_port: TLS_PORT,
        })
    }
}

/// Whether it looks like a URL to people and like a bad authority to a filter.
#[must_use]
pub fn is_url_without_scheme(target: &[u8]) -> bool {
    Url::split(target).is_none() && target.contains(&b'/')
}

impl<'a> Parts<'a> {
    fn of(target: &'a [u8]) -> Result<Self, InvalidQuestion> {
        let Some(Url {
            scheme,
            authority,
            path,
        }) = Url::split(target)
        else {
            return Ok(Self {
                authority: target,
                path: b"",
                plain: false,
            });
        };
        let plain = match scheme.to_ascii_lowercase().as_slice() {
            b"http" | b"ws" => true,
            b"https" | b"wss" => false,
            _ => {
                return Err(InvalidQuestion::Scheme {
                    scheme: String::from_utf8_lossy(scheme).escape_default().to_string(),
                });
            }
        };
        Ok(Self { authority, path, plain })
    }
}

/// What a client sends as `:path`: never empty (RFC 9110 §4.2.3).
fn path(of_url: &[u8], given: Option<&[u8]>) -> Result<Vec<u8>, InvalidQuestion> {
    match (of_url, given) {
        ([], Some(given)) => Ok(given.to_vec()),
        (_, Some(_)) => Err(InvalidQuestion::TwoPaths),
        ([b'/', ..], None) => Ok(of_url.to_vec()),
        (query, None) => Ok([b"/", query].concat()),
    }
}

fn tunnel(authority: Vec<u8>) -> Sighting {
    Sighting::Request {
        authority,
        method: b"CONNECT".to_vec(),
        path: None,
    }
}

/// A tunnel; its port is added only where the filter would miss nothing else,
/// so that an invalid target is reported as it was given.
fn opaque(authority: Vec<u8>) -> Sighting {
    let as_given = tunnel(authority.clone());
    match Target::from_seen(&as_given.seen(), TLS_PORT) {
        Err(InvalidTarget::ConnectWithoutPort) => {
            tunnel([authority.as_slice(), format!(":{TLS_PORT}").as_bytes()].concat())
        }
        _ => as_given,
    }
}

#[cfg(test)]
mod tests;
