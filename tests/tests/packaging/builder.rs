//! `envoy/image/build.py`, and a folder with a module for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::layout::Layout;

pub(crate) struct Builder {
    folder: TempDir,
}

impl Builder {
    /// Has this module to pack.
    pub(crate) fn with(module: &[u8]) -> Self {
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let builder = Self { folder };
        fs::write(builder.module(), module).expect("it is writable");
        builder
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.folder().join("sluice_filter.wasm")
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.folder().join("image")
    }

    /// What packs it, as `make image` calls it.
    pub(crate) fn command(&self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/image/build.py");
        let mut command = Command::new("python3");
        command.arg(script).arg("--wasm").arg(self.module());
        command.arg("--out").arg(self.image()).env_remove("SOURCE_DATE_EPOCH");
        command
    }

    /// Packs it.
    pub(crate) fn build(&self) -> Layout {
        succeed(&mut self.command());
        Layout::at(self.image())
    }
}

/// Runs a command that is to succeed; what it wrote to stdout.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("python3 is installed")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
