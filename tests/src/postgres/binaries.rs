//! Where PostgreSQL is installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with `postgres`, `initdb` and the clients of the same version.
#[derive(Debug)]
pub(super) struct Binaries(PathBuf);

const NEEDED: [&str; 4] = ["postgres", "initdb", "createdb", "pg_isready"];

impl Binaries {
    /// What `pg_config` says, else a folder of `PATH`, else Debian's, the newest version first.
    pub(super) fn find() -> Result<Self, String> {
        Self::first(candidates())
    }

    fn first(candidates: Vec<PathBuf>) -> Result<Self, String> {
        // Debian keeps the server out of PATH; what is there may be the clients alone.
        let complete = |folder: &PathBuf| NEEDED.iter().all(|name| folder.join(name).is_file());
        candidates
            .iter()
            .find(|folder| complete(folder))
            .cloned()
            .map(Self)
            .ok_or_else(|| {
                let needed = NEEDED.join(", ");
                format!("no folder has {needed}; on Debian: apt-get install -y postgresql. Looked in {candidates:?}")
            })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    found.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    found.extend(versions(Path::new("/usr/lib/postgresql")));
    found
}

/// `<version>/bin` for each version below a folder, the newest first.
fn versions(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    let bin = |version: u32| root.join(version.to_string()).join("bin");
    versions.into_iter().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let root = TempDir::new().unwrap();
        for version in ["9", "15", "16", "common"] {
            let bin = root.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            // Of 16 there are the clients alone.
            for name in NEEDED.iter().filter(|name| version != "16" || **name != "postgres") {
                fs::write(bin.join(name), "").unwrap();
            }
        }
        let found = Binaries::first(versions(root.path())).unwrap();
        assert_eq!(found.path("initdb"), root.path().join("15/bin/initdb"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_package_that_has_it() {
        let problem = Binaries::first(vec!["/nowhere/bin".into()]).unwrap_err();
        assert!(problem.contains("apt-get install -y postgresql"), "{problem}");
        assert!(problem.contains("/nowhere/bin"), "{problem}");
    }
}
