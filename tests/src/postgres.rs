//! PostgreSQL of the tests' own: a cluster in a temporary folder that nobody else can reach and nobody has to clean up.
//!
//! It listens on a Unix socket in its folder only, and writes to disk as in
//! earnest. Tests share one ([`fresh`]) and have a database each; who wants to
//! see what happens when the database goes away starts a [`Cluster`].

mod binaries;
mod leash;
mod user;

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};

use tempfile::TempDir;

use crate::wait;
use binaries::Binaries;
use leash::Leash;
use user::User;

/// The one that the tests of a process share.
static SHARED: LazyLock<Result<Cluster, String>> = LazyLock::new(Cluster::try_start);

/// What servers and clients call themselves.
const USER: &str = "sluice";
/// Of the socket's name; no port is opened.
const PORT: &str = "5432";

/// The URL of a new, empty database in the cluster that the tests of this process share.
///
/// # Panics
/// If there is no PostgreSQL, with what to do about it.
#[must_use]
pub fn fresh() -> String {
    match &*SHARED {
        Ok(cluster) => cluster.fresh(),
        Err(problem) => panic!("these tests need PostgreSQL: {problem}"),
    }
}

/// A running cluster. It ends, and its folder goes, when it is dropped and however this process ends.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    user: User,
    folder: PathBuf,
    server: Mutex<Option<Leash>>,
    databases: AtomicUsize,
}

impl Cluster {
    /// Starts one, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|problem| panic!("this test needs PostgreSQL: {problem}"))
    }

    fn try_start() -> Result<Self, String> {
        let binaries = Binaries::find()?;
        let folder = TempDir::with_prefix("sluice-pg-").map_err(|error| format!("no temporary folder: {error}"))?;
        let user = User::owning(folder.path())?;
        let mut initdb = user.command(&binaries.path("initdb"));
        initdb
            .args([
                "--username",
                USER,
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
            ])
            // Of an empty cluster there is nothing to lose yet.
            .args(["--no-sync", "--pgdata"])
            .arg(folder.path().join("data"));
        run(&mut initdb)?;
        let cluster = Self {
            binaries,
            user,
            // From here on the leash removes it.
            folder: folder.keep(),
            server: Mutex::default(),
            databases: AtomicUsize::new(0),
        };
        cluster.try_restart()?;
        Ok(cluster)
    }

    /// The URL of a new, empty database.
    ///
    /// # Panics
    /// If the server does not run.
    #[must_use]
    pub fn fresh(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = Command::new(self.binaries.path("createdb"));
        create
            .arg("--host")
            .arg(&self.folder)
            .args(["--port", PORT, "--username", USER, &name]);
        run(&mut create).unwrap_or_else(|problem| panic!("{problem}\n{}", self.log()));
        let folder = self.folder.display();
        format!("postgres:///{name}?host={folder}&port={PORT}&user={USER}")
    }

    /// Ends the server at once, as a crash does: connections break, and new ones are refused.
    ///
    /// What was committed is there after [`Cluster::restart`]. Does nothing if it does not run.
    pub fn stop(&self) {
        if let Some(leash) = self.server().take() {
            leash.stop();
        }
    }

    /// Starts the server again, after [`Cluster::stop`] if it runs, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&self) {
        self.try_restart().unwrap_or_else(|problem| panic!("{problem}"));
    }

    fn try_restart(&self) -> Result<(), String> {
        self.stop();
        let log = File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(|error| format!("cannot write PostgreSQL's log: {error}"))?;
        let mut server = self.user.command(&self.binaries.path("postgres"));
        server
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", PORT, "-h", "", "-c", "max_connections=400"]);
        *self.server() = Some(Leash::start(&server, &self.folder, log)?);
        let up = wait::within(wait::PATIENCE, || self.answers().then_some(()));
        up.ok_or_else(|| format!("PostgreSQL does not come up; its log:\n{}", self.log()))
    }

    /// Whether it is past recovery, and not only listening.
    fn answers(&self) -> bool {
        UnixStream::connect(self.folder.join(format!(".s.PGSQL.{PORT}"))).is_ok()
            && Command::new(self.binaries.path("pg_isready"))
                .arg("--quiet")
                .arg("--host")
                .arg(&self.folder)
                .args(["--port", PORT])
                .status()
                .is_ok_and(|status| status.success())
    }

    /// The server's log as written so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Where everything of it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn server(&self) -> MutexGuard<'_, Option<Leash>> {
        // A panic of another test leaves nothing half done in here.
        self.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        // A folder that stays behind fails no test.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs to the end; what it said if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed, {}:\n{said}", output.status))
}
