//! Listeners in a file that Envoy watches (LDS): another way for a policy to reach a running Envoy.

use serde_json::{Value, json};

use super::Envoy;
use super::setup::names;
use crate::wait;

/// The watched file.
pub(super) const FILE: &str = "listeners.yaml";

/// Takes the listeners out of a bootstrap and has it watch the file instead. What it returns
/// is the file.
pub(super) fn watch(bootstrap: &mut Value) -> Value {
    let mut listeners = bootstrap["static_resources"]["listeners"].take();
    for listener in listeners.as_array_mut().into_iter().flatten() {
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    bootstrap["static_resources"]["listeners"] = json!([]);
    bootstrap["dynamic_resources"]["lds_config"] = json!({
        "path_config_source": {"path": format!("./{FILE}")},
        "resource_api_version": "V3",
    });
    json!({"resources": listeners})
}

impl Envoy {
    /// Moves listeners into place that differ in the plugin configuration and in what `edit`
    /// does to the HTTP connection manager, and waits until Envoy accepts them. Workers may get
    /// to know a little later.
    pub fn update_listener(&mut self, configuration: &str, edit: impl FnOnce(&mut Value)) {
        self.listeners = Some(self.updated(configuration, edit));
        self.put_listeners(self.listeners.as_ref(), "update_success");
    }

    /// As [`Envoy::update_listener`], for an update that Envoy is expected to refuse.
    pub fn update_listener_refused(&mut self, configuration: &str, edit: impl FnOnce(&mut Value)) {
        let refused = self.updated(configuration, edit);
        self.put_listeners(Some(&refused), "update_rejected");
    }

    fn updated(&self, configuration: &str, edit: impl FnOnce(&mut Value)) -> Value {
        let mut listeners = self.listeners.clone().expect("the setup watches listeners");
        let manager = "/resources/0/filter_chains/0/filters/0/typed_config";
        let manager = listeners.pointer_mut(manager).expect("the listener has one filter");
        let text = manager.pointer_mut("/http_filters/0/typed_config/config/configuration/value");
        *text.expect("the first HTTP filter is ours") = json!(names::may_lead_here(configuration));
        edit(manager);
        listeners
    }

    fn put_listeners(&self, listeners: Option<&Value>, outcome: &str) {
        let outcome = format!("listener_manager.lds.{outcome}");
        let before = self.stat(&outcome);
        self.put(FILE, listeners.expect("the setup watches listeners"));
        wait::until(&format!("{outcome} to rise"), || {
            (self.stat(&outcome) > before).then_some(())
        });
    }
}
