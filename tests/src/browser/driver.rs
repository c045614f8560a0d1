//! chromedriver, and all that it starts, in a folder of their own: both are gone when this is.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::session;
use crate::port::Port;
use crate::wait;

/// `setsid` gives the driver a process group of its own, which the browser and its helpers join.
/// Our end of the pipe closes when we drop it, panic, are killed, whatever: then the group is.
const HOLD: &str = r#"
folder=$1
shift
setsid "$@" </dev/null &
driver=$!
read -r _
kill -s KILL -- "-$driver" || kill -s KILL "$driver"
wait "$driver"
rm -rf "$folder"
"#;
/// Of the log, what is shown of a failure.
const LINES: usize = 40;

/// A running driver.
#[derive(Debug)]
pub(super) struct Driver {
    shell: Child,
    port: Port,
    folder: TempDir,
}

impl Driver {
    /// Starts one, and waits until it is ready.
    pub(super) fn start(chromedriver: &Path, timezone: &str) -> Self {
        let folder = TempDir::with_prefix("sluice-browser-").expect("there is a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a new folder is writable");
        let port = Port::reserve();
        let mut command = Command::new("sh");
        command
            .args(["-c", HOLD, "sh"])
            .arg(folder.path())
            .arg(chromedriver)
            .arg(format!("--port={}", port.address().port()))
            .arg("--enable-chrome-logs")
            // Without the user's settings, and writing nothing outside of the folder.
            .env_clear()
            .envs(
                ["PATH", "LD_LIBRARY_PATH"]
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(["HOME", "TMPDIR", "XDG_RUNTIME_DIR"].map(|name| (name, folder.path())))
            .env("TZ", timezone)
            .env("LANG", "C.UTF-8")
            // Ctrl-C ends this process, and so the pipe; the shell must live to see that.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("an open file can be shared"))
            .stderr(log);
        let shell = command.spawn().expect("there is a shell");
        let driver = Self { shell, port, folder };
        let ready = wait::within(wait::PATIENCE, || session::is_ready(driver.address()).then_some(()));
        assert!(ready.is_some(), "chromedriver does not become ready:\n{}", driver.log());
        driver
    }

    /// Where it speaks WebDriver.
    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Whatever is in here is gone afterwards.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The end of what driver and browser said so far.
    pub(super) fn log(&self) -> String {
        let bytes = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // If the shell is gone, so are the others.
        let _ = self.shell.wait();
    }
}
