//! The configuration of a plugin: JSON in, a plan out, nonsense refused.

mod structure;

use serde::Deserialize;
use sluice_policy::{Host, InvalidTarget, OwnAddresses, Policy, PolicyRead, Problems, Seen, Surroundings, Target};

use crate::refusal::Resource;

/// Which filter a root id makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `sluice.http`
    Http,
    /// `sluice.tcp`
    Tcp,
}

/// A root id that names no filter of this module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("root_id: {0:?}: expected \"sluice.http\" or \"sluice.tcp\"")]
pub struct UnknownRootId(pub String);

impl Kind {
    /// The filter of a root id.
    ///
    /// # Errors
    /// [`UnknownRootId`]
    pub fn of_root_id(root_id: &str) -> Result<Self, UnknownRootId> {
        match root_id {
            "sluice.http" => Ok(Self::Http),
            "sluice.tcp" => Ok(Self::Tcp),
            other => Err(UnknownRootId(other.to_owned())),
        }
    }

    /// The port of targets that name none, where the configuration does not say.
    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Tcp => 443,
        }
    }
}

/// What a plugin does: its configuration, compiled.
#[derive(Debug)]
pub struct Plan {
    /// The workload being governed, if it is configured.
    pub resource: Option<Resource>,
    /// The policy in force.
    pub policy: Policy,
    /// What the place of the decision knows.
    pub surroundings: Surroundings,
    /// Which of several live configurations of one plugin is the newest.
    pub generation: Option<u64>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// Not JSON of the expected shape.
    #[error("{field}: {why}")]
    Shape {
        /// The field, as a path from the root such as `resource.id`.
        field: String,
        /// What the reader found and what it expected.
        why: String,
    },
    /// A policy that does not load.
    #[error("policy: {0}")]
    Policy(#[from] Problems),
    /// A port that cannot be dialled.
    #[error("default_port: 0: expected a port from 1 to 65535")]
    DefaultPort,
    /// An endpoint of the proxy that is none.
    #[error("own: {endpoint:?}: expected host or host:port ({why})")]
    Own {
        /// The endpoint as written.
        endpoint: String,
        /// What is wrong with it.
        why: InvalidTarget,
    },
    /// A resource without type or id.
    #[error("resource: expected a type and an id that are not empty")]
    Resource,
}

/// The JSON object, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    resource: Option<Resource>,
    policy: Option<PolicyRead>,
    default_port: Option<u16>,
    #[serde(default)]
    guard_metadata: bool,
    #[serde(default)]
    own: Vec<String>,
    /// Raised with every change. Envoy does not configure again what it has
    /// word for word, and this makes sure that it never does.
    generation: Option<u64>,
}

impl Plan {
    /// Reads and compiles a configuration; an empty one means all defaults.
    /// Without a policy, everything is observed: `audit_only`.
    ///
    /// # Errors
    /// [`InvalidConfig`], which names the field and what was expected.
    pub fn from_json(json: &[u8], kind: Kind) -> Result<Self, InvalidConfig> {
        let source = if json.trim_ascii().is_empty() {
            Source::default()
        } else {
            read(json)?
        };
        Self::compile(source, kind)
    }

    /// As [`Plan::from_json`], from what Envoy hands over: JSON text, or the
    /// bytes of a `google.protobuf.Struct`.
    ///
    /// # Errors
    /// [`InvalidConfig`], which names the field and what was expected.
    pub fn from_plugin_configuration(bytes: &[u8], kind: Kind) -> Result<Self, InvalidConfig> {
        match structure::json(bytes) {
            Some(json) => Self::from_json(&json, kind),
            None => Self::from_json(bytes, kind),
        }
    }

    fn compile(source: Source, kind: Kind) -> Result<Self, InvalidConfig> {
        let Source {
            resource,
            policy,
            default_port,
            guard_metadata,
            own,
            generation,
        } = source;
        if resource.as_ref().is_some_and(|r| r.kind.is_empty() || r.id.is_empty()) {
            return Err(InvalidConfig::Resource);
        }
        let mut surroundings = Surroundings::new(default_port.unwrap_or(kind.default_port()));
        if surroundings.default_port == 0 {
            return Err(InvalidConfig::DefaultPort);
        }
        surroundings.guard_metadata = guard_metadata;
        surroundings.own = own_addresses(own)?;
        Ok(Self {
            resource,
            policy: policy.unwrap_or_default().policy()?,
            surroundings,
            generation,
        })
    }
}

fn read(json: &[u8]) -> Result<Source, InvalidConfig> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let shape = |field: String, error: serde_json::Error| InvalidConfig::Shape {
        field: if matches!(field.as_str(), "." | "?") {
            "configuration".to_owned()
        } else {
            field
        },
        why: error.to_string(),
    };
    let source = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        shape(field, error.into_inner())
    })?;
    reader.end().map_err(|error| shape(".".to_owned(), error))?;
    Ok(source)
}

fn own_addresses(endpoints: Vec<String>) -> Result<OwnAddresses, InvalidConfig> {
    let mut own = OwnAddresses::default();
    for endpoint in endpoints {
        let (host, port) = parse_endpoint(&endpoint).map_err(|why| InvalidConfig::Own { endpoint, why })?;
        own.add(host, port);
    }
    Ok(own)
}

/// `host` or `host:port`, by the parser that authorities pass.
fn parse_endpoint(endpoint: &str) -> Result<(Host, Option<u16>), InvalidTarget> {
    let target = |default_port| {
        let seen = Seen::Request {
            authority: endpoint.as_bytes(),
            method: b"",
            path: None,
        };
        Target::from_seen(&seen, default_port)
    };
    let (one, other) = (target(1)?, target(2)?);
    // A port that follows the default was not written.
    Ok((one.host, (one.port == other.port).then_some(one.port)))
}

#[cfg(test)]
mod tests {
    use sluice_policy::{Action, Mode, Timestamp};

    use super::*;

    fn refused(json: &str) -> String {
        Plan::from_json(json.as_bytes(), Kind::Http).unwrap_err().to_string()
    }

    #[test]
    fn nothing_configured_observes() {
        for json in ["", " \n", "{}", r#"{"policy": null}"#] {
            let plan = Plan::from_json(json.as_bytes(), Kind::Http).unwrap();
            assert_eq!(plan.policy.mode(), Mode::AuditOnly, "{json:?}");
            assert_eq!(plan.surroundings.default_port, 80);
        }
        let tcp = Plan::from_json(b"", Kind::Tcp).unwrap();
        assert_eq!(tcp.surroundings.default_port, 443);
    }

    #[test]
    fn a_full_configuration_compiles() {
        let plan = Plan::from_json(
            br#"{"resource": {"type": "sandbox", "id": "sb_1"}, "default_port": 8080, "guard_metadata": true, "generation": 3,
                 "own": ["collector.example.com:4317", "[2001:db8::7]", "admin.example.com"],
                 "policy": {"mode": "enforce", "default_effect": "allow"}}"#,
            Kind::Http,
        )
        .unwrap();
        let rejected = |authority: &[u8]| {
            let seen = Seen::Request {
                authority,
                method: b"GET",
                path: Some(b"/"),
            };
            let decision = plan.policy.decide(&seen, &plan.surroundings, Timestamp::from_micros(0));
            decision.action() == Action::Reject
        };
        assert!(rejected(b"collector.example.com:4317"));
        assert!(!rejected(b"collector.example.com"));
        assert!(rejected(b"[2001:db8::7]:99"));
        assert!(rejected(b"admin.example.com"));
        assert!(!rejected(b"api.example.com"));
    }

    #[test]
    fn every_refusal_names_the_field_and_what_was_expected() {
        for (json, parts) in [
            ("[]", &["configuration", "expected struct Source"][..]),
            ("{", &["configuration", "EOF while parsing"]),
            ("{} {}", &["configuration", "trailing characters"]),
            (r#"{"polcy": {}}"#, &["polcy", "unknown field", "`policy`"]),
            (r#"{"default_port": "x"}"#, &["default_port", "expected u16"]),
            (r#"{"generation": -1}"#, &["generation", "expected u64"]),
            (r#"{"default_port": 0}"#, &["default_port", "1 to 65535"]),
            (r#"{"default_port": 70000}"#, &["default_port", "70000"]),
            (
                r#"{"resource": {"type": "sandbox"}}"#,
                &["resource", "missing field `id`"],
            ),
            (r#"{"resource": {"type": "", "id": "x"}}"#, &["resource", "not empty"]),
            (
                r#"{"resource": {"type": "s", "id": "x", "name": 1}}"#,
                &["resource.name", "unknown field"],
            ),
            (r#"{"own": ["http://x"]}"#, &["own", "http://x", "host:port"]),
            (
                r#"{"policy": {"mode": "observe"}}"#,
                &["policy: policy: mode", "\"observe\"", "audit_only"],
            ),
            (
                r#"{"policy": {"rules": [{"id": "r", "effect": "allow", "host": "a:1"}, {"id": "r", "effect": "deny", "host": "b"}]}}"#,
                &["rule r: host: \"a:1\"", "without port", "rule r: id", "repeats"],
            ),
        ] {
            let error = refused(json);
            for part in parts {
                assert!(error.contains(part), "{json}: {part:?} is not in {error:?}");
            }
        }
    }

    #[test]
    fn unknown_root_ids_are_refused() {
        assert_eq!(Kind::of_root_id("sluice.http"), Ok(Kind::Http));
        assert!(Kind::of_root_id("").unwrap_err().to_string().contains("sluice.tcp"));
    }
}
