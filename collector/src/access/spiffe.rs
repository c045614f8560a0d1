//! Filters that show a client certificate instead of a token: the SPIFFE ID in
//! it (a URI in the subject alternative name, SPIFFE X.509-SVID §2) says whose they are.

use std::str::FromStr;

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Caller, Role, Scope};
use crate::error::Error;
use crate::resource::Resource;

/// `TYPE=spiffe://TRUST-DOMAIN/PATH` with one segment `{id}`; a segment `*` is any one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffeIds {
    kind: String,
    segments: Vec<String>,
}

impl SpiffeIds {
    /// Who shows this certificate: a filter of the resource that its SPIFFE ID names.
    #[must_use]
    pub fn caller(&self, certificate: &[u8]) -> Option<Caller> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten()?;
        let mut uris = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
        let uri = uris.next()?;
        // An SVID has exactly one.
        if uris.next().is_some() {
            return None;
        }
        let resource = self.resource(uri)?;
        Some(Caller {
            id: uri.to_owned(),
            name: uri.to_owned(),
            role: Role::Filter,
            scope: Scope::Resource(resource),
        })
    }

    fn resource(&self, uri: &str) -> Option<Resource> {
        let shown: Vec<&str> = uri.strip_prefix("spiffe://")?.split('/').collect();
        if shown.len() != self.segments.len() {
            return None;
        }
        let mut id = None;
        for (wanted, segment) in self.segments.iter().zip(shown) {
            match wanted.as_str() {
                "{id}" => id = Some(segment),
                "*" => {}
                exactly if exactly == segment => {}
                _ => return None,
            }
        }
        Resource::checked(&self.kind, id?).ok()
    }
}

impl FromStr for SpiffeIds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::field(
                "spiffe",
                text,
                "TYPE=spiffe://TRUST-DOMAIN/PATH with one segment {id}, such as sandbox=spiffe://example.org/ns/*/sa/{id}",
            )
        };
        let (kind, pattern) = text.split_once('=').ok_or_else(wrong)?;
        Resource::checked(kind, "x").map_err(|_| wrong())?;
        let pattern = pattern.strip_prefix("spiffe://").ok_or_else(wrong)?;
        let segments: Vec<String> = pattern.split('/').map(str::to_owned).collect();
        let ids = segments.iter().filter(|segment| *segment == "{id}").count();
        // Anybody's trust domain would be nobody's.
        let own = segments
            .first()
            .is_some_and(|domain| !domain.is_empty() && domain != "*" && domain != "{id}");
        if ids != 1 || !own || segments.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self {
            kind: kind.to_owned(),
            segments,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_resource_or_none() {
        let ids: SpiffeIds = "sandbox=spiffe://example.org/ns/*/sa/{id}".parse().unwrap();
        let found = |uri: &str| ids.resource(uri).map(|resource| resource.to_string());
        assert_eq!(
            found("spiffe://example.org/ns/any/sa/sb_1").as_deref(),
            Some("sandbox/sb_1")
        );
        for uri in [
            "spiffe://example.org/ns/any/sa",
            "spiffe://example.org/ns/any/sa/sb_1/more",
            "spiffe://other.example/ns/any/sa/sb_1",
            "spiffe://example.org/ns/any/sa/",
            "https://example.org/ns/any/sa/sb_1",
        ] {
            assert_eq!(found(uri), None, "{uri}");
        }
        for text in [
            "",
            "sandbox",
            "sandbox=https://x/{id}",
            "sandbox=spiffe://x/y",
            "sandbox=spiffe://*/{id}",
            "s=spiffe://x/{id}/{id}",
            "=spiffe://x/{id}",
        ] {
            assert!(text.parse::<SpiffeIds>().is_err(), "{text}");
        }
    }
}
