//! The local authority of the topology where TLS ends, by the script that is shipped with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Setup;
use super::setup::envoy_folder;

/// A local authority, and one certificate for some names.
#[derive(Debug)]
pub struct LocalAuthority {
    folder: TempDir,
}

impl LocalAuthority {
    /// Runs `make-certificates`.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn make(names: &[&str]) -> Self {
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let made = Command::new(envoy_folder().join("terminating/make-certificates"))
            .current_dir(&folder)
            .args(names)
            .output()
            .expect("it is shipped");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    /// What clients have to trust, as a PEM file.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).expect("it was made")
    }
}

impl Setup {
    /// `terminating`, with these certificates, and with one authority of upstreams.
    #[must_use]
    pub fn terminated(self, local: &LocalAuthority, upstreams: &Path) -> Self {
        let upstreams = fs::read(upstreams).expect("it was made");
        self.file("cert.pem", local.read("cert.pem"))
            .file("key.pem", local.read("key.pem"))
            .file("upstreams.pem", upstreams)
            .edit(|bootstrap| {
                let trusted = "/static_resources/clusters/0/transport_socket/typed_config/common_tls_context/\
                               validation_context/trusted_ca/filename";
                let trusted = bootstrap.pointer_mut(trusted).expect("upstreams are checked");
                *trusted = "upstreams.pem".into();
            })
    }
}
