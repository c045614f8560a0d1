//! What the acts are played on: a small internet, a collector, sandboxes, and a terminal for each person.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::server::{self, Server};
use super::shell::Shell;
use super::{Failed, interrupt};
use crate::built;
use crate::playbook::{Api, Sandbox};
use crate::wait;
use crate::world::World;

/// Everything there is. Dropped in this order: proxies first, so that their last events arrive.
#[derive(Debug)]
pub(super) struct Stage {
    sandboxes: Vec<Inside>,
    api: Api,
    /// The operator's terminal.
    pub(super) operator: Shell,
    filter_token: String,
    server: Server,
    world: World,
    folder: TempDir,
    acts: usize,
}

/// A sandbox and a terminal in it.
#[derive(Debug)]
struct Inside {
    sandbox: Sandbox,
    shell: Shell,
}

impl Stage {
    /// Starts the collector and the first sandbox.
    pub(super) fn set() -> Result<Self, Failed> {
        let sluice = built::sluice().map_err(Failed::new)?;
        let folder = TempDir::with_prefix("sluice-demo-").map_err(|error| Failed::new(error.to_string()))?;
        println!("Sluice, from the first look to a fleet that is locked down. Everything here is real, and on this");
        println!("machine: the collector, Envoy, curl, and servers that answer for the names that are asked for.");
        heading(
            0,
            "Start a collector, with a token for an operator and one for the proxies",
        );
        println!("$ sluice {}", server::ARGUMENTS);
        let server = Server::start(&sluice, folder.path())?;
        print!("{}", server.said);
        let address: Result<SocketAddr, _> = server.url.trim_start_matches("http://").parse();
        let address = address.map_err(|error| Failed::new(format!("{}: {error}", server.url)))?;
        let operator = Shell::new("", folder.path().to_owned(), operators(&sluice, &server));
        operator.show_exports();
        let line = "sluice token create proxies --role filter --scope 'sandbox/*' --format json";
        let made = operator.run(line)?.done(&["\"filter\""])?;
        let made: Value = serde_json::from_str(&made).map_err(|error| Failed::new(format!("{line}: {error}")))?;
        let filter_token = made["data"]["token"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            sandboxes: Vec::new(),
            api: Api::new(address, &server.token),
            operator,
            filter_token,
            server,
            world: World::start(),
            folder,
            acts: 0,
        })
    }

    /// Begins an act.
    pub(super) fn act(&mut self, title: &str) {
        self.acts += 1;
        heading(self.acts, title);
    }

    /// Starts a sandbox behind a proxy of its own.
    pub(super) fn sandbox(&mut self, id: &str) -> Result<(), Failed> {
        interrupt::check()?;
        let sandbox = Sandbox::start(id, &self.world, self.server.grpc, &self.filter_token);
        let proxy = format!("http://{}", sandbox.envoy.listener("forward_proxy"));
        let environment = [("http_proxy", proxy.clone()), ("https_proxy", proxy)];
        let mut environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        environment.push(("CURL_CA_BUNDLE".to_owned(), self.world.ca().display().to_string()));
        let shell = Shell::new(id, self.folder.path().to_owned(), environment);
        self.sandboxes.push(Inside { sandbox, shell });
        Ok(())
    }

    /// The terminal in a sandbox.
    pub(super) fn inside(&self, id: &str) -> &Shell {
        &self.find(id).shell
    }

    /// Where the proxy of a sandbox listens.
    pub(super) fn proxy(&self, id: &str) -> SocketAddr {
        self.find(id).sandbox.envoy.listener("forward_proxy")
    }

    fn find(&self, id: &str) -> &Inside {
        let found = self.sandboxes.iter().find(|inside| inside.sandbox.id == id);
        found.unwrap_or_else(|| panic!("no sandbox {id} was started"))
    }

    /// A host at the port of the TLS servers.
    pub(super) fn tls(&self, host: &str) -> String {
        format!("{host}:{}", self.world.tls.port())
    }

    /// A host at the port of the plain servers.
    pub(super) fn plain(&self, host: &str) -> String {
        format!("{host}:{}", self.world.plain.port())
    }

    /// Gets a URL in a sandbox with curl, which shows the status, or 000 where there is no connection.
    pub(super) fn curl(&self, id: &str, url: &str, status: &str) -> Result<(), Failed> {
        let line = format!(r"curl -qsS -o /dev/null -w '%{{http_code}}\n' {url}");
        let ran = self.inside(id).run(&line)?;
        // curl's own code for a proxy that refuses.
        let code = if status == "000" { 56 } else { 0 };
        ran.gives(code, &[&format!("{status}\n")]).map(drop)
    }

    /// Asks the collector until it knows.
    pub(super) fn known<T>(
        &self,
        what: impl Display,
        path: &str,
        mut fits: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T, Failed> {
        self.happens(what, || fits(&self.api.get(path).ok()["data"]))
    }

    /// Waits for something, unless everything is to end.
    pub(super) fn happens<T>(&self, what: impl Display, mut fits: impl FnMut() -> Option<T>) -> Result<T, Failed> {
        let happened = wait::within(wait::PATIENCE, || match interrupt::check() {
            Err(failed) => Some(Err(failed)),
            Ok(()) => fits().map(Ok),
        });
        happened.unwrap_or_else(|| Err(Failed::new(format!("waited {:?} in vain for {what}", wait::PATIENCE))))
    }

    /// What a sandbox's own policy is now.
    pub(super) fn policy(&self, id: &str) -> Result<Value, Failed> {
        let path = format!("/egress/policies?resource_type=sandbox&resource_id={id}");
        self.known("a policy", &path, |rows| rows.get(0).cloned())
    }

    /// Waits until the proxy of a sandbox has the policy as it is now. `sluice lockdown --wait` does the same.
    pub(super) fn in_force(&self, id: &str) -> Result<(), Failed> {
        let wanted = self.policy(id)?["revision"].as_i64();
        let path = format!("/egress/proxies?resource_type=sandbox&resource_id={id}&state=live");
        self.known(format_args!("the policy of {id} at its proxy"), &path, |rows| {
            let rows = rows.as_array()?;
            let has = |row: &Value| row["live"]["revision"].as_i64() >= wanted;
            (!rows.is_empty() && rows.iter().all(has)).then_some(())
        })
    }

    /// A file of the operator.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Explains what comes next.
pub(super) fn says(text: &str) {
    println!("\n# {text}");
}

fn heading(number: usize, title: &str) {
    println!("\n==== {number}. {title} ====");
}

fn operators(sluice: &Path, server: &Server) -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = sluice.parent().map(PathBuf::from).into_iter().collect();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let path = std::env::join_paths(folders).unwrap_or_default();
    vec![
        ("PATH".to_owned(), path.to_string_lossy().into_owned()),
        ("SLUICE_URL".to_owned(), server.url.clone()),
        ("SLUICE_TOKEN".to_owned(), server.token.clone()),
    ]
}
