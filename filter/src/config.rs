//! The configuration of a plugin: JSON in, a plan out, nonsense refused.

mod identity;
mod members;
mod service;
mod structure;
mod topology;

use std::rc::Rc;

use sluice_policy::{
    Blocks, Host, InvalidTarget, Mode, OwnAddresses, Policy, PolicyRead, Problems, Seen, Surroundings, Target,
    Timestamp,
};

pub use identity::{Identity, Source as IdSource, Spiffe};
pub use service::{Endpoint, Events, PolicyService, To};
pub use topology::{Destination, Plaintext, Tls, Topology, Tunnels};

use members::{Member, Members};

/// Which filter a root id makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `sluice.http`
    Http,
    /// `sluice.tcp`
    Tcp,
    /// `sluice.address`: the addresses that requests of `sluice.http` go to.
    Address,
    /// `sluice.agent`: no traffic, only policies and events.
    Agent,
}

/// A root id that names no filter of this module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("root_id: {0:?}: expected \"sluice.http\", \"sluice.tcp\", \"sluice.address\" or \"sluice.agent\"")]
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
            "sluice.address" => Ok(Self::Address),
            "sluice.agent" => Ok(Self::Agent),
            other => Err(UnknownRootId(other.to_owned())),
        }
    }

    /// The port of targets that name none, where the configuration does not say.
    const fn default_port(self) -> u16 {
        match self {
            Self::Http | Self::Address | Self::Agent => 80,
            Self::Tcp => 443,
        }
    }
}

/// What a plugin does: its configuration, compiled.
#[derive(Debug)]
pub struct Plan {
    /// Whose requests they are.
    pub identity: Identity,
    /// The policy until a live one arrives: what is configured, else
    /// `audit_only` where nobody else has one, else none.
    pub inline: Option<Rc<Policy>>,
    /// Where live policies come from.
    pub policy_service: Option<PolicyService>,
    /// How long a request is held until the policy service has answered.
    pub hold_ms: u64,
    /// What decides after that.
    pub on_unknown: OnUnknown,
    /// Where events go.
    pub events: Option<Events>,
    /// A mode that beats every policy's for a while.
    pub override_mode: Option<Override>,
    /// What the place of the decision knows.
    pub surroundings: Surroundings,
    /// What that place shows of a connection.
    pub topology: Topology,
    /// Which of several live configurations of one plugin is the newest.
    pub generation: Option<u64>,
}

/// What decides while nobody has said what the policy is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// Nothing passes.
    #[default]
    Reject,
    /// Everything passes, and is recorded.
    Observe,
}

/// An operator's word that beats every policy, for as long as they said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The mode.
    pub mode: Mode,
    /// When it is over.
    pub until: Timestamp,
    /// For people, on every event.
    pub reason: Rc<str>,
}

impl Override {
    /// Whether its time is not over.
    #[must_use]
    pub fn rules(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

impl Override {
    fn read(member: &Member<'_>) -> Result<Self, InvalidConfig> {
        const A_TIME: &str = "an RFC 3339 time with a zone, such as 2027-01-01T00:00:00Z";
        let mut members = member.members()?;
        let (Some(mode), Some(until), Some(reason)) =
            (members.take("mode"), members.take("until"), members.take("reason"))
        else {
            return Err(member.expected("mode, until and reason"));
        };
        members.done()?;
        let modes = Mode::ALL.iter().map(|mode| (mode.as_str(), *mode)).collect::<Vec<_>>();
        Ok(Self {
            mode: mode.word(&modes, "audit_only or enforce")?,
            until: Timestamp::parse_rfc3339(&until.text(A_TIME)?).map_err(|_| until.expected(A_TIME))?,
            reason: reason.text("words for people")?.into(),
        })
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// Not JSON of the expected shape.
    #[error("{field}: {why}")]
    Shape {
        /// The member of the configuration, or `configuration`.
        field: String,
        /// What the reader found and what it expected.
        why: String,
    },
    /// A policy that does not load.
    #[error("policy: {0}")]
    Policy(#[from] Problems),
    /// An endpoint of the proxy that is none.
    #[error("own: {endpoint:?}: expected host or host:port ({why})")]
    Own {
        /// The endpoint as written.
        endpoint: String,
        /// What is wrong with it.
        why: InvalidTarget,
    },
    /// A value that is none.
    #[error("{field}: {value}: expected {expected}")]
    Value {
        /// The field.
        field: String,
        /// What is there.
        value: String,
        /// What would be right.
        expected: String,
    },
}

impl Plan {
    /// Reads and compiles a configuration; an empty one means all defaults.
    /// Without a policy, everything is observed: `audit_only`.
    ///
    /// # Errors
    /// [`InvalidConfig`], which names the field and what was expected.
    pub fn from_json(json: &[u8], kind: Kind) -> Result<Self, InvalidConfig> {
        if json.trim_ascii().is_empty() {
            return Self::from_json(b"{}", kind);
        }
        let mut members = Members::of(json)?;
        let topology = Topology::take(&mut members)?;
        let surroundings = surroundings(&mut members, kind)?;
        let hold_ms = match members.take("hold_ms") {
            Some(member) => member.number(0..=60_000, "milliseconds from 0 to 60000")?,
            None => 2000,
        };
        let on_unknown = match members.take("on_unknown") {
            Some(member) => {
                let words = [("reject", OnUnknown::Reject), ("observe", OnUnknown::Observe)];
                member.word(&words, "reject or observe")?
            }
            None => OnUnknown::default(),
        };
        let policy_service = members.take("policy_service");
        let policy_service = policy_service.as_ref().map(PolicyService::read).transpose()?;
        let inline = match (members.take("policy"), &policy_service) {
            (Some(policy), _) => Some(PolicyRead::from_json(policy.json().as_bytes())?.policy()?),
            (None, Some(_)) => None,
            (None, None) => Some(PolicyRead::default().policy()?),
        };
        let identity = match members.take("resource") {
            Some(resource) => Identity::read(&resource)?,
            None if policy_service.is_some() && kind != Kind::Agent => {
                return Err(InvalidConfig::Value {
                    field: "resource".to_owned(),
                    value: "missing".to_owned(),
                    expected: "a resource, because policies are asked for by resource".to_owned(),
                });
            }
            None => Identity::Unnamed,
        };
        let events = members.take("events");
        let override_mode = members.take("override");
        let plan = Self {
            identity,
            inline: inline.map(Rc::new),
            policy_service,
            hold_ms,
            on_unknown,
            events: events.as_ref().map(Events::read).transpose()?,
            override_mode: override_mode.as_ref().map(Override::read).transpose()?,
            surroundings,
            topology,
            generation: match members.take("generation") {
                Some(member) => Some(member.number(0..=u64::MAX, "a whole number, raised with every change")?),
                None => None,
            },
        };
        members.done()?;
        Ok(plan)
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
}

/// What the place of the plugin knows and the client cannot change.
fn surroundings(members: &mut Members<'_>, kind: Kind) -> Result<Surroundings, InvalidConfig> {
    let default_port = match members.take("default_port") {
        Some(member) => member.port()?,
        None => kind.default_port(),
    };
    let mut surroundings = Surroundings::new(default_port);
    if let Some(member) = members.take("guard_metadata") {
        surroundings.guard_metadata = member.flag()?;
    }
    if let Some(member) = members.take("own") {
        surroundings.own = own_addresses(member.texts("host or host:port, in a list")?)?;
    }
    if let Some(member) = members.take("resolves_to") {
        let blocks = member.texts("CIDR blocks in a list, such as 10.0.0.0/8")?;
        surroundings.resolves_to =
            Blocks::parse(blocks.iter().map(String::as_str)).map_err(|(block, why)| InvalidConfig::Value {
                field: "resolves_to".to_owned(),
                value: block.to_owned(),
                expected: why.to_string(),
            })?;
    }
    Ok(surroundings)
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
    use sluice_policy::Action;

    use super::*;

    fn refused(json: &str) -> String {
        Plan::from_json(json.as_bytes(), Kind::Http).unwrap_err().to_string()
    }

    #[test]
    fn nothing_configured_observes() {
        for json in ["", " \n", "{}", r#"{"policy": null}"#] {
            let plan = Plan::from_json(json.as_bytes(), Kind::Http).unwrap();
            assert_eq!(plan.inline.unwrap().mode(), Mode::AuditOnly, "{json:?}");
            assert_eq!(plan.surroundings.default_port, 80);
        }
        let tcp = Plan::from_json(b"", Kind::Tcp).unwrap();
        assert_eq!(tcp.surroundings.default_port, 443);
    }

    #[test]
    fn an_override_rules_until_its_time_and_never_by_a_clock_that_cannot_be_read() {
        let json = br#"{"override": {"mode": "audit_only", "until": "2026-12-01T08:00:00Z", "reason": "x"}}"#;
        let given = Plan::from_json(json, Kind::Http).unwrap().override_mode.unwrap();
        let until: Timestamp = serde_json::from_str(r#""2026-12-01T08:00:00Z""#).unwrap();
        let before: Timestamp = serde_json::from_str(r#""2026-12-01T07:59:59.999999Z""#).unwrap();
        assert!(given.rules(before));
        assert!(!given.rules(until));
        assert!(!given.rules(Timestamp::UNKNOWN));
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
            let policy = plan.inline.as_ref().unwrap();
            let decision = policy.decide(&seen, &plan.surroundings, Timestamp::from_micros(0));
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
            ("[]", &["configuration", "expected an object"][..]),
            ("{", &["configuration", "EOF while parsing"]),
            ("{} {}", &["configuration", "trailing characters"]),
            (r#"{"polcy": {}}"#, &["polcy", "unknown field", "policy, "]),
            (r#"{"default_port": "x"}"#, &["default_port: \"x\"", "1 to 65535"]),
            (r#"{"generation": -1}"#, &["generation: -1", "a whole number"]),
            (r#"{"generation": 1, "generation": 2}"#, &["generation", "twice"]),
            (
                r#"{"events": {"cluster": "c", "cluster": "d"}}"#,
                &["events", "cluster", "twice"],
            ),
            (r#"{"events": {}}"#, &["events", "cluster"]),
            (r#"{"default_port": 0}"#, &["default_port", "1 to 65535"]),
            (r#"{"default_port": 70000}"#, &["default_port", "70000"]),
            (
                r#"{"resource": {"type": "sandbox"}}"#,
                &["resource", "one of id and id_from"],
            ),
            (
                r#"{"policy_service": {"cluster": "c"}}"#,
                &["resource", "asked for by resource"],
            ),
            (
                r#"{"policy_service": {}}"#,
                &["policy_service", "one of cluster and queue"],
            ),
            (
                r#"{"policy_service": {"cluster": ""}}"#,
                &["policy_service.cluster", "1 to 125 bytes"],
            ),
            (
                r#"{"events": {"cluster": "c", "flush_ms": 1}}"#,
                &["events.flush_ms", "10 to 60000"],
            ),
            (r#"{"events": {"cluster": "c", "path": "half"}}"#, &["events", "half"]),
            (
                r#"{"events": {"cluster": "c", "buffer_bytes": 1}}"#,
                &["events.buffer_bytes", "65536"],
            ),
            (
                r#"{"events": {"cluster": "c", "token_env": ""}}"#,
                &["events.token_env", "environment variable"],
            ),
            (r#"{"hold_ms": 60001}"#, &["hold_ms", "0 to 60000"]),
            (r#"{"on_unknown": "allow"}"#, &["on_unknown", "reject or observe"]),
            (
                r#"{"override": {"mode": "audit_only", "until": "tomorrow", "reason": "x"}}"#,
                &["override", "RFC 3339"],
            ),
            (
                r#"{"resource": {"type": "s", "id": "x", "name": 1}}"#,
                &["resource.name", "unknown field", "id_from"],
            ),
            (r#"{"own": ["http://x"]}"#, &["own", "http://x", "host:port"]),
            (r#"{"resolves_to": "10.0.0.0/8"}"#, &["resolves_to", "in a list"]),
            (
                r#"{"resolves_to": ["10.0.0.1/8"]}"#,
                &["resolves_to", "10.0.0.1/8", "10.0.0.0/8"],
            ),
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
