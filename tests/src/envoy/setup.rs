//! From a shipped configuration to a running Envoy, changing only what a test must: ports, resolver, policy.

mod launch;
mod loopback;
pub(super) mod names;
mod neighbours;
mod shipped;

use std::net::SocketAddr;

use serde_json::{Value, json};

pub use launch::Refused;
pub use shipped::shipped_files;
pub(super) use shipped::{FILTER, envoy_folder};

use super::{collector, listeners};
use crate::dns::Dns;

/// An Envoy about to be started.
#[derive(Debug, Clone)]
pub struct Setup {
    bootstrap: Value,
    filter: Value,
    /// The other files of the topology that hold a filter, by name.
    further: Vec<(String, Value)>,
    /// What else lies beside them.
    beside: Vec<(String, Vec<u8>)>,
    listeners: Option<Value>,
    concurrency: u32,
    module: &'static [u8],
}

impl Setup {
    /// A folder of `envoy/`, on free ports and with the tests' names only.
    #[must_use]
    pub fn shipped(topology: &str, dns: &Dns) -> Self {
        let folder = envoy_folder().join(topology);
        let mut bootstrap = shipped::read(&folder.join("envoy.yaml"));
        for listener in items(&mut bootstrap, "/static_resources/listeners") {
            // One that is not bound takes no port: it is found by its address. One within Envoy has none.
            if listener["bind_to_port"] != false
                && let Some(address) = listener.get_mut("address")
            {
                address["socket_address"]["port_value"] = json!(0);
            }
        }
        let mut resolvers = 0;
        each_object(&mut bootstrap, &mut |object| {
            if let Some(resolver) = object.get_mut("typed_dns_resolver_config") {
                resolver["typed_config"]["resolvers"] = json!([socket_address(dns.address())]);
                resolvers += 1;
            }
        });
        let kept = loopback::keep_on_loopback(&mut bootstrap);
        assert_ne!(resolvers + kept, 0, "{topology} must not leave this machine");
        Self {
            bootstrap,
            filter: shipped::read(&folder.join(FILTER)),
            further: shipped::further(&folder),
            beside: Vec::new(),
            listeners: None,
            concurrency: 2,
            module: sluice_harness::FILTER_WASM,
        }
    }

    /// The plugin configuration.
    #[must_use]
    pub fn configuration(self, configuration: &Value) -> Self {
        self.configuration_text(&configuration.to_string())
    }

    /// The plugin configuration as any text; every filter of the topology has it.
    #[must_use]
    pub fn configuration_text(mut self, configuration: &str) -> Self {
        configure(&mut self.filter, configuration);
        for (_, filter) in &mut self.further {
            configure(filter, configuration);
        }
        self
    }

    /// The policy, in what is shipped beside it in each filter of the topology.
    #[must_use]
    pub fn policy(mut self, policy: &Value) -> Self {
        let further = self.further.iter_mut().map(|(_, filter)| filter);
        for filter in further.chain([&mut self.filter]) {
            let text = filter.pointer(CONFIGURATION).and_then(Value::as_str);
            let mut plugin: Value = serde_json::from_str(text.unwrap_or_default()).expect("the plugin reads JSON");
            plugin["policy"] = policy.clone();
            configure(filter, &plugin.to_string());
        }
        self
    }

    /// The plugin configuration as a `Struct` instead of text.
    #[must_use]
    pub fn configuration_struct(mut self, configuration: &Value) -> Self {
        let config = self.filter.pointer_mut("/resources/0/typed_config/config");
        let text = names::may_lead_here(&configuration.to_string());
        let value: Value = serde_json::from_str(&text).expect("it was JSON before");
        config.expect("filter.yaml holds a Wasm filter")["configuration"] = json!({
            "@type": "type.googleapis.com/google.protobuf.Struct",
            "value": value,
        });
        self
    }

    /// The number of worker threads.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// The filter that traps at a request for a host below `trap.`.
    #[must_use]
    pub fn trapping(mut self) -> Self {
        self.module = include_bytes!(concat!(env!("OUT_DIR"), "/trapping_filter.wasm"));
        self
    }

    /// A cluster named `sluice` for the collector at this port of 127.0.0.1: HTTP/2, and found dead within seconds.
    #[must_use]
    pub fn collector(self, port: u16) -> Self {
        self.edit(|bootstrap| {
            let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
            let clusters = clusters.expect("there are clusters");
            // What is shipped waits longer than a test has time.
            clusters.retain(|cluster| cluster["name"] != "sluice");
            clusters.push(collector::cluster(port));
        })
    }

    /// An environment variable that the filter can read. Comes before [`Setup::inline`] and what builds on it.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        let further = self.further.iter_mut().map(|(_, filter)| filter);
        // In all places, because plugins share a VM only if its configuration is the same.
        for document in further.chain([&mut self.filter, &mut self.bootstrap]) {
            each_object(document, &mut |object| {
                if let Some(vm) = object.get_mut("vm_config") {
                    vm["environment_variables"]["key_values"][name] = json!(value);
                }
            });
        }
        self
    }

    /// A further file in Envoy's working directory.
    #[must_use]
    pub fn file(mut self, name: &str, content: Vec<u8>) -> Self {
        self.beside.push((name.to_owned(), content));
        self
    }

    /// Any other change of the bootstrap.
    #[must_use]
    pub fn edit(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        edit(&mut self.bootstrap);
        self
    }

    /// Puts the filter into the bootstrap itself instead of into a file that is watched.
    #[must_use]
    pub fn inline(self) -> Self {
        let mut files = self.further.clone();
        files.push((FILTER.to_owned(), self.filter.clone()));
        self.edit(|bootstrap| {
            each_object(bootstrap, &mut |object| {
                let Some(discovery) = object.remove("config_discovery") else {
                    return;
                };
                let path = &discovery["config_source"]["path_config_source"]["path"];
                let file = files.iter().find(|(name, _)| *path == format!("./{name}"));
                let (_, file) = file.unwrap_or_else(|| panic!("no file {path}"));
                object.insert("typed_config".into(), file["resources"][0]["typed_config"].clone());
            });
        })
    }

    /// Moves the listeners, with the filter in them, into a file that is watched (LDS).
    #[must_use]
    pub fn watching_listeners(self) -> Self {
        let mut setup = self.inline();
        setup.listeners = Some(listeners::watch(&mut setup.bootstrap));
        setup
    }
}

/// The text of a plugin configuration in an ECDS resource.
const CONFIGURATION: &str = "/resources/0/typed_config/config/configuration/value";

/// Whether a file holds what decides on addresses, by the configurations of others.
pub(super) fn has_none_of_its_own(filter: &Value) -> bool {
    filter["resources"][0]["typed_config"]["config"]["root_id"] == "sluice.address"
}

/// Sets the plugin configuration of an ECDS resource, if it is one that has any.
pub(super) fn configure(filter: &mut Value, configuration: &str) {
    if has_none_of_its_own(filter) {
        return;
    }
    let value = filter.pointer_mut(CONFIGURATION);
    let configuration = names::may_lead_here(configuration);
    *value.expect("filter.yaml carries the configuration as a StringValue") = json!(configuration);
}

/// Calls `visit` on every object in a document.
pub(super) fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|inner| each_object(inner, visit));
        }
        Value::Array(array) => array.iter_mut().for_each(|inner| each_object(inner, visit)),
        _ => {}
    }
}

fn items<'a>(value: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    value
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn socket_address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
