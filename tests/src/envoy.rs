//! One real Envoy process: started from a shipped configuration, asked through its admin socket, gone when dropped.

mod access_log;
mod binary;
mod certificates;
mod collector;
mod listeners;
mod setup;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

pub use access_log::Entry;
pub use certificates::LocalAuthority;
pub use setup::{Refused, Setup, shipped_files};

use crate::wait;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    /// Its working directory: configuration, filter, admin socket, logs.
    folder: Option<TempDir>,
    /// The resource that file-based ECDS watches, as it is now.
    filter: Value,
    /// The resources in the other files of the topology, by file.
    further: Vec<(String, Value)>,
    /// The listeners that file-based LDS watches, as they are now.
    listeners: Option<Value>,
}

impl Envoy {
    /// Where the listener of this name accepts connections.
    #[must_use]
    pub fn listener(&self, name: &str) -> SocketAddr {
        let listeners = self.admin("GET", "/listeners?format=json");
        let listeners: Value = serde_json::from_str(&listeners).expect("admin writes JSON");
        let statuses = listeners["listener_statuses"].as_array().into_iter().flatten();
        let found = statuses.filter(|status| status["name"] == name).find_map(|status| {
            let socket = &status["local_address"]["socket_address"];
            let port = socket["port_value"].as_u64()?;
            format!("{}:{port}", socket["address"].as_str()?).parse().ok()
        });
        found.unwrap_or_else(|| panic!("no listener {name:?} in {listeners}"))
    }

    /// The id of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The body of an admin call.
    #[must_use]
    pub fn admin(&self, method: &str, path: &str) -> String {
        admin(self.folder(), method, path).unwrap_or_else(|error| panic!("admin {method} {path}: {error}"))
    }

    /// The value of one counter or gauge; 0 if Envoy does not have it.
    #[must_use]
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.admin("GET", "/stats");
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok();
        stats.lines().find_map(value).unwrap_or(0)
    }

    /// Moves a new plugin configuration into place, as an operator would, and waits until
    /// Envoy says that it is in force.
    pub fn switch(&mut self, configuration: &Value) {
        self.offered(&configuration.to_string(), "update_success");
    }

    /// Moves a plugin configuration into place that Envoy is expected to refuse, and waits
    /// until it has.
    pub fn switch_refused(&mut self, configuration: &str) {
        self.offered(configuration, "update_rejected");
    }

    /// Puts a configuration into every file that holds a filter, one after the other.
    fn offered(&mut self, configuration: &str, outcome: &str) {
        let mut files = std::mem::take(&mut self.further);
        files.push((setup::FILTER.to_owned(), self.filter.take()));
        for (name, filter) in &mut files {
            if setup::has_none_of_its_own(filter) {
                continue;
            }
            setup::configure(filter, configuration);
            let counted = format!("{}.{outcome}", discovery(filter));
            let before = self.stat(&counted);
            self.put(name, filter);
            wait::until(&format!("{counted} to rise"), || {
                (self.stat(&counted) > before).then_some(())
            });
        }
        if let Some((_, filter)) = files.pop() {
            self.filter = filter;
        }
        self.further = files;
    }

    /// Moves the filter into VMs with another `vm_id`, as a change of `vm_config` does, and
    /// waits until Envoy says that they are in force.
    pub fn replace_vm(&mut self, vm_id: &str) {
        let mut files = std::mem::take(&mut self.further);
        files.push((setup::FILTER.to_owned(), self.filter.take()));
        for (name, filter) in &mut files {
            let vm = filter.pointer_mut("/resources/0/typed_config/config/vm_config/vm_id");
            *vm.expect("the file names the VM") = Value::from(vm_id);
            let applied = format!("{}.update_success", discovery(filter));
            let before = self.stat(&applied);
            self.put(name, filter);
            wait::until("Envoy to apply the new VM", || {
                (self.stat(&applied) > before).then_some(())
            });
        }
        if let Some((_, filter)) = files.pop() {
            self.filter = filter;
        }
        self.further = files;
    }

    /// Moves a new file over one that Envoy watches.
    fn put(&self, name: &str, content: &Value) {
        let next = self.folder().join("next");
        fs::write(&next, content.to_string()).expect("the test's folder is writable");
        // A move within the folder is atomic, and moves are what Envoy watches for.
        fs::rename(&next, self.folder().join(name)).expect("both are in one folder");
    }

    /// The first access log line that fits, waited for.
    pub fn logged(&self, what: &str, mut fits: impl FnMut(&Entry) -> bool) -> Entry {
        wait::until(&format!("an access log line: {what}"), || {
            self.access_log().into_iter().find(&mut fits)
        })
    }

    /// The access log as written so far.
    #[must_use]
    pub fn access_log(&self) -> Vec<Entry> {
        access_log::read(&self.folder().join("access.log"))
    }

    /// The access log as it stands, once it has as many lines as there were requests.
    #[must_use]
    pub fn recording(&self, lines: usize) -> String {
        wait::until(&format!("{lines} lines in the access log"), || {
            let text = fs::read_to_string(self.folder().join("access.log")).ok()?;
            (text.lines().count() >= lines && text.ends_with('\n')).then_some(text)
        })
    }

    /// Envoy's own log as written so far.
    #[must_use]
    pub fn log(&self) -> String {
        read_log(self.folder())
    }

    /// What the process keeps in memory, in kB (`VmRSS`).
    #[must_use]
    pub fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let value = line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok());
        value.unwrap_or_else(|| panic!("no VmRSS in {status}"))
    }

    /// Asks it to end, as `kill` does, and waits until it has.
    pub fn terminate(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill is here").success());
        wait::until("Envoy to end", || {
            self.child.try_wait().expect("a child can be waited for").map(drop)
        });
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().expect("taken only by drop").path()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            let folder: PathBuf = folder.keep();
            let log = read_log(&folder);
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("Envoy's files are kept in {}; its log ends:", folder.display());
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

/// The prefix of the statistics of a filter's configuration source.
fn discovery(filter: &Value) -> String {
    let resource = &filter["resources"][0];
    let kind = resource["typed_config"]["@type"].as_str().unwrap_or_default();
    let place = if kind.contains("filters.network.") {
        "network_filter"
    } else if setup::has_none_of_its_own(filter) {
        "upstream_http_filter"
    } else {
        "http_filter"
    };
    let name = resource["name"].as_str().unwrap_or_default();
    format!("extension_config_discovery.{place}.{name}")
}

fn read_log(folder: &Path) -> String {
    fs::read(folder.join("envoy.log"))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// One call over the admin socket. curl is here anyway, and understands Envoy's chunks.
fn admin(folder: &Path, method: &str, path: &str) -> Result<String, String> {
    let output = Command::new("curl")
        // The socket's name is relative, because absolute ones may be too long for a socket.
        .current_dir(folder)
        .args(["--disable", "--silent", "--show-error", "--fail", "--max-time", "10"])
        .args(["--unix-socket", "admin.sock", "--request", method])
        .arg(format!("http://admin{path}"))
        .output()
        .map_err(|error| format!("cannot run curl: {error}"))?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}
