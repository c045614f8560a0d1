//! Builds the filter this crate embeds, so that no test and no release binary
//! can carry a `.wasm` older than the sources beside it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

const TARGET: &str = "wasm32-wasip1";
const PROFILE: &str = "filter";
const ARTEFACT: &str = "sluice_filter.wasm";

/// What the `.wasm` is made from, relative to the workspace.
const INPUTS: [&str; 10] = [
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

fn main() -> ExitCode {
    let workspace = workspace();
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    println!("cargo::rerun-if-changed=build.rs");

    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let target_dir = outer_target_dir(&out_dir).join("filter-wasm");
    let built = target_dir.join(TARGET).join(PROFILE).join(ARTEFACT);
    let output = match nested_cargo(&workspace, &target_dir).output() {
        Ok(output) => output,
        Err(error) => return fail(&format!("cannot run cargo to build the filter: {error}")),
    };
    if !output.status.success() {
        return fail(&explain(&output));
    }
    let shrunk = Command::new(workspace.join("filter/shrink"))
        .arg(&built)
        .arg(out_dir.join(ARTEFACT))
        .output();
    match shrunk {
        Ok(output) if output.status.success() => ExitCode::SUCCESS,
        Ok(output) => fail(String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => fail(&format!("cannot run filter/shrink: {error}")),
    }
}

fn nested_cargo(workspace: &Path, target_dir: &Path) -> Command {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--package", "sluice-filter", "--lib", "--locked"])
        .args(["--target", TARGET, "--profile", PROFILE])
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
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(workspace));
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
    }
    flags.push(format!("--remap-path-prefix={}=sluice", workspace.display()));
    flags.join("\x1f")
}

/// The directory the outer cargo builds into, from `…/<profile>/build/…/out`.
/// Every profile shares the nested one inside it; a directory of its own,
/// because the outer cargo holds the lock on this one meanwhile.
fn outer_target_dir(out_dir: &Path) -> PathBuf {
    out_dir
        .ancestors()
        .find(|dir| dir.file_name().is_some_and(|name| name == "build"))
        .and_then(|build| build.ancestors().nth(2))
        .unwrap_or(out_dir)
        .to_path_buf()
}

fn explain(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    eprintln!("{stderr}");
    let advice = if stderr.contains("target may not be installed") {
        format!("install the target: rustup target add {TARGET}")
    } else {
        format!("see it alone: cargo build -p sluice-filter --target {TARGET} --profile {PROFILE}")
    };
    format!("the filter did not build for {TARGET} (its output is below); {advice}")
}

fn fail(problem: &str) -> ExitCode {
    println!("cargo::error={problem}");
    ExitCode::FAILURE
}

fn workspace() -> PathBuf {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), Path::to_path_buf)
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name} for build scripts"))
}
