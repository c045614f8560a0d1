//! What is asked: what a filter would see of the target that was typed.

use sluice_harness::recording::Sighting;
use sluice_policy::{InvalidTarget, Target};

use super::url::Url;
use crate::bytes::{Bytes, printable};

/// The port that HTTPS and opaque connections mean.
const TLS_PORT: u16 = 443;
/// The port that plain requests mean.
const PLAIN_PORT: u16 = 80;

/// What was typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed<'a> {
    pub(super) target: Option<&'a Bytes>,
    pub(super) method: Option<&'a Bytes>,
    pub(super) path: Option<&'a Bytes>,
    pub(super) sni: Option<&'a Bytes>,
}

/// What a filter would see, and the port it would dial where none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) sighting: Sighting,
    pub(super) default_port: u16,
}

/// Why what was typed is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidQuestion {
    /// A scheme that is not HTTP's.
    #[error("TARGET has the scheme {scheme:?}; expected http, https, ws, wss, or an authority such as example.com:443")]
    Scheme { scheme: String },
    /// A path in the URL and another beside it.
    #[error("TARGET has a path and --path gives another; expected one of them")]
    TwoPaths,
    /// A path where none can be.
    #[error("CONNECT has no path; leave out --path, or give the method of the request inside")]
    PathOfTunnel,
    /// A TLS connection that shows a request.
    #[error("--sni asks about a TLS connection, and TARGET is a plain request; expected an authority or an https URL")]
    SniOfPlain,
    /// A target that names no port for the connection.
    #[error("with --sni, TARGET says which port is dialled, and this one says none: {0}")]
    NoPort(InvalidTarget),
}

/// A target, taken apart.
struct Parts<'a> {
    authority: &'a [u8],
    /// Path and query of a URL; empty if it has neither.
    path: &'a [u8],
    plain: bool,
}

impl Question {
    /// What a filter would see.
    pub(super) fn of(typed: Typed<'_>) -> Result<Self, InvalidQuestion> {
        let parts = typed.target.map(|target| Parts::of(&target.0)).transpose()?;
        if let Some(server_name) = typed.sni {
            return Self::connection(server_name, parts);
        }
        // clap asks for a target where there is no server name.
        let parts = parts.unwrap_or(Parts {
            authority: b"",
            path: b"",
            plain: false,
        });
        let default_port = if parts.plain { PLAIN_PORT } else { TLS_PORT };
        let authority = parts.authority.to_vec();
        let connect = typed.method.is_some_and(|method| method.0 == b"CONNECT");
        if connect && typed.path.is_some() {
            return Err(InvalidQuestion::PathOfTunnel);
        }
        let visible = parts.plain || typed.method.is_some() || typed.path.is_some();
        let sighting = if connect {
            tunnel(authority)
        } else if visible {
            Sighting::Request {
                authority,
                method: typed.method.map_or_else(|| b"GET".to_vec(), |method| method.0.clone()),
                path: Some(path(parts.path, typed.path)?),
            }
        } else {
            opaque(authority)
        };
        Ok(Self { sighting, default_port })
    }

    fn connection(server_name: &Bytes, parts: Option<Parts<'_>>) -> Result<Self, InvalidQuestion> {
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
                server_name: server_name.0.clone(),
                port,
            },
            default_port: TLS_PORT,
        })
    }
}

/// Whether it looks like a URL to people and like a bad authority to a filter.
pub(super) fn is_url_without_scheme(target: &[u8]) -> bool {
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
                    scheme: printable(&String::from_utf8_lossy(scheme)),
                });
            }
        };
        Ok(Self { authority, path, plain })
    }
}

/// What a client sends as `:path`: never empty (RFC 9110 §4.2.3).
fn path(of_url: &[u8], given: Option<&Bytes>) -> Result<Vec<u8>, InvalidQuestion> {
    match (of_url, given) {
        ([], Some(given)) => Ok(given.0.clone()),
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
/// so that an invalid target is reported as it was typed.
fn opaque(authority: Vec<u8>) -> Sighting {
    let as_typed = tunnel(authority.clone());
    match Target::from_seen(&as_typed.seen(), TLS_PORT) {
        Err(InvalidTarget::ConnectWithoutPort) => {
            tunnel([authority.as_slice(), format!(":{TLS_PORT}").as_bytes()].concat())
        }
        _ => as_typed,
    }
}

#[cfg(test)]
mod tests;
