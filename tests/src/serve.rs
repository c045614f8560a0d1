//! `sluice serve` as a process, which can be killed, ended, limited and started again on the same ports.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::built;
use crate::playbook::Api;
use crate::port::Port;
use crate::wait;

/// Who may do everything.
pub const TOKEN: &str = "sluice_test_admin";
/// A write beyond the limit on a file's size is to fail, as one to a full disk does, and not to end the process.
const UNSIGNALLED: &str = r#"trap "" XFSZ; exec "$0" "$@""#;

/// A collector of its own process. It is killed when dropped.
#[derive(Debug)]
pub struct Serve {
    database: String,
    http: Port,
    grpc: Port,
    child: Option<Child>,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Serve {
    /// Starts one, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start(database: &str) -> Self {
        let mut serve = Self {
            database: database.to_owned(),
            http: Port::reserve(),
            grpc: Port::reserve(),
            child: None,
            log: Arc::default(),
        };
        serve.restart();
        serve
    }

    /// Starts it again, after it ended or was killed, and waits until it is ready.
    ///
    /// # Panics
    /// If it runs, or does not become ready.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let mut command = Command::new("sh");
        command
            .args(["-c", UNSIGNALLED])
            .arg(binary())
            .args(["serve", "--database", &self.database])
            .args(["--http", &self.http.address().to_string()])
            .args(["--grpc", &self.grpc.address().to_string()])
            .env("SLUICE_ADMIN_TOKEN", TOKEN)
            // As the proxies of tests.
            .env("SLUICE_RESOLVES_TO", "127.0.0.0/8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("there is a shell");
        let mut said = child.stderr.take().expect("it is piped");
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(read @ 1..) = said.read(&mut some) {
                lock(&log).extend_from_slice(&some[..read]);
            }
        });
        self.child = Some(child);
        let ready = wait::within(wait::PATIENCE, || (self.ready() == Some(200)).then_some(()));
        assert!(ready.is_some(), "it does not become ready:\n{}", self.log());
    }

    /// Kills it as a crash does: nothing is finished.
    ///
    /// # Panics
    /// If it does not run.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is ours");
        let status = child.wait().expect("it is ours");
        assert_eq!(status.signal(), Some(9), "it had ended before:\n{}", self.log());
    }

    /// Tells it to end, as a service manager does, and waits for that.
    ///
    /// # Panics
    /// If it does not run.
    pub fn end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let told = Command::new("kill")
            .args(["-s", "TERM", &child.id().to_string()])
            .status();
        assert!(told.is_ok_and(|status| status.success()), "it runs and is ours");
        child.wait().expect("it is ours")
    }

    /// Lets no file of it grow beyond so many bytes; `None` lifts that.
    ///
    /// # Panics
    /// If it does not run.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let child = self.child.as_ref().expect("it runs");
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limited = Command::new("prlimit")
            .args(["--pid", &child.id().to_string(), &format!("--fsize={limit}:unlimited")])
            .status();
        assert!(limited.is_ok_and(|status| status.success()), "prlimit works");
    }

    /// What `/readyz` answers, if anything.
    #[must_use]
    pub fn ready(&self) -> Option<u16> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent: ureq::Agent = config.build().into();
        let answer = agent.get(format!("http://{}/readyz", self.http.address())).call();
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Its API, as an admin.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(self.http.address(), TOKEN)
    }

    /// Its API, for clients of other kinds.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http.address())
    }

    /// Where filters connect.
    #[must_use]
    pub fn grpc(&self) -> u16 {
        self.grpc.address().port()
    }

    /// All that it said so far, over all starts.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&lock(&self.log)).into_owned()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended is as good as killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The command line of the same build.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    built::sluice().unwrap_or_else(|problem| panic!("{problem}"))
}

fn lock(log: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
