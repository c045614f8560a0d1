//! The collector: the real `sluice serve`, on free ports and a new SQLite file.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Failed;
use crate::wait;

/// The process, and what it said when it started.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// What it printed by then.
    pub(super) said: String,
    /// Its API.
    pub(super) url: String,
    /// An admin's token.
    pub(super) token: String,
    /// Where filters connect to.
    pub(super) grpc: u16,
}

/// The arguments it is started with.
pub(super) const ARGUMENTS: &str = "serve --http 127.0.0.1:0 --grpc 127.0.0.1:0 --database sqlite:sluice.db";

impl Server {
    /// Starts it in a folder, and waits until it serves.
    pub(super) fn start(sluice: &Path, folder: &Path) -> Result<Self, Failed> {
        let log = folder.join("collector.log");
        let failed = |error| Failed::new(format!("cannot start {}: {error}", sluice.display()));
        let child = Command::new(sluice)
            .args(ARGUMENTS.split(' '))
            .current_dir(folder)
            .env_clear()
            // As the proxies of the demonstration: all of its names lead to this machine.
            .env("SLUICE_RESOLVES_TO", "127.0.0.0/8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let mut server = Self {
            child,
            said: String::new(),
            url: String::new(),
            token: String::new(),
            grpc: 0,
        };
        let said = wait::within(wait::PATIENCE, || {
            let ended = !matches!(server.child.try_wait(), Ok(None));
            let text = fs::read_to_string(&log).unwrap_or_default();
            // The token is the last thing it says.
            let complete = text.contains("SLUICE_TOKEN=") && text.ends_with('\n');
            (ended || complete).then_some(text)
        });
        server.said = said.unwrap_or_default();
        let port = server.after("grpc=127.0.0.1:").parse();
        (server.url, server.token) = (server.after("SLUICE_URL="), server.after("SLUICE_TOKEN="));
        match port {
            Ok(port) if !server.url.is_empty() && !server.token.is_empty() => {
                server.grpc = port;
                Ok(server)
            }
            _ => Err(Failed::new(format!(
                "the collector does not start; it says:\n{}",
                server.said
            ))),
        }
    }

    /// What it said after a mark, up to the next space.
    fn after(&self, mark: &str) -> String {
        let rest = self.said.split_once(mark).map_or("", |(_, rest)| rest);
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // As a service manager does; it stores what it took in.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let ended = asked.is_ok_and(|status| status.success())
            && wait::within(wait::PATIENCE, || self.child.try_wait().ok().flatten()).is_some();
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
