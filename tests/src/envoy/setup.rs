//! From a shipped configuration to a running Envoy, changing only what a test must: ports, resolver, policy.

pub(super) mod names;
mod neighbours;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Envoy, admin, binary, collector, listeners, read_log};
use crate::dns::Dns;
use crate::wait;

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

/// An Envoy that did not come up.
#[derive(Debug)]
pub struct Refused {
    /// How it ended.
    pub status: ExitStatus,
    /// What it logged.
    pub log: String,
}

/// `envoy/` of this checkout.
pub(super) fn envoy_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy")
}

/// Every Envoy configuration file under `envoy/`, by its path there.
#[must_use]
pub fn shipped_files() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for folder in list(&envoy_folder()).into_iter().filter(|path| path.is_dir()) {
        for file in list(&folder) {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let name = file.strip_prefix(envoy_folder()).unwrap_or(&file);
                found.push((name.display().to_string(), read(&file)));
            }
        }
    }
    found
}

/// The file that every topology has.
pub(super) const FILTER: &str = "filter.yaml";

/// The files of a topology beside its bootstrap and [`FILTER`].
fn further(folder: &Path) -> Vec<(String, Value)> {
    let files = list(folder).into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.to_owned();
        let is_filter = name.starts_with("filter-") && name.ends_with(".yaml");
        is_filter.then(|| (name, read(&file)))
    });
    files.collect()
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the checkout is complete");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

impl Setup {
    /// A folder of `envoy/`, on free ports and with the tests' names only.
    #[must_use]
    pub fn shipped(topology: &str, dns: &Dns) -> Self {
        let folder = envoy_folder().join(topology);
        let mut bootstrap = read(&folder.join("envoy.yaml"));
        for listener in items(&mut bootstrap, "/static_resources/listeners") {
            // One within Envoy has no address.
            if let Some(address) = listener.get_mut("address") {
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
        let kept = keep_on_loopback(&mut bootstrap);
        assert_ne!(resolvers + kept, 0, "{topology} must not leave this machine");
        Self {
            bootstrap,
            filter: read(&folder.join("filter.yaml")),
            further: further(&folder),
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

    /// The port on this machine at which names from TLS, and addresses that clients chose, are dialled.
    #[must_use]
    pub fn dialling(self, port: u16) -> Self {
        self.edit(|bootstrap| {
            names::dial_at(bootstrap, port);
            each_object(bootstrap, &mut |object| {
                if object.get("cluster_name") == Some(&json!(DIALLED)) {
                    *object = assignment(port);
                }
            });
        })
    }

    /// Connections say where they were going in the PROXY protocol, which stands in for a redirect of the kernel.
    ///
    /// # Panics
    /// If the topology does not ask the kernel.
    #[must_use]
    pub fn redirected_by_proxy_protocol(self) -> Self {
        self.edit(|bootstrap| {
            let asked = bootstrap.pointer_mut("/static_resources/listeners/0/listener_filters/0");
            let asked = asked.expect("the listener has filters");
            assert_eq!(asked["name"], "envoy.filters.listener.original_dst");
            *asked = json!({
                "name": "envoy.filters.listener.proxy_protocol",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
                },
            });
        })
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

    /// Runs `envoy --mode validate`.
    ///
    /// # Errors
    /// With Envoy's log, if it found a mistake.
    pub fn validate(&self) -> Result<(), Refused> {
        let folder = self.folder();
        let status = self.spawn(folder.path(), &["--mode", "validate"]).wait();
        let status = status.expect("a child can be waited for");
        match status.success() {
            true => Ok(()),
            false => Err(Refused {
                status,
                log: read_log(folder.path()),
            }),
        }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(self) -> Envoy {
        self.try_start()
            .unwrap_or_else(|refused| panic!("Envoy {}:\n{}", refused.status, refused.log))
    }

    /// Starts it and waits until it is ready or has given up.
    ///
    /// # Errors
    /// With Envoy's log, if it ended.
    pub fn try_start(self) -> Result<Envoy, Refused> {
        let folder = self.folder();
        let child = self.spawn(folder.path(), &[]);
        let mut envoy = Envoy {
            child,
            folder: Some(folder),
            filter: self.filter,
            further: self.further,
            listeners: self.listeners,
        };
        wait::until("Envoy to be ready", || {
            if let Some(status) = envoy.child.try_wait().expect("a child can be waited for") {
                return Some(Err(Refused {
                    status,
                    log: envoy.log(),
                }));
            }
            let state = admin(envoy.folder(), "GET", "/ready").ok()?;
            state.starts_with("LIVE").then_some(Ok(()))
        })?;
        Ok(envoy)
    }

    fn folder(&self) -> TempDir {
        let folder = tempfile::Builder::new().prefix("sluice-").tempdir();
        let folder = folder.expect("the system has a writable temporary folder");
        let write = |name: &str, content: &[u8]| {
            fs::write(folder.path().join(name), content).expect("a new folder is writable");
        };
        // JSON is YAML.
        write("envoy.yaml", self.bootstrap.to_string().as_bytes());
        write(FILTER, self.filter.to_string().as_bytes());
        for (name, filter) in &self.further {
            write(name, filter.to_string().as_bytes());
        }
        for (name, content) in &self.beside {
            write(name, content);
        }
        if let Some(listeners) = &self.listeners {
            write(listeners::FILE, listeners.to_string().as_bytes());
        }
        write("sluice_filter.wasm", self.module);
        write(
            "foreign.wasm",
            include_bytes!(concat!(env!("OUT_DIR"), "/foreign.wasm")),
        );
        folder
    }

    fn spawn(&self, folder: &Path, arguments: &[&str]) -> Child {
        let output = |name: &str| File::create(folder.join(name)).expect("the folder is writable");
        Command::new(binary::path())
            .current_dir(folder)
            .args(["--config-path", "envoy.yaml", "--disable-hot-restart"])
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--file-flush-interval-msec", "20"])
            .args(arguments)
            .stdout(output("stdout.log"))
            .stderr(output("envoy.log"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", binary::path().display()))
    }
}

/// The cluster of what goes where its client chose.
const DIALLED: &str = "where_it_was_dialled";

/// What would go to addresses that clients choose goes to a port of this
/// machine, by default one at which nobody listens; how often there was one.
fn keep_on_loopback(bootstrap: &mut Value) -> usize {
    const DISCARD: u16 = 9;
    let mut kept = 0;
    for cluster in items(bootstrap, "/static_resources/clusters") {
        if cluster["type"] == "ORIGINAL_DST" {
            assert_eq!(cluster["name"], DIALLED);
            *cluster = json!({"name": DIALLED, "load_assignment": assignment(DISCARD)});
            kept += 1;
        }
    }
    kept
}

fn assignment(port: u16) -> serde_json::Map<String, Value> {
    let endpoint = json!({"address": socket_address((Ipv4Addr::LOCALHOST, port).into())});
    let mut assignment = serde_json::Map::new();
    assignment.insert("cluster_name".into(), json!(DIALLED));
    assignment.insert("endpoints".into(), json!([{"lb_endpoints": [{"endpoint": endpoint}]}]));
    assignment
}

/// Sets the plugin configuration of an ECDS resource.
pub(super) fn configure(filter: &mut Value, configuration: &str) {
    let value = filter.pointer_mut("/resources/0/typed_config/config/configuration/value");
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
