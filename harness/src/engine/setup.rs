//! What an engine is given: a policy, whose it is, and the port that targets
//! without one are dialled at.

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_policy::PolicyDocument;

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
}

impl Setup {
    /// A policy for no particular resource, at a forward proxy.
    #[must_use]
    pub fn new(policy: PolicyDocument) -> Self {
        Self {
            resource: None,
            policy,
            default_port: 80,
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
        }
        let plugin = Plugin {
            resource: setup.resource.as_ref(),
            policy: &setup.policy,
            default_port: setup.default_port,
        };
        Self(serde_json::to_vec(&plugin).expect("strings, numbers and lists always serialise"))
    }

    pub(super) fn raw(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same configuration for a listener that dials `port`. What is no
    /// JSON object stays as it is: refusing it is for the filter.
    pub(super) fn dialling(&self, port: u16) -> Self {
        let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(&self.0) else {
            return self.clone();
        };
        fields.insert("default_port".to_owned(), Value::from(port));
        Self(serde_json::to_vec(&fields).expect("JSON that was read can be written"))
    }
}

#[cfg(test)]
mod tests {
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
    fn only_the_port_differs_between_listeners() {
        let json = PluginJson::raw(br#"{"policy":{"rules":[]},"default_port":80}"#).dialling(8443);
        let json: Value = serde_json::from_slice(json.bytes()).unwrap();
        assert_eq!(json, serde_json::json!({"policy": {"rules": []}, "default_port": 8443}));
        assert_eq!(PluginJson::raw(b"[").dialling(1).bytes(), b"[");
    }
}
