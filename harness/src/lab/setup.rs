//! What a VM of the lab is started with.

use super::traffic::{Property, path};

/// One plugin of a VM: what a root context serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The root id, as in `sluice.http`.
    pub root_id: String,
    /// The name of the plugin.
    pub name: String,
    /// Its configuration, byte for byte.
    pub json: String,
}

impl Plugin {
    /// A plugin named as its root id.
    #[must_use]
    pub fn new(root_id: &str, json: impl Into<String>) -> Self {
        Self {
            root_id: root_id.to_owned(),
            name: root_id.to_owned(),
            json: json.into(),
        }
    }

    /// `sluice.http`.
    #[must_use]
    pub fn http(json: impl Into<String>) -> Self {
        Self::new("sluice.http", json)
    }

    /// `sluice.tcp`.
    #[must_use]
    pub fn tcp(json: impl Into<String>) -> Self {
        Self::new("sluice.tcp", json)
    }
}

/// A VM: where it belongs, what it can read of its environment, and its first plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmSetup {
    /// The VM id: VMs of one id share data and queues.
    pub vm_id: String,
    /// The environment variables.
    pub environment: Vec<(String, String)>,
    /// The first plugin; [`Lab::add_root`](super::Lab::add_root) adds others.
    pub plugin: Plugin,
    pub(super) properties: Vec<Property>,
}

impl VmSetup {
    /// A VM without an environment, under the VM id `sluice`.
    #[must_use]
    pub fn new(plugin: Plugin) -> Self {
        Self {
            vm_id: "sluice".to_owned(),
            environment: Vec::new(),
            plugin,
            properties: Vec::new(),
        }
    }

    /// The same under another VM id.
    #[must_use]
    pub fn with_vm_id(mut self, vm_id: &str) -> Self {
        vm_id.clone_into(&mut self.vm_id);
        self
    }

    /// One environment variable more.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A property of the proxy itself by its path, as in
    /// `xds|node|metadata|labels`: root contexts and streams read it.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.properties.push((path(name), value.as_ref().to_vec()));
        self
    }
}
