//! What an engine is given: a policy, whose it is, and the port that targets
//! without one are dialled at.

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_policy::PolicyDocument;

use super::vm::Plugin;

/// The workload being governed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// `sandbox`, `computer`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What both engines decide by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Whose policy it is, for the messages of the filter.
    pub resource: Option<Resource>,
    /// The policy.
    pub policy: PolicyDocument,
    /// The port of an authority without one: 80 at a forward proxy.
    pub default_port: u16,
    /// Private blocks that any name may lead to.
    pub resolves_to: Vec<String>,
}

impl Setup {
    /// A policy for no particular resource, at a forward proxy.
    #[must_use]
    pub fn new(policy: PolicyDocument) -> Self {
        Self {
            resource: None,
            policy,
            default_port: 80,
            resolves_to: Vec::new(),
        }
    }
}

/// What a plugin has to know of the listener that it stands behind, where that
/// is no forward proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    /// TLS ends there.
    Terminating,
    /// TLS passes, and names are dialled at this port.
    Passthrough(u16),
    /// Connections go where they were dialled.
    Original,
}

impl Listener {
    /// Which of the filter's plugins is behind it.
    pub(super) fn plugin(self) -> Plugin {
        match self {
            Self::Terminating => Plugin::Http,
            Self::Passthrough(_) | Self::Original => Plugin::Tcp,
        }
    }
}

/// A plugin configuration as Envoy would hand it over, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PluginJson(Vec<u8>);

impl PluginJson {
    pub(super) fn of(setup: &Setup) -> Self {
        #[derive(Serialize)]
        struct Plugin<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            resource: Option<&'a Resource>,
            policy: &'a PolicyDocument,
            default_port: u16,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            resolves_to: &'a [String],
        }
        let plugin = Plugin {
            resource: setup.resource.as_ref(),
            policy: &setup.policy,
            default_port: setup.default_port,
            resolves_to: &setup.resolves_to,
        };
        Self(serde_json::to_vec(&plugin).expect("strings, numbers and lists always serialise"))
    }

    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same configuration for another listener. What is no JSON object
    /// stays as it is: refusing it is for the filter.
    pub(super) fn at(&self, listener: Listener) -> Self {
        let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(&self.0) else {
            return self.clone();
        };
        let (member, value) = match listener {
            Listener::Terminating => ("tls", Value::from("terminated")),
            Listener::Passthrough(port) => ("default_port", Value::from(port)),
            Listener::Original => ("destination", Value::from("original")),
        };
        fields.insert(member.to_owned(), value);
        Self(serde_json::to_vec(&fields).expect("JSON that was read can be written"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_plugin_configuration_is_the_documented_object() {
        let policy = PolicyDocument::from_json(
            br#"{"mode":"enforce","rules":[{"id":"a","effect":"allow","host":"example.com"}]}"#,
        )
        .unwrap();
        let setup = Setup {
            resource: Some(Resource {
                kind: "sandbox".to_owned(),
                id: "sb_1".to_owned(),
            }),
            ..Setup::new(policy)
        };
        let json: Value = serde_json::from_slice(PluginJson::of(&setup).bytes()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "resource": {"type": "sandbox", "id": "sb_1"},
                "policy": {"mode": "enforce", "rules": [{"id": "a", "effect": "allow", "host": "example.com"}]},
                "default_port": 80,
            })
        );
    }

    #[test]
    fn only_what_the_listener_is_differs() {
        let plugin = PluginJson::raw(br#"{"policy":{"rules":[]},"default_port":80}"#);
        for (listener, expected) in [
            (Listener::Passthrough(8443), json!({"default_port": 8443})),
            (
                Listener::Original,
                json!({"default_port": 80, "destination": "original"}),
            ),
            (Listener::Terminating, json!({"default_port": 80, "tls": "terminated"})),
        ] {
            let mut expected = expected;
            expected["policy"] = json!({"rules": []});
            let found: Value = serde_json::from_slice(plugin.at(listener).bytes()).unwrap();
            assert_eq!(found, expected, "{listener:?}");
        }
        assert_eq!(PluginJson::raw(b"[").at(Listener::Original).bytes(), b"[");
    }
}
