//! rotel, an OpenTelemetry collector that nobody here wrote: what it forwards is OTLP as others understand it.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::thread;

use tempfile::TempDir;

use crate::port::Port;
use crate::wait;

/// What `find-rotel` found, once per test process.
static ROTEL: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("find-rotel");
    let output = Command::new(&script)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
});

/// A running rotel that takes OTLP logs over gRPC and forwards them. It is killed when dropped.
#[derive(Debug)]
pub struct Rotel {
    child: Child,
    /// The port for gRPC, and one for HTTP, which it insists on.
    ports: [Port; 2],
    folder: TempDir,
}

impl Rotel {
    /// Starts one that forwards to an OTLP collector on loopback, and waits until it listens.
    ///
    /// It acknowledges before it forwards, and sends again for a minute while nobody takes it.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(forward_to_port: u16) -> Self {
        let binary = ROTEL
            .as_ref()
            .unwrap_or_else(|problem| panic!("these tests need rotel: {problem}"));
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let log = File::create(folder.path().join("rotel.log")).expect("a new folder is writable");
        let ports = [Port::reserve(), Port::reserve()];
        let [grpc, http] = [0, 1].map(|index: usize| ports[index].address().to_string());
        let child = Command::new(binary)
            .current_dir(folder.path())
            // Without the user's settings: each of its options is also a variable.
            .env_clear()
            .envs(std::env::var_os("LD_LIBRARY_PATH").map(|path| ("LD_LIBRARY_PATH", path)))
            .arg("start")
            .args(["--otlp-grpc-endpoint", &grpc, "--otlp-http-endpoint", &http])
            .args(["--otlp-grpc-max-recv-msg-size-mib", "64"])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "grpc"])
            .args([
                "--otlp-exporter-endpoint",
                &format!("http://127.0.0.1:{forward_to_port}"),
            ])
            .args(["--otlp-exporter-retry-initial-backoff", "100ms"])
            .args(["--otlp-exporter-retry-max-backoff", "500ms"])
            .args(["--otlp-exporter-retry-max-elapsed-time", "60s"])
            .args(["--batch-timeout", "50ms"])
            .stdout(log.try_clone().expect("an open file can be shared"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", binary.display()));
        let mut rotel = Self { child, ports, folder };
        wait::until("rotel to listen", || {
            if let Some(status) = rotel.child.try_wait().expect("a child can be waited for") {
                panic!("rotel {status}:\n{}", rotel.log());
            }
            TcpStream::connect(rotel.ports[0].address()).ok()
        });
        rotel
    }

    /// The port on 127.0.0.1 that takes OTLP over gRPC.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports[0].address().port()
    }

    /// Its log as written so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("rotel.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("rotel's log:\n{}", self.log());
        }
    }
}
