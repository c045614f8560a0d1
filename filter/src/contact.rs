//! An endpoint with its credential: what is needed to talk to it, and the name
//! under which the VMs of a process share what belongs to it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::config::{Endpoint, To};

/// Somebody to talk to, and who to be to them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Contact {
    pub(crate) endpoint: Endpoint,
    /// A serialised `GrpcService`; empty where there is no cluster.
    pub(crate) upstream: Vec<u8>,
    /// The value of the header, `Bearer …`.
    pub(crate) authorization: Option<String>,
    /// Of shared data and queues: `sluice/1/<hash>/`. Plugins that talk to
    /// different services, or with different credentials, never meet there.
    pub(crate) prefix: String,
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token_env: {name:?}: {why}")]
pub(crate) struct NoToken {
    name: String,
    why: &'static str,
}

impl Contact {
    /// An endpoint with the credential that its environment variable holds.
    ///
    /// # Errors
    /// If there is none, or one that cannot be in a header.
    pub(crate) fn new(endpoint: &Endpoint, environment: impl FnOnce(&str) -> Option<String>) -> Result<Self, NoToken> {
        let token = match &endpoint.token_env {
            None => None,
            Some(name) => {
                let refused = |why| NoToken {
                    name: name.clone(),
                    why,
                };
                let token = environment(name).filter(|token| !token.is_empty());
                let token = token.ok_or_else(|| {
                    refused("the VM has no such environment variable: expected one in vm_config.environment_variables")
                })?;
                if !token.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(refused(
                        "its value is no bearer token: expected printable ASCII without spaces",
                    ));
                }
                Some(token)
            }
        };
        // The first keys of SipHash are the same in every VM, and what it makes
        // of a token does not give the token away.
        let mut hasher = DefaultHasher::new();
        (&endpoint.to, &token).hash(&mut hasher);
        Ok(Self {
            upstream: endpoint.grpc_service().unwrap_or_default(),
            endpoint: endpoint.clone(),
            authorization: token.map(|token| format!("Bearer {token}")),
            prefix: format!("sluice/1/{:016x}/", hasher.finish()),
        })
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint.to {
            To::Cluster(name) => write!(f, "cluster {name}"),
            To::Queue(name) => write!(f, "queue {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(cluster: &str, token: Option<&str>) -> Result<Contact, String> {
        let endpoint = Endpoint {
            to: To::Cluster(cluster.into()),
            token_env: token.map(|_| "TOKEN".into()),
        };
        Contact::new(&endpoint, |name| {
            assert_eq!(name, "TOKEN");
            token.filter(|token| *token != "unset").map(str::to_owned)
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn services_and_credentials_are_kept_apart() {
        let of = |cluster, token| contact(cluster, token).unwrap();
        let all = [of("a", None), of("b", None), of("a", Some("t1")), of("a", Some("t2"))];
        for (n, one) in all.iter().enumerate() {
            for other in all.iter().skip(n + 1) {
                assert_ne!(one.prefix, other.prefix);
            }
        }
        assert_eq!(of("a", Some("t1")), of("a", Some("t1")));
        assert_eq!(of("a", Some("t1")).authorization.as_deref(), Some("Bearer t1"));
        assert!(!of("a", Some("secret")).prefix.contains("secret"));
        assert_eq!(of("sluice", None).upstream, b"\n\x08\n\x06sluice");
    }

    #[test]
    fn a_token_that_is_none_is_named() {
        for (token, expected) in [
            ("unset", "vm_config.environment_variables"),
            ("", "vm_config.environment_variables"),
            ("a b", "printable ASCII"),
            ("a\r\nx: y", "printable ASCII"),
        ] {
            let error = contact("a", Some(token)).unwrap_err();
            assert!(error.contains("\"TOKEN\"") && error.contains(expected), "{error}");
            assert!(token.len() < 3 || token == "unset" || !error.contains(token), "{error}");
        }
    }
}
