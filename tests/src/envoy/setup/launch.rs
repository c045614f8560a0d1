//! A folder with everything in it, and an Envoy that runs there.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use tempfile::TempDir;

use super::{FILTER, Setup};
use crate::envoy::{Envoy, admin, binary, listeners, read_log};
use crate::wait;

/// An Envoy that did not come up.
#[derive(Debug)]
pub struct Refused {
    /// How it ended.
    pub status: ExitStatus,
    /// What it logged.
    pub log: String,
}

impl Setup {
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
