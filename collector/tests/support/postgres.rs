//! A private PostgreSQL for the tests of one binary: in a temporary folder, on a
//! Unix socket only, gone when the process is, however that ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Runs until its input ends, which it does when the process of the tests is
/// gone, and then leaves nothing behind.
const KEEPER: &str = r#"
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 || { cat "$2/log"; exit 1; }
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=300 >>"$2/log" 2>&1 &
until "$1/pg_isready" -q -h "$2" || ! kill -0 $!; do sleep 0.05; done
kill -0 $! || { cat "$2/log"; exit 1; }
echo ready
cat >/dev/null
kill -QUIT $!
wait $!
rm -rf "$2"
"#;

struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    /// Ends with its input, which is never closed before the process ends.
    _keeper: Child,
}

/// The address of a new, empty database.
///
/// # Panics
/// If there is no PostgreSQL, or it does not start; says what it said.
#[must_use]
pub(crate) fn database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut create = Command::new(cluster.binaries.join("createdb"));
    create.arg("-h").arg(&cluster.folder).args(["-U", "postgres", &name]);
    let created = create.output().expect("createdb runs");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    format!("postgres://postgres@localhost/{name}?host={}", cluster.folder.display())
}

impl Cluster {
    fn start() -> Self {
        let binaries = binaries();
        let unique = format!("sluice-postgres-{}", std::process::id());
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir(&folder).expect("a new folder among temporary files");
        let mut keeper = Command::new("sh");
        keeper.args([OsStr::new("-c"), OsStr::new(KEEPER), OsStr::new("keeper")]);
        keeper.arg(&binaries).arg(&folder).current_dir("/");
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Signals for the tests, such as Ctrl-C, are none for it: it has to clean up.
        keeper.process_group(0);
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if is_root {
            chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root gives folders away");
            keeper.uid(NOBODY).gid(NOBODY);
        }
        let mut keeper = keeper.spawn().expect("there is a shell");
        let said = BufReader::new(keeper.stdout.take().expect("it is piped"));
        let lines: Vec<String> = said
            .lines()
            .map_while(Result::ok)
            .take_while(|line| line != "ready")
            .collect();
        let began = Instant::now();
        while !folder.join(".s.PGSQL.5432").exists() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "PostgreSQL did not start:\n{}",
                lines.join("\n")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            binaries,
            folder,
            _keeper: keeper,
        }
    }
}

/// Where Debian keeps them, which is not on `PATH`, or else where they are.
fn binaries() -> PathBuf {
    let has = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    found.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(OsStr::to_str);
        version.and_then(|version| version.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = found.into_iter().rev().chain(std::env::split_paths(&path));
    all.find(|folder| has(folder))
        .expect("these tests need PostgreSQL; the package postgresql has it")
}
