//! Builds wasm with a cargo inside cargo: shared by the build scripts that embed the filter or the console.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const TARGET: &str = "wasm32-wasip1";
pub(crate) const PROFILE: &str = "filter";

/// What the `.wasm` is made from, relative to the workspace.
pub(crate) const INPUTS: [&str; 10] = [
    "policy/src",
    "policy/proto",
    "policy/Cargo.toml",
    "filter/src",
    "filter/build.rs",
    "filter/shrink",
    "filter/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

/// What the outer `cargo clippy`, `cargo doc` or a coverage run puts into the
/// environment for its own compiler calls. Inherited, each would lint,
/// instrument or misplace the filter, or rebuild it on every switch.
const OUTER_ONLY: [&str; 10] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "LLVM_PROFILE_FILE",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// Builds a package of the workspace as the filter is built.
pub(crate) fn nested_cargo(workspace: &Path, target_dir: &Path, package: &str) -> Command {
    nested_cargo_for(workspace, target_dir, package, [TARGET, PROFILE], &[])
}

/// Builds a package of the workspace for a target, with a profile and more flags for the compiler.
pub(crate) fn nested_cargo_for(
    workspace: &Path,
    target_dir: &Path,
    package: &str,
    [target, profile]: [&str; 2],
    more: &[&str],
) -> Command {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--package", package, "--lib", "--locked"])
        .args(["--target", target, "--profile", profile])
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir);
    for name in OUTER_ONLY {
        cargo.env_remove(name);
    }
    // A compile cache is welcome, a linter or an instrumenter is not.
    if env::var_os("RUSTC_WRAPPER").is_some_and(|wrapper| !is_cache(&wrapper)) {
        cargo.env_remove("RUSTC_WRAPPER");
    }
    let flags = [remapped_paths(workspace), more.join("\x1f")];
    let flags: Vec<_> = flags.into_iter().filter(|flags| !flags.is_empty()).collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    cargo
}

fn is_cache(wrapper: &OsString) -> bool {
    Path::new(wrapper)
        .file_stem()
        .is_some_and(|stem| ["sccache", "ccache", "cachepot"].iter().any(|name| stem == *name))
}

/// Panic messages carry source paths. Remapped, the same sources give the same
/// module wherever they are built, and it names no directory of the builder.
fn remapped_paths(workspace: &Path) -> String {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = Vec::new();
    if let Some(home) = cargo_home {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
        flags.extend(registries(&home).map(|folder| format!("--remap-path-prefix={}=crates", folder.display())));
    }
    flags.push(format!("--remap-path-prefix={}=sluice", workspace.display()));
    flags.join("\x1f")
}

/// Where crates are unpacked: a folder for each registry, whose name depends on
/// where the registry is. Of several prefixes rustc takes the last that fits.
fn registries(cargo_home: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let found = std::fs::read_dir(cargo_home.join("registry/src"));
    let mut folders: Vec<_> = found
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders.into_iter()
}

/// The directory the outer cargo builds into, from `…/<profile>/build/…/out`.
/// Every profile shares the nested one inside it; a directory of its own,
/// because the outer cargo holds the lock on this one meanwhile.
pub(crate) fn outer_target_dir(out_dir: &Path) -> PathBuf {
    out_dir
        .ancestors()
        .find(|dir| dir.file_name().is_some_and(|name| name == "build"))
        .and_then(|build| build.ancestors().nth(2))
        .unwrap_or(out_dir)
        .to_path_buf()
}

pub(crate) fn workspace() -> PathBuf {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}

pub(crate) fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name} for build scripts"))
}
